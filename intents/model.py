"""What is learned from a catalogue, kept under its hash: weights, the words it knows, the verbs' first words."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from actions.core.catalog import Catalog
from intents.acts import act_of
from intents.classifier import Classifier, Weights, fitted
from intents.clauses import Piece
from intents.lexicon import STOP, english, openings, stem, word_set
from intents.spoken import Act
from intents.training import NONE, Lesson, fingerprint, follow_ups, lessons, public, surroundings

_SHORT = 3
_WELL_KNOWN = 100
"""Words of a verb from which on others beside it tell that something else is meant."""
_SHORTEST = 4
_DOUBLED = re.compile(r"(?<=[aeiou])([bdgklmnprt])(ing|ed)$")
_LONG = 7
_SHARED = 2
"""A word that begins the requests of more verbs than that, such as "show", tells nothing."""
_FORBIDDING = frozenset(
    word for name in ("forbidden", "forbidden_within") for phrase in openings(name) for word in phrase[:1]
) | {"not", "never", "nobody", "nothing", "noone", "without"}
_NEGATORS = frozenset({"nobody", "noone", "never", "nothing", "yet", "first"})
"""Words by which one that says "not" differs from another: "not yet" is no refusal."""
_NO_HEADS = word_set("model.no_heads")


@dataclass(frozen=True)
class Learned:
    """What is kept, as JSON has it.

    Attributes:
        labels: the classifier's labels.
        weights: for each feature, how much it speaks for which labels; packed.
        vocabulary: every plain word that was seen.
        stems: those words without their endings.
        heads: the stems with which requests begin.
        firsts: for a word, the verbs whose requests begin with it; not those that begin the requests of many.
        negated: verbs with the words of those of their sayings that say "not".
        follow_ups: what short words mean after which verb: the verb before, the words, the verb meant.
        beside: for a verb's parameters, what stood beside them how often.
        idle: talk that asks for nothing, without values, as it is said.
        words: for a verb, the stems of all words that it is asked for with.
    """

    labels: list[str]
    weights: dict[str, str]
    vocabulary: list[str]
    stems: list[str]
    heads: list[str]
    firsts: dict[str, list[str]]
    negated: list[tuple[str, list[str]]]
    follow_ups: list[tuple[str, list[str], str]]
    beside: dict[str, dict[str, dict[str, int]]]
    words: dict[str, list[str]]
    idle: list[str]

    @classmethod
    def of(cls, catalog: Catalog) -> Learned:
        """Learn from a catalogue: seconds."""
        learned = lessons(catalog)
        vocabulary = {p.word for lesson in learned for p in lesson.parts if p.word.isalpha()}
        asking = [lesson for lesson in learned if not lesson.label.startswith(NONE)]
        labels, weights = fitted(learned)
        return cls(
            labels=labels,
            weights=weights.text(),
            vocabulary=sorted(vocabulary),
            stems=sorted({stem(word) for word in vocabulary}),
            heads=sorted({head for lesson in asking for head in _heads(lesson)}),
            firsts=_firsts(asking),
            negated=[(lesson.label, sorted(_content(lesson.parts))) for lesson in asking if _forbids(lesson.parts)],
            follow_ups=[(verb, sorted(said), name) for (verb, said), name in follow_ups(catalog).items()],
            beside={verb.policy.name: found for verb in public(catalog) if (found := surroundings(verb))},
            words=_words(asking),
            idle=sorted({_said(lesson.parts) for lesson in learned if lesson.label.startswith(NONE)}),
        )

    def save(self, path: Path) -> None:
        """Write it, so that a reader never sees half a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(asdict(self), separators=(",", ":")), encoding="utf-8")
        draft.replace(path)


class Model:
    """What the recogniser has learned from a catalogue."""

    def __init__(self, learned: Learned) -> None:
        self._firsts = {word: frozenset(verbs) for word, verbs in learned.firsts.items()}
        self.classifier = Classifier(learned.labels, Weights.read(learned.weights))
        self.vocabulary = frozenset(learned.vocabulary)
        self.beside: Mapping[str, Mapping[str, Mapping[str, int]]] = learned.beside
        self._heads = frozenset(learned.heads)
        self._idle = frozenset(said for said in learned.idle if "<" not in said)
        self._words = {label: frozenset(stems) for label, stems in learned.words.items()}
        self._stems = frozenset(learned.stems)
        self._negated = [(label, frozenset(words)) for label, words in learned.negated]
        self._follow_ups = {(verb, frozenset(said)): name for verb, said, name in learned.follow_ups}
        self._spelling = sorted(word for word in self.vocabulary if len(word) >= _SHORTEST)
        self.mended = lru_cache(maxsize=4096)(self._mended)

    @classmethod
    def kept(cls, catalog: Catalog, directory: Path | None) -> Model:
        """The model of a catalogue out of a directory; fitted and put there where it is not."""
        if directory is None:
            return cls(Learned.of(catalog))
        path = directory / f"intents-{fingerprint(catalog)}.json"
        with contextlib.suppress(OSError, ValueError, TypeError):
            return cls(Learned(**json.loads(path.read_text(encoding="utf-8"))))
        learned = Learned.of(catalog)
        learned.save(path)
        return cls(learned)

    def is_head(self, piece: Piece) -> bool:
        """Whether a word begins some request of the catalogue."""
        return piece.found is None and piece.stem in self._heads

    def means(self, word: str) -> bool:
        """Whether a word, or another form of it, was seen in what verbs are asked with."""
        return word in self.vocabulary or stem(word) in self._stems or word in STOP

    def begun(self, word: str) -> frozenset[str]:
        """The verbs whose requests begin with a word; none where it begins those of many."""
        return self._firsts.get(word, frozenset())

    def familiarity(self, parts: Sequence[Piece]) -> float:
        """The share of a clause's words that were seen in training, from 0 to 1."""
        content = [p for p in parts if not p.is_mark and p.word not in STOP]
        known = sum(p.found is not None or p.word in self.vocabulary or p.stem in self._stems for p in content)
        return known / len(content) if content else 0.0

    def allows(self, label: str, piece: Piece) -> bool:
        """Whether a verb may be meant beside a word: it is one of its own, or too little is known of the verb to tell."""
        own = self._words.get(label, frozenset())
        return piece.stem in own or len(own) < _WELL_KNOWN

    def is_idle(self, parts: Sequence[Piece]) -> bool:
        """Whether a message is, word for word, talk that asks for nothing."""
        return not any(piece.found for piece in parts) and _said(parts) in self._idle

    def usual(self, label: str, parts: Sequence[Piece]) -> float:
        """The share of these words that a verb is asked for with, from 0 to 1."""
        words = _content(p for p in parts if p.found is None and p.word not in word_set("acts.nouns_too"))
        return len(words & self._words.get(label, frozenset())) / len(words) if words else 1.0

    def follow_up(self, after: str, parts: Sequence[Piece]) -> str | None:
        """The verb that short words such as "lift it again" mean after another verb."""
        if any(p.found for p in parts):
            return None
        said = {p.word for p in parts if not p.is_mark}
        return self._follow_ups.get((after, frozenset(said - word_set("model.around"))))

    def says_not(self, label: str, parts: Sequence[Piece], like: float) -> bool:
        """Whether a verb is asked for by a "not" such as this one: "should not be devops any longer".

        Every verb in the words must be in the saying, too: "no need to cancel it" is no "no need for it any more".
        """
        words = _content(parts)
        heads = {word for word in words if word in self._heads or word in _NEGATORS}
        return any(
            own == label and heads <= said and len(words & said) >= like * len(words | said)
            for own, said in self._negated
        )

    def _mended(self, word: str) -> str | None:
        """The word of the catalogue that a mistyped one was meant to be; None where it is none for sure."""
        word = word.replace("-", "")
        if len(word) == _SHORT and word.isalpha() and word not in english() and word not in self.vocabulary:
            swapped = [w for w in (word[1] + word[0] + word[2], word[0] + word[2] + word[1]) if w in self.vocabulary]
            return swapped[0] if len(swapped) == 1 else None
        if word + "e" in self.vocabulary and word not in self.vocabulary | english():
            return word + "e"
        doubled = _DOUBLED.sub(r"\1\1\2", word)
        if doubled != word and doubled in self.vocabulary and word not in self.vocabulary | english():
            return doubled
        if (
            len(word) < _SHORTEST
            or not word.isalpha()
            or word in self.vocabulary
            or word in english()
            or stem(word) in self._stems
        ):
            return None

        hits = process.extract(word, self._spelling, scorer=OSA.distance, score_cutoff=2, limit=16)
        hits = [hit for hit in hits if hit[1] == 1 or len(word) >= _LONG or self._begins_alike(word, hit[0])]
        nearest = [str(hit[0]) for hit in hits if hit[1] == hits[0][1]]
        if len({stem(near) for near in nearest}) > 1:
            stems = Counter(stem(near) for near in nearest).most_common(2)
            likeliest = [near for near in nearest if stem(near) == stems[0][0]] if stems[0][1] > stems[1][1] else []
            shuffled = [near for near in nearest if sorted(near) == sorted(word)]
            begun = [near for near in nearest if near[0] == word[0] and near in self._heads]
            nearest = shuffled or (begun if len({stem(near) for near in begun}) == 1 else likeliest)
        return nearest[0] if nearest else None

    def _begins_alike(self, word: str, near: str) -> bool:
        """Whether a short word is near enough to a longer one with which requests begin: rolbak, rollback."""
        return len(near) >= _LONG + 1 and word[:2] == near[:2] and stem(near) in self._heads


def first_word(parts: Sequence[Piece]) -> str:
    """The first telling word of a clause; empty where a value stands before it."""
    words = (part.word for part in parts if not part.is_mark)
    first = next((word for word in words if word not in word_set("grammar.before_head")), "")
    return "" if first.startswith("<") else first


def _firsts(asking: Iterable[Lesson]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for lesson in asking:
        if not any(part.is_mark for part in lesson.parts):
            found.setdefault(first_word(lesson.parts), set()).add(lesson.label)
    return {word: sorted(verbs) for word, verbs in sorted(found.items()) if word and len(verbs) <= _SHARED}


def _said(parts: Sequence[Piece]) -> str:
    """The words of a sentence, without marks and without what only opens it."""
    words = [piece.word for piece in parts if not piece.is_mark]
    while len(words) > 1 and words[0] in word_set("acts.openers"):
        words = words[1:]
    return " ".join(words)


def _words(asking: Iterable[Lesson]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for lesson in asking:
        found.setdefault(lesson.label, set()).update(_content(lesson.parts))
    return {label: sorted(stems) for label, stems in found.items()}


def _heads(lesson: Lesson) -> Iterable[str]:
    content = [p for p in lesson.parts if not p.is_mark and p.word not in STOP]
    remark = any(piece.word == "," for piece in lesson.parts)
    if content and not remark and not content[0].word.startswith("<") and content[0].word not in _NO_HEADS:
        yield content[0].stem


def _content(parts: Iterable[Piece]) -> frozenset[str]:
    return frozenset(p.stem for p in parts if not p.is_mark and p.word not in STOP)


def _forbids(parts: Sequence[Piece]) -> bool:
    """Whether a saying asks by a "not" in its only clause."""
    if any(piece.is_mark for piece in parts):
        return False
    said = {piece.word for piece in parts}
    if not said & _FORBIDDING:
        return False
    return act_of(tuple(parts), lambda _: False) is Act.NEGATED or bool(said & {"not", "never", "nobody", "nothing"})
