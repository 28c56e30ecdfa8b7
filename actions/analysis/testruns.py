"""Finds the results of tests in a log, and the output that a test framework kept of them."""

import re

from actions.analysis.structure import Structure
from actions.analysis.vocabulary import FAILED, PASSED, RESULT_HINTS, RESULT_MARKS

_CAPTURE = re.compile(
    r"-+ Captured (?:stdout|stderr|log) |Captured (?:stdout|stderr|log)|\s*console\.(?:error|warn|log|info|debug)$"
    r"|(?:stdout|stderr) \| \S+\.\w+(?: > |$)|\S+ > .* STANDARD_(?:OUT|ERROR)$"
    r"|\s*Standard (?:Output|Error) Messages:$|.*\[Output\]$"
)
_CAPTURE_HINTS = ("aptured", "console.", "stdout | ", "stderr | ", " STANDARD_", "Standard ", "[Output]")
_CAPTURE_END = re.compile(
    r"(?:_{3,}|={3,}|-{3,}) |\s+(?:Passed|Failed) |\s*●|PASS|FAIL|Tests?:|Test Suites|Test Files|\s*at |\$ |##\[|ERROR: |>"
    r"|\S+ > | [✓✗×❯]| ⎯"  # noqa: RUF001 - the marks are vitest's own
)
_CAPTURE_LINES = 2000
_CONSOLE_LINES = 15


class TestRuns:
    """The state of one pass: which captured output is open."""

    def __init__(self, out: Structure) -> None:
        self.out = out
        self.capture = -1
        self.most = 0

    def read(self, index: int, text: str) -> None:
        """Take notice of a line that tells a result or opens or closes captured output."""
        if self.capture >= 0 and index > self.capture and _CAPTURE_END.match(text):
            self.close(index)
        if any(hint in text for hint in _CAPTURE_HINTS):
            if _CAPTURE.match(text):
                self.close(index)
                self.capture = index
                self.most = _CAPTURE_LINES if "aptured" in text else _CONSOLE_LINES
        elif _may_be_result(text):
            if PASSED.search(text):
                self.event(index, "pass")
            elif FAILED.search(text):
                self.event(index, "fail")

    def event(self, index: int, result: str) -> None:
        """Note that a test started, passed or failed."""
        self.out.tests.append(index)
        self.out.results.append(result)

    def close(self, index: int) -> None:
        """Captured output ends before the line."""
        if self.capture >= 0:
            self.out.captures.append((self.capture, min(index, self.capture + self.most)))
            self.capture = -1


def _may_be_result(text: str) -> bool:
    if not text.isascii() and text.lstrip()[:1] in RESULT_MARKS:
        return True
    return any(hint in text for hint in RESULT_HINTS)
