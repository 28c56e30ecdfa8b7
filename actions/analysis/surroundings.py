"""Judges the lines around a line: whether they show it to be an echo, a quotation, or the output of what went well."""

import re

from actions.analysis.structure import Structure
from actions.analysis.trace import Trace
from actions.analysis.vocabulary import LOUD
from actions.analysis.voices import undecorated

_COMMIT_HEAD = re.compile(r"commit [0-9a-f]{7,40}|Author: |Date: {2,}")
_MERGE = re.compile(r"\s*Merge (?:branch|pull request|remote-tracking|commit|tag) ")
_HEADING = re.compile(
    r"^(?!\s*Traceback).*\b(?:last|previous|earlier|yesterday\w*|known|example|sample|reference|transcript|history|catalogue"
    r"|archived?|quoted|attached|old|log of|notes?)\b.*:\s*$",
    re.IGNORECASE,
)
# A block of YAML is a document that is shown, unless its key says that it is the fault, as test protocols have it.
_SCALAR = re.compile(r"^\s*(?!(?:error|message|stack|stderr|reason|cause):)[\w\-]+: [|>][+\-]?$")
_UNDER_HEADING = 6
_RULE_SLACK = 2
_RAISED = re.compile(r"[\w.]*(?:Error|Exception): ")
_RULE = re.compile(r"([=*#~\-_+])\1{9,}")
_BANNER_LINES = 4
_TRAILER = re.compile(r"\s+(?:Signed-off-by|Co-authored-by|Reviewed-by|Change-Id): ")
_BETWEEN_TESTS = 60
_JUST_BEFORE = 3
_ECHO_LENGTH = 8
_QUOTED_BEFORE = 2
_PRINTING = ("echo ", "printf ", "cat ", "grep ", "python -c", "node -e")


class Surroundings:
    """Looks around in a trace."""

    def __init__(self, trace: Trace, structure: Structure) -> None:
        self.texts = trace.texts
        self.structure = structure

    def of_passing_test(self, index: int) -> bool:
        """Whether the next result after the line is that of a passed test, so that the line is its output."""
        before, after, distance = self.structure.around(index)
        if before == "start":
            return after == "pass"
        if after != "pass" or before == "fail" or index + distance >= self.structure.step_at(index).end:
            return False
        if before == "pass":
            return distance <= _BETWEEN_TESTS
        return distance <= _JUST_BEFORE

    def of_commit(self, index: int) -> bool:
        """Whether the line belongs to the message of a commit that the log shows."""
        texts = self.texts
        if index > 1 and not texts[index - 1].strip() and _MERGE.match(texts[index - 2]):
            return True
        if not texts[index].startswith("    "):
            return False
        if any(_TRAILER.match(line) for line in texts[index + 1 : index + 4]):
            return True
        return any(_COMMIT_HEAD.match(line) for line in texts[max(0, index - 8) : index])

    def recalled(self, index: int) -> bool:
        """Whether a heading above introduces the lines as what was said elsewhere or at another time."""
        texts = self.texts
        for above in range(index - 1, max(-1, index - 1 - _UNDER_HEADING), -1):
            if _HEADING.search(texts[above]) or _SCALAR.search(texts[above]):
                return True
            if not texts[above].startswith((" ", "\t", "|", ">")):
                return False
        return False

    def underlined(self, index: int) -> bool:
        """Whether the line is a heading of a text: a rule of about its length stands below it."""
        text = self.texts[index].strip()
        below = self.texts[index + 1].strip() if index + 1 < len(self.texts) else ""
        if len(set(below)) != 1 or below[0] not in "-=" or abs(len(below) - len(text)) > _RULE_SLACK:
            return False
        return not (LOUD.match(text) or _RAISED.match(text))

    def framed(self, index: int) -> bool:
        """Whether the line stands between two equal rules, as a banner does, and is not marked as an error."""
        if LOUD.match(self.texts[index]):
            return False
        above = self.texts[max(0, index - _BANNER_LINES) : index]
        below = self.texts[index + 1 : index + 1 + _BANNER_LINES]
        return any(_RULE.fullmatch(line.strip()) and line in below for line in above)

    def echoed(self, index: int) -> bool:
        """Whether a command before the line holds its very text: then the command wrote it."""
        text = undecorated(self.texts[index]).strip(" '\"")
        if len(text) < _ECHO_LENGTH:
            return False
        step = self.structure.step_at(index)
        start = max(0, step.start - 1, index - 200)
        for echo in self.structure.echoes:
            if start <= echo < index and text in self.texts[echo]:
                return True
        for first, last in (*self.structure.headers, *self.structure.fed):
            if last <= index and any(text in line for line in self.texts[first:last]):
                return True
        if any(text in line and line.lstrip().startswith(_PRINTING) for line in self.texts[start:index]):
            return True
        quoted = (f'"{text}', f"'{text}")
        return any(mark in line for line in self.texts[max(0, index - _QUOTED_BEFORE) : index] for mark in quoted)
