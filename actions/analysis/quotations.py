"""Finds the blocks of a log that are only shown: documents, notes, here-documents, what commands print."""

import re

from actions.analysis.structure import Structure
from actions.analysis.trace import Trace

_HEREDOC = re.compile(r"<<-?\s*['\"\\]?([A-Za-z_]\w*)")
_HEREDOC_LINES = 200
_NOTE_LINES = 12
_FOLD = re.compile(r"<(/)?details\b")
_COUNTS = re.compile(r"\d+ (?:passed|failed|errors?|skipped)")
_HEADLINE = re.compile(r"={3,} .* ={3,}$")
_SURELY_PRINTED = 3
_MOST_PRINTED = 400


class Quotations:
    """The state of one pass: which block is open, and since which line."""

    def __init__(self, trace: Trace, out: Structure) -> None:
        self.texts = trace.texts
        self.out = out
        self.printer, self.printed = -1, ""
        self.fence = self.fold = self.rule = -1
        self.passes = self.counted = self.echo = -1

    def read(self, index: int, text: str) -> None:
        """Take notice of a line that opens or closes a block."""
        if text.lstrip()[:3] == "```":
            self.fence = self._closed(self.fence, index)
        elif text == "---":
            self._ruled(index)
        elif text[0] == "<" and (fold := _FOLD.match(text)):
            self._folded(index, opens=fold[1] is None)
        elif text.startswith("[Pipeline] "):
            self._pipeline(index, echoes=text == "[Pipeline] echo")
        elif text[0] == "=" and _HEADLINE.match(text):
            self._headline(index, text)

    def prints(self, index: int, command: str) -> None:
        """A command that only prints begins."""
        self.printer, self.printed = index, command

    def printed_until(self, index: int, *, next_command: bool) -> None:
        """The output of a printing command ends: where no command follows, only the next lines are surely its own."""
        if self.printer < 0:
            return
        prints_once = self.printed.startswith(("echo", "printf"))
        lines = _MOST_PRINTED if next_command and not prints_once else _printed_lines(self.printed)
        self.out.prints.append((self.printer, min(index, self.printer + 1 + lines)))
        self.printer = -1

    def fed(self, index: int, command: str) -> None:
        """The lines that a command is fed with stand between it and the word that ends them."""
        opened = _HEREDOC.search(command)
        if opened is None:
            return
        for end in range(index + 1, min(len(self.texts), index + _HEREDOC_LINES)):
            if self.texts[end].strip() == opened[1]:
                self.out.fences.append((index, end))
                self.out.fed.append((index, end))
                return

    def finish(self) -> None:
        """Close what is open at the end."""
        self.printed_until(len(self.texts), next_command=False)
        if 0 <= self.passes < self.counted:
            self.out.fences.append((self.passes, self.counted))
        self.out.fences.sort()

    def _closed(self, since: int, index: int) -> int:
        """Between two fences stands a piece of a document."""
        if since < 0:
            return index
        self.out.fences.append((since, index))
        return -1

    def _folded(self, index: int, *, opens: bool) -> None:
        """What a comment folds away is a piece of a document too."""
        if opens:
            self.fold = index
        elif self.fold >= 0:
            self.out.fences.append((self.fold, index))
            self.fold = -1

    def _ruled(self, index: int) -> None:
        """A few lines between two rules are a note that is shown."""
        if self.rule >= 0 and index - self.rule <= _NOTE_LINES:
            self.out.fences.append((self.rule, index))
            self.rule = -1
        else:
            self.rule = index

    def _pipeline(self, index: int, *, echoes: bool) -> None:
        """Jenkins announces each step of a pipeline; what stands after an echo is echoed."""
        if self.echo >= 0:
            self.out.fences.append((self.echo, min(index, self.echo + _NOTE_LINES)))
        self.echo = index if echoes else -1

    def _headline(self, index: int, text: str) -> None:
        """Pytest shows what passing tests wrote in a chapter of its own."""
        if self.passes >= 0 and _COUNTS.search(text):
            self.counted = index  # a passing test may have written such a line; the last one is pytest's own
            return
        if self.passes >= 0:
            self.out.fences.append((self.passes, index))
        self.passes = index if " PASSES " in text else -1


def _printed_lines(command: str) -> int:
    """How many lines a command that only prints has surely written, where no other command follows it."""
    if ">" in command or (command.startswith(("echo", "printf")) and "$" not in command):
        return 0  # what an echo writes is compared with its words
    return _SURELY_PRINTED if command.startswith(("cat", "head", "tail", "sed")) else 1
