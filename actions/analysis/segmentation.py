"""Reads the skeleton of a log in one pass: its commands and how they ended, and with that what else stands in it."""

import re

from actions.analysis.quotations import Quotations
from actions.analysis.structure import Outcome, Step, Structure
from actions.analysis.testruns import TestRuns
from actions.analysis.trace import Trace
from actions.analysis.vocabulary import STARTED, any_of
from actions.analysis.voices import only_prints

_MARKS = {
    "command": r"\$ (?P<command>\S.*)",
    "traced": r"\++ (?P<traced>[\w.~/\"'\[(]\S*.*)",
    "group": r"(?:##\[group\]|::group::)(?P<group>.*)",
    "endgroup": r"(?P<endgroup>##\[endgroup\]|::endgroup::)",
    "error": r"(?:##\[error\]|::error ?[^:]*::)(?P<error>.*)",
    "tool": r"(?P<tool>##\[command\]|\[command\]|(?:\[[^\]]*\d+/\d+\]|Step \d+/\d+ :) [A-Z]+ )",
    "told": r"(?:The command \"|.*\" (?=(?:failed and )?exited with \d))(?P<told>.*)",
    "job": (
        r"(?P<job>ERROR: Job failed|Build step '.*' (?:marked build as failure|changed build result to FAILURE)"
        r"|Done\. Your build exited with [1-9]|Finished: (?:FAILURE|ABORTED)|ERROR: script returned exit code [1-9]"
        r"|Your build has been stopped|Exited with code exit status [1-9])"
    ),
    "after": (
        r"(?P<after>Post job cleanup\.|Running after_script|Running after script|Uploading artifacts for failed job"
        r"|Cleaning up (?:project directory|orphan processes|file based)|Saving cache for failed job)"
    ),
    "run": rf"(?P<run>{STARTED.pattern})",
}
_MARK = any_of(*_MARKS.values())
_FIRST = frozenset("$+#:[TEBDFYPRCUs=S\"'}0123456789abcdefghijklmnopqrstuvwxyzI")
_EXITED = re.compile(r"exited with (\d+)|failed (\d+) times")
_EXIT_CODE = re.compile(r"(?:exit(?:ed with)?(?: with)? code:? (?:exit status )?|exit status |exited with )(\d+)")
_SHELL_WORD = re.compile(r"(?:[a-z_./~\"'\[(]|[A-Z_][A-Z0-9_]*=)")
_HEADER_LINES = 80
_LINES_AFTER_END = 3


def segment(trace: Trace) -> Structure:
    """Read the skeleton of a trace in one pass.

    Args:
        trace: A cleaned trace.

    Returns:
        Its steps (at least one), tests and quoted parts.
    """
    reader = _Reader(trace)
    for index, text in enumerate(trace.texts):
        if not text:
            continue
        if text[0] in _FIRST and (mark := _MARK.match(text)):
            reader.mark(index, text, mark)
        reader.quotations.read(index, text)
        reader.tests.read(index, text)
    return reader.finish()


class _Reader:
    """The state of the pass: the open step and the open header."""

    def __init__(self, trace: Trace) -> None:
        self.out = Structure()
        self.quotations = Quotations(trace, self.out)
        self.tests = TestRuns(self.out)
        self.size = len(trace)
        self.last_words = _last_words(trace, _LINES_AFTER_END)
        self.last_line = _last_words(trace, 0)
        self.grouped = False
        self.presumed: list[Step] = []
        self.step = Step("", 0, self.size)
        self.out.steps.append(self.step)
        self.header = -1
        self.runs_actions = False
        self.after = False

    def mark(self, index: int, text: str, mark: re.Match[str]) -> None:
        kind = mark.lastgroup or ""
        said = mark[kind]
        if kind == "command" or (kind == "traced" and _SHELL_WORD.match(said)):
            # Where a workflow's steps are announced, a prompt within one is a tool's echo of what it runs.
            self._open(index, said, traced=kind == "traced" or self.runs_actions)
        elif kind in {"group", "endgroup"}:
            self._group(index, said if kind == "group" else None)
        elif kind == "error":
            self.quotations.printed_until(index, next_command=False)
            self._fail(index, said)
        elif kind == "tool":
            self.out.echoes.append(index)
        elif kind == "told":
            self._told(index, text)
        elif kind == "run":
            self.tests.event(index, "start")
        elif kind in {"job", "after"}:
            self._ending(index, text, failed=kind == "job")

    def finish(self) -> Structure:
        out = self.out
        self.step.end = self.size
        if self.header >= 0:
            out.headers.append((self.header, min(self.size, self.header + _HEADER_LINES)))
        self.tests.close(self.size)
        self.quotations.finish()
        if not out.failed:
            # Nothing shows a CI job; in a terminal the next command says nothing of the one before.
            for step in self.presumed:
                step.outcome = Outcome.SUPERSEDED
        real = [step for step in out.steps if step.outcome is not Outcome.AFTERWARDS]
        if not any(step.outcome is Outcome.FAILED for step in real) and len(real) > 1:
            self._blame_last(real)
        failed = [step for step in real if step.outcome is Outcome.FAILED]
        out.end = failed[0].end if failed else (real[-1].end if real else self.size)
        return out

    def _ending(self, index: int, text: str, *, failed: bool) -> None:
        """The script is over; a line that says so early, while the log goes on, is not believed."""
        if failed:
            last = self.last_line if text.startswith("ERROR: Job failed") else self.last_words
            if index < last and not text.startswith("Build step"):
                return
            self._fail(index, text)
            self.out.failed = True
            self.out.endings.add(index)
        self._open(index, "", outcome=Outcome.AFTERWARDS)

    def _blame_last(self, real: list[Step]) -> None:
        """Without an exit code in the log the last command that ran is the one that failed."""
        last = next((step for step in reversed(real) if step.end > step.start), real[-1])
        if last.outcome is Outcome.UNKNOWN:
            last.outcome = Outcome.FAILED

    def _open(self, index: int, command: str, *, traced: bool = False, outcome: Outcome = Outcome.UNKNOWN) -> None:
        self.quotations.printed_until(index, next_command=bool(command))
        if command:
            self.out.echoes.append(index)
            self.quotations.fed(index, command)
            if only_prints(command):
                self.quotations.prints(index, command)
                return
        if self.after:
            outcome = Outcome.AFTERWARDS
        step = self.step
        step.end = index
        if step.outcome is Outcome.UNKNOWN and outcome is not Outcome.AFTERWARDS:
            step.outcome = Outcome.SUPERSEDED if step.traced or traced else Outcome.PASSED
            self.presumed.append(step)
        self.after = outcome is Outcome.AFTERWARDS
        self.step = Step(command, index + 1, self.size, outcome, traced)
        self.out.steps.append(self.step)

    def _group(self, index: int, title: str | None) -> None:
        if title is None and self.grouped:
            self.grouped = False
        elif title is None:
            if self.header >= 0:
                self.out.headers.append((self.header, min(index, self.header + _HEADER_LINES)))
            elif index < _HEADER_LINES and len(self.out.steps) == 1 and not self.out.headers and not self.out.tests:
                self.out.headers.append((0, index))
            self.header = -1
        elif title.startswith("Run "):
            self.runs_actions = True
            self._open(index, title[4:])
            self.step.traced = False
            self.header = index
        else:
            self.grouped = True

    def _told(self, index: int, text: str) -> None:
        told = _EXITED.search(text)
        if told is None:
            return
        code = int(told[1] or 1)
        if code:
            self._fail(index, text)
        elif self.step.outcome is Outcome.UNKNOWN and self.step.command[:40] in text:
            self.step.outcome = Outcome.PASSED

    def _fail(self, index: int, text: str) -> None:
        if self.step.outcome in {Outcome.AFTERWARDS, Outcome.PASSED}:
            return
        self.step.outcome = Outcome.FAILED
        self.step.end = min(self.size, index + 1)
        self.out.failed = True
        if self.out.exit_code is None and (code := _EXIT_CODE.search(text)):
            self.out.exit_code = int(code[1])


def _last_words(trace: Trace, left: int) -> int:
    """From which line on only so many lines with words follow."""
    for index in range(len(trace) - 1, -1, -1):
        if trace.texts[index].strip():
            left -= 1
            if left < 0:
                return index
    return 0
