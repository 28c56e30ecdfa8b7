"""Values that can be told by their form: versions, requests, pipelines, durations, branches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from actions.core.kinds import Kind, format_duration
from intents.lexicon import word_set
from intents.text import Token


@dataclass(frozen=True, slots=True)
class Found:
    """A value or name in a message.

    Attributes:
        start: index of its first token.
        end: index after its last token.
        readings: what it may be, by kind.
        weak: whether it counts only where an action wants such a value.
        mistakes: how many typing mistakes it has; with any, the reading is a guess.
        rivals: names that it may equally be; then it is none of them for sure.
        past: for a duration, whether it looks back.
        typed: the words as typed.
    """

    start: int
    end: int
    readings: dict[Kind, str]
    weak: bool = False
    mistakes: int = 0
    rivals: tuple[str, ...] = ()
    past: bool | None = None
    typed: str = field(default="", compare=False)

    @property
    def fuzzy(self) -> bool:
        """Whether it was mistyped."""
        return self.mistakes > 0

    @property
    def kind(self) -> Kind:
        """The first of its kinds."""
        return next(iter(self.readings))


_VERSION = re.compile(
    r"v?\d+(?:\.\d+)+(?:[-+._]?[a-z0-9][\w.+-]*)?|v\d+(?:[-+._][\w.+-]+)?|sha[-:_]?[0-9a-f]{6,40}"
    r"|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}|(?:[a-z]+-){1,2}v?\d+(?:[.-]\d+)+[\w.+-]*|\d+-[\w.+-]*\d[\w.+-]*",
    re.IGNORECASE,
)
_REQUEST = re.compile(r"r-?(\d{1,12})", re.IGNORECASE)
_PIPELINE = re.compile(r"#(\d{1,15})")
_NUMBER = re.compile(r"\d{1,15}")
_COMPACT = re.compile(
    r"(?:\d{1,5}(?:s|m|h|d|w|mins?|hrs?|hours?|days?|weeks?))+|\d{1,4}-(?:hours?|days?|weeks?|mins?|minutes?)"
)
_COMPACT_PART = re.compile(r"(\d+)-?([a-z]+)")
_BRANCH = re.compile(r"(?=.*[a-z])[\w.-]+(?:/[\w.#-]+)+", re.IGNORECASE)
_BRANCHES = frozenset({"main", "master", "develop", "trunk", "head"})
_REF_WORDS = frozenset({"branch", "ref", "tag", "branches"})
_PIPELINE_WORDS = word_set("values.pipeline_words")
_VERSION_WORDS = frozenset({"version", "ver", "release", "tag", "build", "image", "v"})
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), timedelta(days=7)),
    **dict.fromkeys(("fortnight", "fortnights"), timedelta(days=14)),
    **dict.fromkeys(("month", "months"), timedelta(days=30)),
    **dict.fromkeys(("quarter", "quarters"), timedelta(days=90)),
    **dict.fromkeys(("year", "years"), timedelta(days=365)),
}
_COUNTS = {
    word: number
    for number, words in enumerate(
        [
            "a|an|one|single",
            "two|couple|both",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        start=1,
    )
    for word in words.split("|")
} | {
    "fourteen": 14,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "sixty": 60,
    "ninety": 90,
}
_TWENTY_FOUR = {"twenty-four": 24, "forty-eight": 48, "seventy-two": 72}
_BACK = word_set("values.back")
_BETWEEN = frozenset({"of", "full", "whole", "more", "good", "solid", "entire"})
_NOT_SECONDS = frozenset(
    {"time", "chance", "attempt", "go", "try", "look", "person", "opinion", "shot", "run", "thought", "thoughts"}
)
_DAYS = {"today": timedelta(days=1), "yesterday": timedelta(days=1)}


def value_at(words: Sequence[Token], at: int) -> Found | None:  # noqa: PLR0911 - one return a case
    """The value that begins at a token, if one does."""
    token = words[at]
    word, before = token.word, words[at - 1].word if at else ""
    after = words[at + 1].word if at + 1 < len(words) else ""
    found = _duration(words, at)
    if found is not None:
        return found
    if match := _REQUEST.fullmatch(word):
        return Found(at, at + 1, {Kind.REQUEST: f"R-{match[1]}"})
    if word in {"r", "request", "req"} and (match := re.fullmatch(r"#?(\d{1,12})", after)):
        return Found(at, at + 2, {Kind.REQUEST: f"R-{match[1]}"})
    if match := _PIPELINE.fullmatch(word):
        return Found(at, at + 1, {Kind.PIPELINE: match[1]})
    if _VERSION.fullmatch(word) and not _COMPACT.fullmatch(word):
        return Found(at, at + 1, {Kind.VERSION: token.text, Kind.REF: token.text}, typed=token.text)
    if _NUMBER.fullmatch(word):
        return _number(words, at, before, after)
    return _ref(token, at, before, after)


def _number(words: Sequence[Token], at: int, before: str, after: str) -> Found:
    if before in {"version", "ver"}:
        return Found(at, at + 1, {Kind.VERSION: words[at].text})
    near = {before, after, words[at - 2].word if at > 1 else ""}
    return Found(at, at + 1, {Kind.PIPELINE: words[at].word}, weak=not near & _PIPELINE_WORDS)


def _ref(token: Token, at: int, before: str, after: str) -> Found | None:
    if _BRANCH.fullmatch(token.text) and token.word not in {"and/or", "ci/cd", "w/o", "n/a", "i/o", "a/b"}:
        return Found(at, at + 1, {Kind.REF: token.text})
    named = (before in _REF_WORDS or after in _REF_WORDS) and not token.is_mark
    if token.word in _BRANCHES or (named and re.search(r"[-_\d]", token.word) and token.word != "re-run"):
        return Found(at, at + 1, {Kind.REF: token.text}, weak=token.word not in _BRANCHES)
    return None


def _duration(words: Sequence[Token], at: int) -> Found | None:
    word, before = words[at].word, words[at - 1].word if at else ""
    past = before in _BACK or (before == "the" and at > 1 and words[at - 2].word in _BACK) or None
    if word in _DAYS and (before in {"since", "from"} or word == "today"):
        return Found(at, at + 1, {Kind.DURATION: format_duration(_DAYS[word])}, past=True)
    if _COMPACT.fullmatch(word):
        parts = [(int(number), unit) for number, unit in _COMPACT_PART.findall(word)]
        if all(unit in _UNITS for _, unit in parts):
            return _span(at, at + 1, sum((number * _UNITS[unit] for number, unit in parts), timedelta()), past=past)
    if word == "half" and at + 2 < len(words) and words[at + 1].word in {"a", "an"} and words[at + 2].word in _UNITS:
        return _span(at, at + 3, _UNITS[words[at + 2].word] / 2, past=past)
    if word in _BACK - {"since", "within", "recent"} and at + 1 < len(words) and len(words[at + 1].word) > 1:
        unit = _UNITS.get(words[at + 1].word)
        return _span(at, at + 2, unit, past=True) if unit else None
    return _counted(words, at, past=past)


def _counted(words: Sequence[Token], at: int, *, past: bool | None) -> Found | None:
    word = words[at].word
    count = int(word) if _NUMBER.fullmatch(word) and len(word) < 6 else (_COUNTS | _TWENTY_FOUR).get(word)  # noqa: PLR2004
    following = at + 1
    while following < len(words) and words[following].word in _BETWEEN | {"couple"}:
        count = 2 if words[following].word == "couple" else count
        following += 1
    if count is None or following >= len(words):
        return None
    if words[following].word == "second" and following + 1 < len(words) and words[following + 1].word in _NOT_SECONDS:
        return None
    if words[following].word not in _UNITS:
        unit = _mistyped_unit(words[following].word)
        return _span(at, following + 1, count * unit, past=past) if unit and word.isdigit() else None
    if len(words[following].word) == 1 and not word.isdigit():
        return None
    length = count * _UNITS[words[following].word]
    if [token.word for token in words[following + 1 : following + 4]] == ["and", "a", "half"]:
        return _span(at, following + 4, length + _UNITS[words[following].word] / 2, past=past)
    return _span(at, following + 1, length, past=past)


def _mistyped_unit(word: str) -> timedelta | None:
    return next((size for unit, size in _UNITS.items() if len(unit) > 3 and sorted(unit) == sorted(word)), None)  # noqa: PLR2004 - short ones are too alike


def _span(start: int, end: int, length: timedelta, *, past: bool | None) -> Found | None:
    return Found(start, end, {Kind.DURATION: format_duration(length)}, past=past) if length else None
