"""Completes what is being typed: the words of the verbs' phrases, and names where a phrase has room for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from bot.surfaces.terminal.talk import COMMANDS
from bot.wire import VerbWords, Words

_PIECE = re.compile(r"\[[^\]]*\]|\S+")
_MOST_VARIANTS = 32
_MOST = 30


class Candidate(NamedTuple):
    """A word that could stand here.

    Attributes:
        replaces: how many characters before the cursor it replaces.
        about: what it is, in a word or a sentence.
    """

    text: str
    replaces: int
    about: str


class _Slot(NamedTuple):
    """A place in a phrase: one literal word, or a parameter with the names it may have."""

    literal: str
    names: tuple[str, ...]
    about: str

    def takes(self, word: str) -> bool:
        if self.literal:
            return word == self.literal
        return not self.names or word in self.names

    @property
    def offers(self) -> tuple[str, ...]:
        return (self.literal,) if self.literal else self.names


class Completion:
    """Knows what can be typed next.

    Args:
        words: verbs and names, as the house tells them.
        people: the people whom `/as` knows.
    """

    def __init__(self, words: Words, people: Sequence[str] = ()) -> None:
        self._people = tuple(people)
        self._phrases = [slots for verb in words.verbs for slots in _phrases(verb, words)]

    def candidates(self, before: str) -> list[Candidate]:
        """The words that could stand at the cursor, after what stands before it."""
        *typed, last = before.casefold().split(" ")
        typed = [word for word in typed if word]
        if before.startswith("/"):
            return self._commands(typed, last)
        found: dict[str, Candidate] = {}
        for slots in self._phrases:
            if len(slots) <= len(typed) or not all(slot.takes(word) for slot, word in zip(slots, typed, strict=False)):
                continue
            slot = slots[len(typed)]
            for word in slot.offers:
                if word.casefold().startswith(last) and word != last:
                    found.setdefault(word, Candidate(word, len(last), slot.about))
        return list(found.values())[:_MOST]

    def _commands(self, typed: Sequence[str], last: str) -> list[Candidate]:
        if not typed:
            return [Candidate(name, len(last), text) for name, text in COMMANDS.items() if name.startswith(last)]
        if typed == ["/as"]:
            return [Candidate(name, len(last), "person") for name in self._people if name.startswith(last)]
        return []


def _phrases(verb: VerbWords, words: Words) -> Iterator[tuple[_Slot, ...]]:
    for phrase in verb.phrases:
        # What may be left out is tried without and with; long phrases have few such parts.
        parts = [("", piece[1:-1]) if piece.startswith("[") else (piece,) for piece in _PIECE.findall(phrase)]
        for _, variant in zip(range(_MOST_VARIANTS), product(*parts), strict=False):
            yield tuple(_slot(word, verb, words) for piece in variant for word in piece.split())


def _slot(word: str, verb: VerbWords, words: Words) -> _Slot:
    if not word.startswith("{"):
        return _Slot(word, (), verb.description)
    parameter = word.strip("{}")
    kind = verb.parameters.get(parameter, "")
    names = verb.choices.get(parameter) or words.names.get(kind, ())
    return _Slot("", names, parameter.replace("_", " "))
