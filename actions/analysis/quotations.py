"""Finds the blocks of a log that are only shown: documents, notes, here-documents, what commands print."""

import re

from actions.analysis.structure import Structure
from actions.analysis.trace import Trace

_HEREDOC = re.compile(r"<<-?\s*['\"\\]?([A-Za-z_]\w*)")
_HEREDOC_LINES = 200
_NOTE_LINES = 12
_FOLD = re.compile(r"<(/)?details\b")
_COUNTS = re.compile(r"\d+ (?:passed|failed|errors?|skipped)")
_FENCES = frozenset(("```", '"""', "'''"))
_BOX = frozenset("┌╭╔└╰╚")
_BOXED = re.compile(r"([┌╭╔])|[└╰╚]")
_FAULT = re.compile(r"error|traceback|exception|fail", re.IGNORECASE)
_DRAWN = frozenset("-=<>#*+~")
_TITLE = re.compile(r"([-=<>#*+~])\1{2,} ?(\S[^\n]{0,80}?)(?: ?[-=<>#*+~]{3,})?")
_AROUND_TITLES = frozenset(("begin", "start", "end", "of", "the", "/", "eof", "beginning"))
_BLOCK_LINES = 200
_OPEN_TITLES = 20
_HEADLINE = re.compile(r"={3,} .* ={3,}$")
_SURELY_PRINTED = 3
_MOST_PRINTED = 400


class Quotations:
    """The state of one pass: which block is open, and since which line."""

    def __init__(self, trace: Trace, out: Structure) -> None:
        self.texts = trace.texts
        self.out = out
        self.printer, self.printed = -1, ""
        self.fence = self.fold = self.rule = self.box = -1
        self.fence_mark = ""
        self.passes = self.counted = self.echo = -1
        self.titles: dict[str, int] = {}

    def read(self, index: int, text: str) -> None:
        """Take notice of a line that opens or closes a block."""
        mark = text.lstrip()[:3]
        if mark in _FENCES:
            self._fenced(index, mark)
        elif text[0] in _BOX and (box := _BOXED.match(text)):
            self._boxed(index, opens=box[1] is not None, tells=_FAULT.search(text) is not None)
        elif text == "---":
            self._ruled(index)
        elif text[0] == "<" and (fold := _FOLD.match(text)):
            self._folded(index, opens=fold[1] is None)
        elif text.startswith("[Pipeline] "):
            self._pipeline(index, echoes=text == "[Pipeline] echo")
        elif text[0] in _DRAWN and (title := _TITLE.fullmatch(text)):
            self._titled(index, title[1], title[2])
        if text[0] == "=" and _HEADLINE.match(text):
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

    def _fenced(self, index: int, mark: str) -> None:
        """Between two fences stands a piece of a document."""
        if self.fence_mark == mark:
            self.out.fences.append((self.fence, index))
            self.fence_mark = ""
        elif not self.fence_mark:
            self.fence, self.fence_mark = index, mark

    def _boxed(self, index: int, *, opens: bool, tells: bool) -> None:
        """A drawn box holds a note, unless its title says that it tells of an error."""
        if opens:
            self.box = -1 if tells else index
        elif self.box >= 0:
            if index - self.box <= _NOTE_LINES:
                self.out.fences.append((self.box, index))
            self.box = -1

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

    def _titled(self, index: int, drawn: str, title: str) -> None:
        """A block that names its begin and its end is a piece of something else."""
        words = title.lower().split()
        ends = drawn == "<" or words[0] in {"end", "/", "eof"}
        name = " ".join(word for word in words if word not in _AROUND_TITLES)
        since = next((at for known, at in self.titles.items() if ends and _same(known, name)), -1)
        if since >= 0 and index - since <= _BLOCK_LINES:
            self.out.fences.append((since, index))
        if not ends:
            self.titles.pop(name, None)
            self.titles[name] = index
            if len(self.titles) > _OPEN_TITLES:
                del self.titles[next(iter(self.titles))]

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


def _same(title: str, other: str) -> bool:
    """Whether two titles are those of one block; the end may leave out what was named at the beginning."""
    return bool(other) and (title == other or title.startswith((f"{other}:", f"{other} ")))


def _printed_lines(command: str) -> int:
    """How many lines a command that only prints has surely written, where no other command follows it."""
    if ">" in command or (command.startswith(("echo", "printf")) and "$" not in command):
        return 0  # what an echo writes is compared with its words
    return _SURELY_PRINTED if command.startswith(("cat", "head", "tail", "sed")) else 1
