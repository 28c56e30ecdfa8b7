"""Judges the words that lead up to a sign: a tool that reports names itself or the fault; a label or prose does neither."""

import re
from functools import cache
from importlib import resources

from actions.analysis.vocabulary import LABEL, NAMING_KEY, RECALLS, REPORTS

_ADDRESS = re.compile(r"\S*(?:\w[./\\]\w|://|[/\\]\w)\S*")
_CLAUSES = re.compile(r"(?<=[^\s:]):(?:\s+|$)|\s+(?:-|–|»|=>|--)\s+")  # noqa: RUF001 - a dash that tools print
_TARGET = re.compile(r"\*\*\* \[.*")  # make's own, which holds colons
_TAGS = re.compile(
    r"^(?:[\[({<][^\])}>]*(?:[\])}>]\s*|$)|[^\w\s'\"`$@%/.~]+(?:\s+|$)|[\d.,:TZ+\-]+(?:\s+|$)|\d+\)\s*)+"
)
_NAME = re.compile(
    r"(?:[\w.+\-@/\\<>:~$]*[./\\\-\d_+:][\w.+\-@/\\<>:~$]*|[A-Z]?[a-z]+(?:[A-Z][a-z]*)+|[A-Z][A-Z0-9]+|[A-Z]!?)(?:[\[(][^\])]*[\])])?,?"
)
_FAULT = re.compile(
    r"(?:^|\s)(?:(?:[A-Za-z]+ )?(?:[Ee]rror|ERROR|ERR!|[Ee]xception)|[\w.$]*(?:Error|Exception|Failure|Expired)|[Ff]atal|FATAL"
    r"|[Pp]anic|PANIC)[!\])]*(?:\s*\([^)]*\)?)?$"
)
_CLASS_FIRST = re.compile(r"[\w.$]*[a-z](?:Error|Exception|Failure)\b")
# A short sentence whose verb is in the sign itself: "The job | exceeded its time".
_SUBJECT = re.compile(
    r"(?:- )?(?:[Tt]he|This|[Yy]ours?|You|I'm|An?|To|Tests?|Builds?|Jobs?|Step|Command|Container|Pod|Worker|Process"
    r"|Dependency|[Pp]ackage|environment|test)\b"
)
_SUBJECT_WORDS = 12
_MOST_CHARS = 240
_DOING = re.compile(r"[a-z]+ (?:to |from )?\S*[/\\]\S*")
_VARIABLE = re.compile(r"(?!ERR_)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_ARGUMENTS = re.compile(r"(?<=\w)[\[(].*")
_FIRST_CELLS = re.compile(
    r"#?\d+(?:\t|\s{2,})\S|(?!FAIL|ok\b)[\w\-.]+(?:\t|\s{3,})\S|\w[\w\-]*[,;](?=[A-Za-z])|\w+(?: +\d+){2,} +\d+% "
)
_CELLS = re.compile(r"\t|[\w\"](?:[,;]|%\s+|\s{2,})$")


def reported(text: str, at: int) -> bool:
    """Whether the words before a position are those of a tool that reports: not a label, not prose, not a memory.

    Args:
        text: A message without the marks that runners put before it.
        at: Where the sign begins in it.
    """
    at = min(at, _MOST_CHARS)
    text = text[:at]
    before = text.strip()
    if not before:
        return True
    if RECALLS.search(_ADDRESS.sub("", before)) or _in_columns(text, at) or _labelled(text, at):
        return False
    clauses = [_TAGS.sub("", clause.strip()).strip() for clause in _CLAUSES.split(_TARGET.sub("", before))]
    if _VARIABLE.fullmatch(clauses[0]):
        return False
    speaking = next((clause for clause in clauses if clause and (_FAULT.search(clause) or not _names(clause))), None)
    if speaking is None:
        return True
    return _CLASS_FIRST.match(speaking) is not None or _reports(speaking, last=speaking is clauses[-1])


def _reports(clause: str, *, last: bool) -> bool:
    """Whether a clause that is more than a name speaks of a fault, or is the subject of the sign's own sentence."""
    fault = _FAULT.search(clause)
    if fault:
        first = clause[: fault.start()].strip()
        return not first or _names(first) or _SUBJECT.match(first) is not None or bool(REPORTS.search(first))
    short = last and len(clause.split()) <= _SUBJECT_WORDS
    return bool((short and _SUBJECT.match(clause)) or REPORTS.search(_ADDRESS.sub("", clause)))


def _in_columns(text: str, at: int) -> bool:
    """Whether the sign stands in a cell of a list."""
    if _FIRST_CELLS.match(text):
        return True
    return _CELLS.search(text[:at]) is not None and not REPORTS.search(text[:at])


def _labelled(text: str, at: int) -> bool:
    """Whether a label that names something, and no fault, stands before the sign."""
    if (naming := NAMING_KEY.match(text)) and naming.end() <= at + 2:
        return True
    label = LABEL.match(text)
    if label is None or label.end() > at + 2:
        return False
    name = label[0].rstrip(":= ")
    return not (REPORTS.search(name) or _FAULT.search(name) or _names(name))


def _names(said: str) -> bool:
    """Whether a clause is nothing but the name of a program, a class, a file or a place in it."""
    return _DOING.fullmatch(said) is not None or all(_is_name(word) for word in said.split()[:8])


@cache
def _reporters() -> frozenset[str]:
    """Plain words that name a program, or a part of one."""
    text = resources.files("actions.analysis.rules").joinpath("reporters.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _is_name(word: str) -> bool:
    core = _ARGUMENTS.sub("", word).strip("'\"`*#()[],!")
    return not core or core.lower() in _reporters() or _NAME.fullmatch(core) is not None
