"""Finds the organization's names in a message: aliases, spaces for hyphens, plurals and guarded typing mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from actions.core.kinds import Kind
from actions.core.organization import Organization
from intents.lexicon import data_lines, english, word_set
from intents.text import Token
from intents.values import Found, value_at

_ORDER = (Kind.SERVICE, Kind.ENVIRONMENT, Kind.PERSON, Kind.ROLE, Kind.TEAM)
_JOINTS = re.compile(r"[\s._/&'-]+")
_PLACES = word_set("entities.places")
_SMALL = word_set("acts.subjects") | word_set("acts.aux") | {"a", "in", "on", "to", "of"}
_PLACE_NOUNS = frozenset({"environment", "env", "cluster", "environments", "envs"})
_EXACT_BELOW = 4
_TERSE = 4
"""In so few words a name stands for itself."""
_LONG = 7
_VERY_LONG = 11


def joined(text: str) -> str:
    """A name without what people write differently: case, hyphens, spaces, dots."""
    return _JOINTS.sub("", text.casefold())


class Names:
    """Every name and alias of an organization, ready to be found in messages.

    Args:
        names: for each kind, what is typed → the canonical name.
        vocabulary: words that mean something to the recogniser and are no typing mistakes.
    """

    def __init__(self, names: Mapping[Kind, Mapping[str, str]], vocabulary: Iterable[str] = ()) -> None:
        self._exact: dict[str, dict[Kind, str]] = {}
        self._longest = 1
        for kind in _ORDER:
            for typed, canonical in names.get(kind, {}).items():
                key = joined(typed)
                self._exact.setdefault(key, {}).setdefault(kind, canonical)
                self._longest = max(self._longest, len(_JOINTS.split(typed.strip())))
        self._plurals(names)
        self._fuzzy = [key for key in self._exact if len(key) >= _EXACT_BELOW]
        self._known = english() | frozenset(vocabulary)
        self._people = {joined(name) for name in names.get(Kind.PERSON, {})}

    @classmethod
    def of(cls, organization: Organization, vocabulary: Iterable[str] = ()) -> Names:
        """The names of an organization, with the nicknames that are usual everywhere."""
        named: dict[Kind, dict[str, str]] = {
            Kind.SERVICE: {w: s.name for s in organization.services for w in (*s.aliases, s.name)},
            Kind.ENVIRONMENT: {w: e.name for e in organization.environments for w in (*e.aliases, e.name)},
            Kind.PERSON: {p.name: p.name for p in organization.people},
            Kind.ROLE: {role: role for role in organization.role_names},
            Kind.TEAM: {
                team: team
                for team in (
                    *(t.name for t in organization.teams),
                    *(o for s in organization.services for o in s.owners),
                )
            },
        }
        for line in data_lines("nicknames.txt"):
            where, _, words = line.partition(":")
            kind, canonical = Kind(where.split()[0]), where.split()[1]
            taken = {joined(word) for word in named[kind]}
            if canonical in named[kind].values():
                named[kind].update({word: canonical for word in words.split() if joined(word) not in taken})
        return cls(named, vocabulary)

    def _plurals(self, names: Mapping[Kind, Mapping[str, str]]) -> None:
        services = {joined(typed): canonical for typed, canonical in names.get(Kind.SERVICE, {}).items()}
        for key, canonical in services.items():
            other = key[:-1] if key.endswith("s") else f"{key}s"
            if len(key) >= _EXACT_BELOW and other not in self._exact:
                self._exact[other] = {Kind.SERVICE: canonical}

    def is_person(self, word: str) -> bool:
        """Whether a word is somebody's name."""
        return joined(word.lstrip("@")) in self._people

    def knows(self, word: str) -> bool:
        """Whether a word is an English word or means something here."""
        return word in self._known or joined(word) in self._exact

    def find(self, words: Sequence[Token]) -> list[Found]:
        """The names and values in a message, from left to right, none overlapping."""
        found: list[Found] = []
        at = 0
        while at < len(words):
            hit = (
                None
                if words[at].is_mark
                else (self._name_at(words, at) or value_at(words, at) or self._near(words, at))
            )
            if hit is None:
                at += 1
            else:
                found.append(hit)
                at = hit.end
        return found

    def _name_at(self, words: Sequence[Token], at: int) -> Found | None:
        for count in range(min(self._longest + 1, len(words) - at), 0, -1):
            span = words[at : at + count]
            if any(token.is_mark for token in span):
                continue
            key = "".join(joined(token.word.lstrip("@")) for token in span)
            readings = None if count > 1 and all(token.word in _SMALL for token in span) else self._exact.get(key)
            if readings is None and span[-1].possessive:
                readings = self._exact.get(joined(span[-1].text)) if count == 1 else None
            if readings and count == 1:
                readings = self._plausible(readings, words, at)
            if readings:
                longer = self._near(words, at, count)
                return longer or Found(at, at + count, readings, typed=" ".join(t.text for t in span))
        return None

    def _plausible(self, readings: dict[Kind, str], words: Sequence[Token], at: int) -> dict[Kind, str]:
        """Names that are also everyday words count only where they stand like a name."""
        token = words[at]
        told = _told_by_noun(words, at)
        if told in readings:
            return {told: readings[told]}
        if token.text.startswith("@"):
            return {kind: name for kind, name in readings.items() if kind is Kind.PERSON} or readings
        if token.word not in english():
            return readings
        before = words[at - 1].word if at else ""
        after = words[at + 1].word if at + 1 < len(words) else ""
        kept = dict(readings)
        name = joined(readings.get(Kind.ENVIRONMENT, ""))
        placed = (
            before in _PLACES
            or self._continues(words, at)
            or before in word_set("entities.before_place")
            or (
                after == "to"
                and at + 2 < len(words)
                and Kind.ENVIRONMENT in self._exact.get(joined(words[at + 2].word), {})
            )
            or after in _PLACE_NOUNS
            or after in word_set("entities.after_place")
            or len([t for t in words if not t.is_mark]) <= _TERSE
        )
        if Kind.ENVIRONMENT in kept and name != joined(token.word) and not placed:
            article = before in {"the", "a", "our"} and after not in _PLACE_NOUNS
            if article or token.word in {
                "test",
                "tests",
                "stage",
                "live",
                "main",
                "demo",
                "pilot",
                "edge",
                "green",
                "blue",
            }:
                del kept[Kind.ENVIRONMENT]
        elif Kind.ENVIRONMENT in kept and not placed and token.word in {"test", "demo", "pilot", "edge", "lab"}:
            del kept[Kind.ENVIRONMENT]
        if (
            Kind.PERSON in kept
            and token.word in word_set("entities.verbs_too")
            and not (token.text[:1].isupper() and at)
        ):
            del kept[Kind.PERSON]
        return kept

    def _continues(self, words: Sequence[Token], at: int) -> bool:
        """Whether a place is named next to another, or instead of it: "dev, test and prod", "staging, sorry, test"."""
        before = [token.word for token in words[:at] if not token.is_mark and token.word not in {"and", "or", "to"}]
        last = before[-1] if before else ""
        return last in word_set("slots.corrections") or Kind.ENVIRONMENT in self._exact.get(joined(last), {})

    def _near(self, words: Sequence[Token], at: int, count: int = 0) -> Found | None:
        """A mistyped name: a word that means nothing, or a longer name that begins with a shorter one: "payments wroker".

        Every word that it explains may hold a mistake; of those equally near the longest is meant: "hl7 brigde worker" is
        the bridge's worker.

        Args:
            words: the message.
            at: where it begins.
            count: how many words of it are a name by themselves.
        """
        if not count and (self.knows(words[at].word) or not any(letter.isalpha() for letter in words[at].word)):
            return None
        hits: list[tuple[int, int, Found]] = []
        for end in range(at + count + 1, min(at + self._longest, len(words)) + 1):
            added = words[at + count : end]
            if added[-1].is_mark or (end > at + 1 and value_at(words, end - 1)):
                break
            strange = sum(not self.knows(token.word) for token in added)
            if strange and (hit := self._nearest(words, at, end)):
                hits.append((hit.mistakes - strange, -end, hit))
        return min(hits, key=lambda found: found[:2])[2] if hits else None

    def _nearest(self, words: Sequence[Token], start: int, end: int) -> Found | None:

        key = "".join(joined(token.word.lstrip("@")) for token in words[start:end])
        if len(key) < _EXACT_BELOW:
            return None
        allowed = 1 if len(key) < _LONG else 2 if len(key) < _VERY_LONG else 3
        hits = process.extract(key, self._fuzzy, scorer=OSA.distance, score_cutoff=allowed, limit=6)
        hits = [hit for hit in hits if hit[0][0] == key[0] or sorted(hit[0][:2]) == sorted(key[:2]) or hit[1] == 1]
        if not hits:
            return None
        best = [self._exact[name] for name, distance, _ in hits if distance == hits[0][1]]
        typed = " ".join(token.text for token in words[start:end])
        mistakes = int(hits[0][1])
        kinds = {kind for readings in best for kind in readings}
        for kind in kinds:
            names = sorted({readings[kind] for readings in best if kind in readings})
            if len(names) > 1:
                return Found(start, end, {kind: names[0]}, mistakes=mistakes, rivals=tuple(names), typed=typed)
        merged = {kind: name for readings in best for kind, name in readings.items()}
        close = {self._exact[name].get(Kind.SERVICE) for name, _, _ in hits} - {None, merged.get(Kind.SERVICE)}
        rivals = (
            tuple(sorted(n for n in (*close, merged.get(Kind.SERVICE)) if n))
            if close and Kind.SERVICE in merged
            else ()
        )
        return Found(start, end, merged, mistakes=mistakes, rivals=rivals, typed=typed)


def _told_by_noun(words: Sequence[Token], at: int) -> Kind | None:
    """The kind that the noun beside a name tells: the core team, the core service."""
    before = words[at - 1].word if at else ""
    after = words[at + 1].word if at + 1 < len(words) else ""
    if after in word_set("entities.team_nouns") or before in {"team", "squad"}:
        return Kind.TEAM
    if after in word_set("entities.service_nouns"):
        return Kind.SERVICE
    if after in _PLACE_NOUNS:
        return Kind.ENVIRONMENT
    if before in {"a", "an"}:
        return Kind.ROLE
    return Kind.ROLE if after in word_set("entities.role_nouns") else None
