"""The fast path: a message that is one of the verbs' phrases, word for word, is understood for certain."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from actions.core.catalog import Catalog
from actions.core.kinds import Kind
from intents.clauses import Piece
from intents.lexicon import expand, word_set
from intents.text import tokens
from intents.training import Verb, public, variants

_FILLERS = word_set("grammar.fillers")
_LONGEST = 40
_SHARED = 2
PLAYBOOK = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""How playbooks are named; the recogniser does not know which there are."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to type a verb: words, and names of parameters for values."""

    verb: Verb
    items: tuple[str, ...]


class Grammar:
    """The phrases of a catalogue, looked up by their first word."""

    def __init__(self, catalog: Catalog) -> None:
        self._names = frozenset(catalog.names)
        self._by_first: dict[str, list[Pattern]] = defaultdict(list)
        for verb in public(catalog):
            texts = {text for phrase in verb.policy.phrases for text in variants(phrase)}
            texts |= {verb.policy.name.replace("_", " ")} if not verb.required() else set()
            for text in sorted(texts):
                items = tuple(word for token in tokens(text) for word in expand(token.word) if word not in _FILLERS)
                if items:
                    self._by_first["{" if items[0].startswith("{") else items[0]].append(Pattern(verb, items))

    def begun(self, word: str) -> frozenset[str]:
        """The verbs whose phrases begin with a word; none where it begins those of many, such as "show"."""
        verbs = frozenset(pattern.verb.policy.name for pattern in self._by_first.get(word, ()))
        return verbs if len(verbs) <= _SHARED else frozenset()

    def read(self, parts: Sequence[Piece]) -> tuple[Verb, dict[str, JsonValue]] | None:
        """The verb and parameters of a message that is a phrase; None for any other.

        Names that were mistyped or may be several, and words that were mended, are not the plain grammar.
        """
        places = [at for at, piece in enumerate(parts) if piece.found is not None or piece.word not in _FILLERS]
        while places and parts[places[-1]].is_mark:
            places.pop()
        words = [parts[at] for at in places]
        if not words or len(words) > _LONGEST or any(p.corrected or (p.found and p.found.fuzzy) for p in words):
            return None
        for pattern in (*self._by_first.get(words[0].word, ()), *self._by_first.get("{", ())):
            values = self._match(pattern, words, lambda at: _free_text(parts, places, at))
            if values is not None:
                return pattern.verb, values
        return None

    def _match(
        self, pattern: Pattern, words: Sequence[Piece], text_from: Callable[[int], str]
    ) -> dict[str, JsonValue] | None:
        values: dict[str, JsonValue] = {}
        at = 0
        for number, item in enumerate(pattern.items):
            if at >= len(words):
                return None
            if not item.startswith("{"):
                if words[at].found is not None or words[at].word != item:
                    return None
                at += 1
                continue
            name = item[1:-1]
            if pattern.verb.kind_of(name) in {Kind.TEXT, Kind.TOPIC} and not pattern.verb.choices_of(name):
                if number + 1 < len(pattern.items):
                    return None
                values[name] = text_from(at)
                return values
            value, at = self._value(pattern.verb, name, words, at)
            if value is None:
                return None
            values[name] = value
        return values if at == len(words) else None

    def _value(self, verb: Verb, name: str, words: Sequence[Piece], at: int) -> tuple[str | None, int]:
        piece = words[at]
        choices = verb.choices_of(name)
        if choices:
            return choice_at(choices, words, at)
        kind = verb.kind_of(name)
        if kind is Kind.VERB:
            return (piece.word if piece.word in self._names else None), at + 1
        if kind is Kind.PLAYBOOK:
            return (piece.text.casefold() if PLAYBOOK.fullmatch(piece.text.casefold()) else None), at + 1
        return (piece.found.readings.get(kind) if piece.found else None), at + 1


def _free_text(parts: Sequence[Piece], places: Sequence[int], at: int) -> str:
    """What was typed from a word on, with the small words that the grammar passes over: "the sale", not "sale"."""
    begun = places[at - 1] + 1 if at else 0
    said = [piece.text for piece in parts[begun : places[-1] + 1]]
    while len(said) > 1 and said[0].casefold() in {"of", "that", ":"}:
        said.pop(0)
    return " ".join(said)


def choice_at(choices: Iterable[str], words: Sequence[Piece], at: int) -> tuple[str | None, int]:
    """The listed value that is written out at a place, and the place after it; "blue green" is blue-green."""
    for choice in choices:
        wanted = choice.replace("_", "-")
        for count in (1, 2):
            span = words[at : at + count]
            written = "-".join(piece.text.casefold().replace("_", "-") for piece in span)
            if len(span) == count and written in {wanted, wanted.replace("-", "")}:
                return choice, at + count
    return None, at
