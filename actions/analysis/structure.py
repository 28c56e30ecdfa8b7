"""What a log is made of: steps and how they ended, tests and their results, and which lines are only shown again."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import Enum


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


Span = tuple[int, int]
"""The index of a first line, and the index after the last one."""

_NESTED = 3
"""So many spans of one kind may lie within each other."""


@dataclass(slots=True)
class Structure:
    """The skeleton of a trace; every position is an index into its lines.

    Attributes:
        steps: The commands in order, at least one.
        echoes: Lines that only echo a command.
        headers: What a step is going to run, and with which inputs.
        captures: Output that a test framework kept and shows again.
        prints: What commands wrote that only print.
        fences: Blocks that are quoted: documents, notes, what a command was fed with.
        fed: Those of the fences that a command was fed with.
        endings: Lines that tell how the job ended, where they are believed.
        tests: Lines that tell of a test's start or result, in order.
        results: For each of them ``start``, ``pass`` or ``fail``.
        failed: Whether the log itself says that something failed.
        exit_code: The exit code of what failed first.
        end: Where the first failed step ends.
    """

    steps: list[Step] = field(default_factory=list)
    echoes: list[int] = field(default_factory=list)
    headers: list[Span] = field(default_factory=list)
    captures: list[Span] = field(default_factory=list)
    prints: list[Span] = field(default_factory=list)
    fences: list[Span] = field(default_factory=list)
    fed: list[Span] = field(default_factory=list)
    endings: set[int] = field(default_factory=set)
    tests: list[int] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    failed: bool = False
    exit_code: int | None = None
    end: int = 0

    def step_at(self, index: int) -> Step:
        """The step whose output holds the line."""
        return self.steps[max(0, bisect_right(self.steps, index, key=lambda step: step.start) - 1)]

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


def _within(spans: list[Span], index: int) -> bool:
    at = bisect_right(spans, (index, 1 << 60))
    return any(first <= index < end for first, end in spans[max(0, at - _NESTED) : at])
