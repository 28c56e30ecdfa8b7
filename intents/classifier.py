"""A small linear classifier over words, pairs of words and kinds of value; fitted once, kept as JSON, answered without help."""

from __future__ import annotations

import math
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter

from intents.clauses import Piece
from intents.lexicon import STOP, clusters
from intents.training import Lesson

Features = dict[str, float]

_EPOCHS = 4
_MARGIN = 1.0
_AGGRESSION = 0.35
_TEMPERATURE = 0.275
_ELSEWHERE = 0.4
_MAX_LABELS = 120
_NOTHING = 0.01
_WORD, _CLUSTER, _PAIR, _SLOT, _HEAD, _GROUPED_PAIR = 1.0, 0.6, 0.7, 0.5, 0.8, 0.4


@dataclass(frozen=True, slots=True)
class Guess:
    """A label and how likely it is, from 0 to 1."""

    label: str
    likelihood: float


def features(parts: Sequence[Piece], elsewhere: Iterable[Piece] = ()) -> Features:
    """What the classifier sees of a clause, and, with less weight, of the rest of the message."""
    found: Features = {}
    content = [piece for piece in parts if not piece.is_mark and piece.word not in STOP]
    before, group_before = "^", "^"
    for piece in content:
        if piece.word.startswith("<"):
            _add(found, f"has {piece.word}", _SLOT, once=True)
        else:
            _add(found, f"w {piece.stem}", _WORD, once=True)
        groups = clusters().get(piece.stem, ())
        for group in groups:
            _add(found, f"c {group}", _CLUSTER, once=True)
        group = groups[0] if groups else piece.stem
        _add(found, f"p {before} {piece.stem}", _PAIR, once=True)
        _add(found, f"g {group_before} {group}", _GROUPED_PAIR, once=True)
        before, group_before = piece.stem, group
    if content:
        _add(found, f"h {content[0].stem}", _HEAD, once=True)
        if content[0].word != content[0].stem and content[0].found is None:
            _add(found, f"x {content[0].word}", _HEAD, once=True)
        _add(found, f"p {before} $", _PAIR, once=True)
    for piece in elsewhere:
        if piece.is_mark or piece.word in STOP:
            continue
        if piece.word.startswith("<"):
            found.setdefault(f"has {piece.word}", _SLOT)
        else:
            found.setdefault(f"w {piece.stem}", _WORD * _ELSEWHERE)
            for group in clusters().get(piece.stem, ()):
                found.setdefault(f"c {group}", _CLUSTER * _ELSEWHERE)
    norm = math.sqrt(sum(value * value for value in found.values())) or 1.0
    return {name: value / norm for name, value in found.items()}


def _add(found: Features, name: str, value: float, *, once: bool) -> None:
    if not once or name not in found:
        found[name] = value


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each feature speaks for which labels, row after row in arrays, which are read in a few milliseconds.

    Attributes:
        features: their names.
        starts: for each feature, where its row begins; and where the last one ends.
        labels: the numbers of labels, row after row.
        values: the weights beside them.
    """

    features: list[str]
    starts: array[int]
    labels: array[int]
    values: array[float]

    @classmethod
    def of(cls, rows: Mapping[str, Mapping[int, float]]) -> Weights:
        """Pack rows; what is next to nothing is left out."""
        packed = cls([], array("I", [0]), array("H"), array("f"))
        for name, row in rows.items():
            telling = {label: weight for label, weight in row.items() if abs(weight) > _NOTHING}
            if telling:
                packed.features.append(name)
                packed.labels.extend(telling)
                packed.values.extend(telling.values())
                packed.starts.append(len(packed.labels))
        return packed

    def text(self) -> dict[str, str]:
        """As JSON has it."""
        numbers = (("starts", self.starts), ("labels", self.labels), ("values", self.values))
        return {"features": "\n".join(self.features)} | {
            name: b64encode(held.tobytes()).decode("ascii") for name, held in numbers
        }

    @classmethod
    def read(cls, text: Mapping[str, str]) -> Weights:
        """Back from JSON."""
        read = cls(text["features"].split("\n"), array("I"), array("H"), array("f"))
        for name, held in (("starts", read.starts), ("labels", read.labels), ("values", read.values)):
            held.frombytes(b64decode(text[name]))
        return read


class Classifier:
    """Labels with weights a feature."""

    def __init__(self, labels: Sequence[str], weights: Weights) -> None:
        self.labels = tuple(labels)
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._weights = weights
        self._rows = {name: row for row, name in enumerate(weights.features)}

    def _speaking(self, name: str) -> Iterable[tuple[int, float]]:
        """The labels that a feature speaks for, and how much."""
        row = self._rows.get(name)
        if row is None:
            return ()
        begin, end = self._weights.starts[row], self._weights.starts[row + 1]
        return zip(self._weights.labels[begin:end], self._weights.values[begin:end], strict=True)

    def guesses(self, seen: Features, limit: int = 40) -> list[Guess]:
        """The likeliest labels, the likeliest first."""
        scores: dict[int, float] = {}
        for name, value in seen.items():
            for label, weight in self._speaking(name):
                scores[label] = scores.get(label, 0.0) + weight * value
        best = nlargest(limit, scores.items(), key=itemgetter(1))
        if not best:
            return []
        odds = {label: math.exp((score - best[0][1]) / _TEMPERATURE) for label, score in scores.items()}
        total = sum(odds.values()) + (len(self.labels) - len(scores)) * math.exp(-best[0][1] / _TEMPERATURE)
        return [Guess(self.labels[label], odds[label] / total) for label, _ in best]

    def support(self, seen: Features, label: str) -> float:
        """How much the words of a clause, and not the values beside them, speak for a label."""
        at = self._numbers[label]
        return sum(
            value * weight
            for name, value in seen.items()
            if not all(part.startswith(("<", "^", "$")) for part in name.split()[1:])
            for own, weight in self._speaking(name)
            if own == at
        )


def fitted(lessons: Sequence[Lesson], *, epochs: int = _EPOCHS) -> tuple[list[str], Weights]:
    """Learn labels and weights: a passive-aggressive multi-class classifier, averaged over its steps.

    The order of the lessons is a fixed permutation, so that the same lessons give the same weights. What was already clear
    in one round is left out of the next.
    """
    labels = sorted({lesson.label for lesson in lessons})
    index = {label: at for at, label in enumerate(labels)}
    data = _telling([(features(lesson.parts), index[lesson.label]) for lesson in lessons])
    stride = next(step for step in (7919, 104729, 1) if len(data) % step)
    order = [(at * stride) % len(data) for at in range(len(data))] if data else []
    weights: dict[str, dict[int, float]] = {}
    sums: dict[str, dict[int, float]] = {}
    for epoch in range(epochs):
        mistaken = []
        for number, at in enumerate(order):
            seen, gold = data[at]
            rate, rival = _lesson(weights, seen, gold)
            if rate <= 0:
                continue
            mistaken.append(at)
            left = (epochs - epoch - number / len(order)) / epochs
            for name, value in seen.items():
                own, summed = weights.setdefault(name, {}), sums.setdefault(name, {})
                for label, change in ((gold, rate * value), (rival, -rate * value)):
                    own[label] = own.get(label, 0.0) + change
                    summed[label] = summed.get(label, 0.0) + change * left
        order = mistaken
    return labels, Weights.of(sums)


def _lesson(weights: Mapping[str, Mapping[int, float]], seen: Features, gold: int) -> tuple[float, int]:
    """How much to change for a lesson, and for which label it is mistaken."""
    scores: dict[int, float] = {}
    for name, value in seen.items():
        for label, weight in weights.get(name, {}).items():
            scores[label] = scores.get(label, 0.0) + weight * value
    own = scores.pop(gold, 0.0)
    rival = max(scores, key=scores.__getitem__, default=-1)
    against = scores.get(rival, 0.0)
    if against < 0 or rival < 0:
        rival, against = (0 if gold else 1), 0.0
    return min(_AGGRESSION, (_MARGIN - own + against) / 2), rival


def _telling(data: list[tuple[Features, int]]) -> list[tuple[Features, int]]:
    """The lessons without features that nearly every label has, and so tell nothing in a large catalogue."""
    having: dict[str, set[int]] = {}
    for seen, label in data:
        for name in seen:
            having.setdefault(name, set()).add(label)
    common = {name for name, labels in having.items() if len(labels) > _MAX_LABELS}
    if not common:
        return data
    return [({name: value for name, value in seen.items() if name not in common}, label) for seen, label in data]
