"""What a log is made of: steps and how they ended, tests and their results, and which lines are only shown again."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import Enum

from actions.analysis.trace import Trace
from actions.analysis.vocabulary import FAILED, PASSED, RESULT_HINTS, RESULT_MARKS, STARTED, any_of
from actions.analysis.voices import only_prints


class Outcome(Enum):
    """How a step of a job ended, as far as the log shows it."""

    UNKNOWN = "unknown"
    PASSED = "passed"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    AFTERWARDS = "afterwards"


@dataclass(slots=True)
class Step:
    """One command of a job and the lines it wrote.

    Attributes:
        command: The command as the log echoes it; empty where the log begins within its output.
        start: Index of the first line of output.
        end: Index after the last one.
        outcome: How it ended.
        traced: Whether the shell echoed it (``set -x``), which does not tell how it ended.
    """

    command: str
    start: int
    end: int
    outcome: Outcome = Outcome.UNKNOWN
    traced: bool = False


@dataclass(slots=True)
class Structure:
    """The skeleton of a trace; every position is an index into its lines."""

    steps: list[Step] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    echoes: list[int] = field(default_factory=list)
    headers: list[tuple[int, int]] = field(default_factory=list)
    captures: list[tuple[int, int]] = field(default_factory=list)
    prints: list[tuple[int, int]] = field(default_factory=list)
    fences: list[tuple[int, int]] = field(default_factory=list)
    fed: list[tuple[int, int]] = field(default_factory=list)
    endings: set[int] = field(default_factory=set)
    tests: list[int] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    failed: bool = False
    exit_code: int | None = None
    end: int = 0

    def step_at(self, index: int) -> Step:
        """The step whose output holds the line."""
        return self.steps[max(0, bisect_right(self.starts, index) - 1)]

    def in_header(self, index: int) -> bool:
        """Whether the line shows what a step is going to run and with which inputs."""
        return _within(self.headers, index)

    def in_print(self, index: int) -> bool:
        """Whether the line is what a command printed that does nothing else, or a quoted block."""
        return _within(self.prints, index) or _within(self.fences, index)

    def in_capture(self, index: int) -> bool:
        """Whether the line is output that a test framework kept and shows again beside a failure."""
        return _within(self.captures, index)

    def around(self, index: int) -> tuple[str, str, int]:
        """The test events before and after a line (start, pass, fail or empty), and how far the next one is."""
        at = bisect_left(self.tests, index)
        if at < len(self.tests) and self.tests[at] == index:
            return self.results[at], "", 0
        before = self.results[at - 1] if at else ""
        if at >= len(self.tests):
            return before, "", 0
        return before, self.results[at], self.tests[at] - index


def _within(spans: list[tuple[int, int]], index: int) -> bool:
    at = bisect_right(spans, (index, 1 << 60)) - 1
    return at >= 0 and spans[at][0] <= index < spans[at][1]


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
_CAPTURE = re.compile(
    r"-+ Captured (?:stdout|stderr|log) |\s+console\.(?:error|warn|log|info|debug)$|Captured (?:stdout|stderr|log)"
)
_CAPTURE_END = re.compile(r"(?:_{3,}|={3,}|-{3,}) |\s*●|PASS|FAIL|Tests?:|Test Suites|\s*at |\$ |##\[|ERROR: |>")
_COUNTS = re.compile(r"\d+ (?:passed|failed|errors?|skipped)")
_HEADLINE = re.compile(r"={3,} .* ={3,}$")
_HEREDOC = re.compile(r"<<-?\s*['\"\\]?([A-Za-z_]\w*)")
_HEREDOC_LINES = 200
_NOTE_LINES = 12
_FOLD = re.compile(r"<(/)?details\b")
_CAPTURE_LINES = 2000
_CONSOLE_LINES = 15
_HEADER_LINES = 80
_PRINTED_LINES = 3
_LINES_AFTER_END = 3


def _printed_lines(command: str) -> int:
    """How many lines a command that only prints has surely written, where no other command follows it."""
    if ">" in command or (command.startswith(("echo", "printf")) and "$" not in command):
        return 0  # what an echo writes is compared with its words
    return _PRINTED_LINES if command.startswith(("cat", "head", "tail", "sed")) else 1


def _last_words(trace: Trace, left: int) -> int:
    """From which line on only so many lines with words follow."""
    for index in range(len(trace) - 1, -1, -1):
        if trace.texts[index].strip():
            left -= 1
            if left < 0:
                return index
    return 0


def _may_be_result(text: str) -> bool:
    if not text.isascii() and text.lstrip()[:1] in RESULT_MARKS:
        return True
    return any(hint in text for hint in RESULT_HINTS)


def structure(trace: Trace) -> Structure:
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
        elif text.lstrip()[:3] == "```":
            reader.fenced(index)
        elif text == "---":
            reader.ruled(index)
        elif text[0] == "<" and (fold := _FOLD.match(text)):
            reader.folded(index, opens=fold[1] is None)
        if text[0] == "=" and _HEADLINE.match(text):
            reader.headline(index, passes=" PASSES " in text, counts=_COUNTS.search(text) is not None)
        reader.test(index, text)
    return reader.finish()


class _Reader:
    """The state of the pass: the open step, the open header and the open capture."""

    def __init__(self, trace: Trace) -> None:
        self.out = Structure()
        self.trace = trace
        self.size = len(trace)
        self.last_words = _last_words(trace, _LINES_AFTER_END)
        self.last_line = _last_words(trace, 0)
        self.printer, self.printed = -1, ""
        self.fence = self.fold = self.rule = -1
        self.grouped = False
        self.presumed: list[Step] = []
        self.passes = self.counted = -1
        self.step = Step("", 0, self.size)
        self.out.steps.append(self.step)
        self.header = -1
        self.capture = -1
        self.capture_lines = 0
        self.after = False

    def mark(self, index: int, text: str, mark: re.Match[str]) -> None:
        kind = mark.lastgroup or ""
        said = mark[kind]
        if kind == "command" or (kind == "traced" and _SHELL_WORD.match(said)):
            self._open(index, said, traced=kind == "traced")
        elif kind in {"group", "endgroup"}:
            self._group(index, said if kind == "group" else None)
        elif kind == "error":
            self._fail(index, said)
        elif kind == "tool":
            self.out.echoes.append(index)
        elif kind == "told":
            self._told(index, text)
        elif kind == "run":
            self._event(index, "start")
        elif kind in {"job", "after"}:
            self._ending(index, text, failed=kind == "job")

    def fenced(self, index: int) -> None:
        """Between two fences stands a piece of a document."""
        if self.fence < 0:
            self.fence = index
        else:
            self.out.fences.append((self.fence, index))
            self.fence = -1

    def folded(self, index: int, *, opens: bool) -> None:
        """What a comment folds away is a piece of a document too."""
        if opens:
            self.fold = index
        elif self.fold >= 0:
            self.out.fences.append((self.fold, index))
            self.fold = -1

    def ruled(self, index: int) -> None:
        """A few lines between two rules are a note that is shown."""
        if self.rule >= 0 and index - self.rule <= _NOTE_LINES:
            self.out.fences.append((self.rule, index))
            self.rule = -1
        else:
            self.rule = index

    def _heredoc(self, index: int, command: str) -> None:
        """The lines that a command is fed with stand between it and the word that ends them."""
        opened = _HEREDOC.search(command)
        if opened is None:
            return
        for end in range(index + 1, min(self.size, index + _HEREDOC_LINES)):
            if self.trace.texts[end].strip() == opened[1]:
                self.out.fences.append((index, end))
                self.out.fed.append((index, end))
                return

    def headline(self, index: int, *, passes: bool, counts: bool) -> None:
        """Pytest shows what passing tests wrote in a chapter of its own."""
        if self.passes >= 0 and counts:
            self.counted = index  # a passing test may have written such a line; the last one is pytest's own
            return
        if self.passes >= 0:
            self.out.fences.append((self.passes, index))
        self.passes = index if passes else -1

    def test(self, index: int, text: str) -> None:
        if self.capture >= 0 and index > self.capture and _CAPTURE_END.match(text):
            self.out.captures.append((self.capture, min(index, self.capture + self.capture_lines)))
            self.capture = -1
        if "aptured" in text or "console." in text:
            if _CAPTURE.match(text):
                self.capture = index
                self.capture_lines = _CONSOLE_LINES if "console." in text else _CAPTURE_LINES
        elif _may_be_result(text):
            if PASSED.search(text):
                self._event(index, "pass")
            elif FAILED.search(text):
                self._event(index, "fail")

    def finish(self) -> Structure:
        out = self.out
        self.step.end = self.size
        if self.header >= 0:
            out.headers.append((self.header, min(self.size, self.header + _HEADER_LINES)))
        if self.capture >= 0:
            out.captures.append((self.capture, min(self.size, self.capture + self.capture_lines)))
        self._end_of_print(self.size, whole=False)
        if not out.failed:
            # Nothing shows a CI job; in a terminal the next command says nothing of the one before.
            for step in self.presumed:
                step.outcome = Outcome.SUPERSEDED
        if 0 <= self.passes < self.counted:
            out.fences.append((self.passes, self.counted))
        real = [step for step in out.steps if step.outcome is not Outcome.AFTERWARDS]
        if not any(step.outcome is Outcome.FAILED for step in real) and len(real) > 1:
            self._blame_last(real)
        out.fences.sort()
        out.starts = [step.start for step in out.steps]
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

    def _end_of_print(self, index: int, *, whole: bool) -> None:
        """Where no command follows a print, only the next lines are surely its output."""
        if self.printer >= 0:
            lines = _printed_lines(self.printed)
            prints_once = self.printed.startswith(("echo", "printf"))
            end = index if whole and not prints_once else min(index, self.printer + 1 + lines)
            self.out.prints.append((self.printer, end))
            self.printer = -1

    def _blame_last(self, real: list[Step]) -> None:
        """Without an exit code in the log the last command that ran is the one that failed."""
        last = next((step for step in reversed(real) if step.end > step.start), real[-1])
        if last.outcome is Outcome.UNKNOWN:
            last.outcome = Outcome.FAILED

    def _open(self, index: int, command: str, *, traced: bool = False, outcome: Outcome = Outcome.UNKNOWN) -> None:
        self._end_of_print(index, whole=bool(command))
        if command:
            self.out.echoes.append(index)
            self._heredoc(index, command)
            if only_prints(command):
                self.printer, self.printed = index, command
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

    def _event(self, index: int, result: str) -> None:
        self.out.tests.append(index)
        self.out.results.append(result)
