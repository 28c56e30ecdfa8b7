"""From the names and values in a message to a verb's parameters, by kind, by the words before them, by corrections."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations

from pydantic import JsonValue

from actions.core.action import Risk
from actions.core.kinds import Kind
from intents.clauses import Clause, Piece
from intents.grammar import PLAYBOOK, choice_at
from intents.lexicon import data_lines, word_set
from intents.training import Verb, signs
from intents.values import Found

_CORRECTIONS = word_set("slots.corrections")
_REASONS = frozenset({"because", "cause", "due", "reason"})
_BEFORE_REASON = frozenset(
    {"the", "a", "what", "which", "any", "same", "this", "root", "for", "of", "no", "good", "see"}
)
_TOWARDS = frozenset({"to", "into", "onto", "in", "on", "towards", "at"})
_AWAY = frozenset({"from", "than", "of", "replacing", "replace", "leaving", "off", "was", "not"})
_SAID_HERE = frozenset({Kind.PERSON, Kind.DURATION, Kind.TEAM, Kind.ROLE})
"""Kinds that an optional parameter takes from the clause that asks, and from no other."""
_POINTERS = frozenset({"it", "its", "there", "that", "them", "their", "both"})
_SCOPE = frozenset({Kind.SERVICE, Kind.ENVIRONMENT})
"""What a change may cover; where the clause that asks says it, nothing is added from others."""
_COMING = frozenset({"next", "coming", "following"})
_FROM = frozenset({"from", "off"})
_TOLD = 8.0
_ARTICLES = frozenset(
    {"the", "a", "an", "our", "version", "environment", "env", "service", "back", "tag", "release", "<service>"}
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name or value with what stands before it.

    Attributes:
        found: the name or value.
        before: the telling word before it; that of the value before where "and" joins it to that.
        position: its place in the clause.
        words: the clause.
        negated: whether it is ruled out.
        joined: whether "and" joins it to a value of its own kind.
    """

    found: Found
    before: str
    position: int
    words: tuple[str, ...]
    negated: bool = False
    joined: bool = False


@dataclass(slots=True)
class Filled:
    """What a message says of a verb's parameters.

    Attributes:
        parameters: by name.
        ambiguous: for a parameter, the values that it may equally have.
        unused: kinds of value in the message that the verb has no parameter for.
        fuzzy: whether a name was mistyped.
        several: whether more is wanted at once than a verb does: "restart search and checkout".
    """

    parameters: dict[str, JsonValue] = field(default_factory=dict)
    ambiguous: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unused: list[Kind] = field(default_factory=list)
    fuzzy: bool = False
    several: bool = False


def mentions(clause: Iterable[Piece]) -> tuple[list[Mention], list[int]]:
    """The names and values of a clause, and the places where the speaker corrects themselves."""
    found: list[Mention] = []
    corrections: list[int] = []
    before: list[str] = []
    every = tuple(piece.word for piece in clause)
    for position, piece in enumerate(clause):
        if piece.found is None:
            if piece.word in _CORRECTIONS and found:
                corrections.append(position)
            before.append(piece.word)
            continue
        near = [word for word in before if word not in _ARTICLES]
        own = near[-1] if near else ""
        negated = "not" in before[-3:] and own in {"not", "to", "in", "on"}
        last = next((m for m in reversed(found) if m.found.kind is piece.found.kind), None)
        joined = last is not None and not negated and _joins(last, piece.found, every[last.position + 1 : position])
        if joined and last is not None:
            own = last.before
        elif before and before[-1].startswith("<"):
            own = before[-1]
        found.append(Mention(piece.found, own, position, every, negated, joined))
        before.append(piece.word)
    return found, corrections


def _joins(last: Mention, found: Found, between: Sequence[str]) -> bool:
    """Whether a value is named beside the one before it, of the same kind: "staging and production"."""
    return (
        last.found.readings[last.found.kind] != found.readings[found.kind]
        and (bool({"and", "plus", "both", "&"} & set(between)) or not between or between[-3:] == ("as", "well", "as"))
        and {word for word in between if not word.startswith("<")} <= word_set("slots.between")
    )


def split_reason(clause: Clause) -> tuple[Clause, str]:
    """A clause without the reason that it gives, and the reason."""
    for at, piece in enumerate(clause):
        if at and piece.found is None and piece.word in _REASONS and not _names_a_reason(clause, at):
            rest = clause[at + 1 :]
            while rest and rest[0].word in {"of", "to", "that", "is", ":"}:
                rest = rest[1:]
            return clause[:at], " ".join(part.text for part in rest)
    return clause, ""


def _names_a_reason(clause: Clause, at: int) -> bool:
    """Whether a "reason" or "cause" is spoken of and not given: "what is the reason it was refused"."""
    return clause[at].word in {"reason", "cause"} and clause[at - 1].word in _BEFORE_REASON


class Filler:
    """Fills the parameters of one verb.

    Args:
        verb: the verb.
        beside: for each parameter, what stood beside it how often in the verb's phrases and sayings.
    """

    def __init__(self, verb: Verb, beside: Mapping[str, Mapping[str, int]]) -> None:
        self._verb = verb
        self._beside = beside
        self._by_kind: dict[Kind, list[str]] = {}
        self._choices: dict[str, tuple[str, ...]] = {}
        for name in verb.model_fields:
            kind, choices = verb.kind_of(name), verb.choices_of(name)
            if choices and kind is Kind.TEXT:
                self._choices[name] = choices
            else:
                self._by_kind.setdefault(kind, []).append(name)
        self._risky = verb.policy.risk is not Risk.READ

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of value that the verb takes."""
        return frozenset(self._by_kind)

    @property
    def choice_words(self) -> frozenset[str]:
        """The words for values that the verb lists."""
        listed = [choice for choices in self._choices.values() for choice in choices]
        return frozenset(listed) | {word for choice in listed for word in _said_for().get(choice, ())}

    def fill(self, main: Sequence[Piece], context: Sequence[Piece] = (), reason: str = "") -> Filled:
        """The parameters that a message gives.

        Args:
            main: the clause that asks.
            context: other clauses of the message, whose values count where the clause itself has none.
            reason: the reason it gives.
        """
        filled = Filled()
        here, corrections = mentions(main)
        elsewhere, _ = mentions(context)
        pointing = any(piece.word in _POINTERS for piece in main)
        scoped = any(_SCOPE & set(mention.found.readings) for mention in here)
        for kind, names in self._by_kind.items():
            own = self._of_kind(kind, here, corrections)
            other = self._of_kind(kind, elsewhere, [])
            if len(names) > 1:
                self._assign_several(kind, names, [*other, *own], filled)
            else:
                if not self._is_required(names[0]) and not self._lends(kind, own_scope=scoped and not pointing):
                    other = []
                if kind is Kind.DURATION and not own:
                    other = [m for m in self._of_kind(kind, elsewhere, []) if m.before in _COMING]
                first = other[:1] if kind is Kind.PERSON and _stands_for_person(main) else other
                self._assign(kind, names[0], own or first, filled)
        for name, choices in self._choices.items():
            value = _choice(choices, main) or _choice(choices, context)
            if value and (name != "only" or "only" in [p.word for p in main]):
                filled.parameters[name] = value
        for name in self._by_kind.get(Kind.PLAYBOOK, ()):
            named = [piece.text.casefold() for piece in main if piece.found is None and "-" in piece.text]
            if len(named) == 1 and PLAYBOOK.fullmatch(named[0]):
                filled.parameters[name] = named[0]
        texts = [n for n in self._by_kind.get(Kind.TEXT, ()) if not self._verb.model_fields[n].is_required()]
        if reason and texts:
            filled.parameters[texts[0]] = reason
        filled.unused = [m.found.kind for m in here if not m.found.weak and not self.kinds & set(m.found.readings)]
        return filled

    def _lends(self, kind: Kind, *, own_scope: bool) -> bool:
        """Whether another clause lends a value of a kind that need not be given.

        Args:
            kind: the kind.
            own_scope: whether the clause that asks says itself what it is about.
        """
        if kind in _SAID_HERE:
            return False
        return not (self._risky and (kind is Kind.VERSION or (kind in _SCOPE and own_scope)))

    def _of_kind(self, kind: Kind, candidates: Sequence[Mention], corrections: Sequence[int]) -> list[Mention]:
        every = [m for m in candidates if kind in m.found.readings]
        found = [m for m in every if not m.negated] or (every if kind is Kind.REQUEST else [])
        if kind is Kind.REF:
            found = [m for m in found if Kind.VERSION not in m.found.readings or Kind.VERSION not in self.kinds]
        if kind is Kind.TEAM:
            found = [m for m in found if not (Kind.SERVICE in m.found.readings and Kind.SERVICE in self.kinds)]
        if kind is Kind.ROLE or (kind is Kind.ENVIRONMENT and Kind.ROLE in self.kinds):
            found = [m for m in found if kind is not Kind.ENVIRONMENT or Kind.ROLE not in m.found.readings]
        if (
            kind is Kind.ENVIRONMENT
            and Kind.SERVICE in self.kinds
            and any(Kind.SERVICE not in m.found.readings for m in found)
        ):
            found = [m for m in found if Kind.SERVICE not in m.found.readings]
        if kind is Kind.SERVICE:
            sure = [m for m in found if next(iter(m.found.readings)) is kind]
            found = sure or found
        for place in corrections:
            later = [m for m in found if m.position > place]
            earlier = [m for m in found if m.position < place]
            if later and earlier:
                found = [*earlier[:-1], *later]
        return found

    def _assign(self, kind: Kind, name: str, found: list[Mention], filled: Filled) -> None:
        if kind is Kind.VERSION and not self._is_required(name) and self._risky:
            found = [m for m in found if m.before in _TOWARDS or (m.before and self._seen(name).get(f"<1 {m.before}"))]
        if kind is Kind.DURATION:
            found = [m for m in found if not (self._risky and m.found.past)]
        if found:
            self._set(name, kind, found, filled)

    def _assign_several(self, kind: Kind, names: Sequence[str], found: list[Mention], filled: Filled) -> None:
        """Values of one kind for several parameters, told apart by what stands beside them."""
        values = list({m.found.readings[kind]: m for m in found}.values())
        if len(values) > len(names):
            required = [name for name in names if self._is_required(name)] or list(names)
            filled.ambiguous[required[0]] = tuple(m.found.readings[kind] for m in values)
            return
        ways = [dict(zip(way, values, strict=True)) for way in permutations(names, len(values))]
        best = max(ways, key=lambda way: sum(self._likely(name, m, values) for name, m in way.items()), default={})
        for name, mention in best.items():
            self._set(name, kind, [mention], filled)

    def _likely(self, name: str, mention: Mention, every: Sequence[Mention]) -> float:
        """How well a value suits a parameter by what stands beside it; a naive Bayes score."""
        seen = self._seen(name)
        near = signs(mention.words, mention.position, first=mention is every[0], only=len(every) == 1)
        told = 0.0
        if mention.found.kind is Kind.ENVIRONMENT and mention.before in _FROM | {"to", "into", "onto"}:
            told = _TOLD if (mention.before in _FROM) is not self._is_required(name) else -_TOLD
        return (
            told
            + math.log(seen.get("#", 0) + 1)
            + sum(math.log((seen.get(sign, 0) + 0.2) / (seen.get("#", 0) + 2)) for sign in near[:-1])
        )

    def _seen(self, name: str) -> Mapping[str, int]:
        return self._beside.get(name, {})

    def _is_required(self, name: str) -> bool:
        return self._verb.model_fields[name].is_required()

    def _set(self, name: str, kind: Kind, found: Sequence[Mention], filled: Filled) -> None:
        values = list(dict.fromkeys(m.found.readings[kind] for m in found))
        if len(values) > 1 and any(m.joined for m in found):
            filled.several = True
        elif len(values) > 1:
            towards = [m for m in found if m.before in {"to", "into", "onto"}]
            kept = towards or [m for m in found if m.before not in _AWAY - {"of"}]
            values = list(dict.fromkeys(m.found.readings[kind] for m in kept)) or values
        rivals = tuple(dict.fromkeys(name for m in found for name in m.found.rivals))
        if len(values) > 1 or (rivals and self._risky):
            filled.ambiguous[name] = rivals or tuple(values)
            if self._risky or not rivals:
                return
        filled.fuzzy = filled.fuzzy or any(m.found.fuzzy for m in found)
        filled.parameters[name] = values[0]


def _stands_for_person(clause: Sequence[Piece]) -> bool:
    return clause[0].word == "and" or bool(
        {piece.word for piece in clause} & {"he", "she", "him", "her", "they", "them", "his"}
    )


def _choice(choices: Sequence[str], parts: Sequence[Piece]) -> str | None:
    words = [piece for piece in parts if not piece.is_mark]
    several = any(piece.word in word_set("slots.several") for piece in words)
    for at in range(len(words)):
        value, end = choice_at(choices, words, at)
        if value is not None and not (end < len(words) and words[end].word == "back"):
            return value
        for choice in choices:
            said = words[at].word if words[at].found is None else ""
            if said in _said_for().get(choice, ()) or (several and f"+{said}" in _said_for().get(choice, ())):
                return choice
    return None


@cache
def _said_for() -> dict[str, frozenset[str]]:
    pairs = (line.partition(":") for line in data_lines("choices.txt"))
    return {name.strip(): frozenset(words.split()) for name, _, words in pairs}
