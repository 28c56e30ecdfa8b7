"""A small linear classifier over words, pairs of words and kinds of value; fitted once, kept as JSON, answered without help."""

from __future__ import annotations

import math
from array import array
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
_NO_WEIGHTS = (array("H"), array("f"))
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


class Classifier:
    """Labels with weights a feature."""

    def __init__(self, labels: Sequence[str], weights: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        self.labels = tuple(labels)
        # Arrays, not lists of pairs: the garbage collector would walk through a hundred thousand of those, for 5 ms.
        self._weights = {
            name: (array("H", (label for label, _ in row)), array("f", (weight for _, weight in row)))
            for name, row in weights.items()
        }

    def guesses(self, seen: Features, limit: int = 40) -> list[Guess]:
        """The likeliest labels, the likeliest first."""
        scores: dict[int, float] = {}
        for name, value in seen.items():
            for label, weight in zip(*self._weights.get(name, _NO_WEIGHTS), strict=True):
                scores[label] = scores.get(label, 0.0) + weight * value
        best = nlargest(limit, scores.items(), key=itemgetter(1))
        if not best:
            return []
        odds = {label: math.exp((score - best[0][1]) / _TEMPERATURE) for label, score in scores.items()}
        total = sum(odds.values()) + (len(self.labels) - len(scores)) * math.exp(-best[0][1] / _TEMPERATURE)
        return [Guess(self.labels[label], odds[label] / total) for label, _ in best]

    def support(self, seen: Features, label: str) -> float:
        """How much the words of a clause, and not the values beside them, speak for a label."""
        at = self.labels.index(label)
        return sum(
            value * weight
            for name, value in seen.items()
            if not all(part.startswith(("<", "^", "$")) for part in name.split()[1:])
            for own, weight in zip(*self._weights.get(name, _NO_WEIGHTS), strict=True)
            if own == at
        )


def fitted(lessons: Sequence[Lesson], *, epochs: int = _EPOCHS) -> tuple[list[str], dict[str, list[tuple[int, float]]]]:
    """Learn labels and weights: a passive-aggressive multi-class classifier, averaged over its steps.

    The order of the lessons is a fixed permutation, so that the same lessons give the same weights.
    """
    labels = sorted({lesson.label for lesson in lessons})
    index = {label: at for at, label in enumerate(labels)}
    data = _telling([(features(lesson.parts), index[lesson.label]) for lesson in lessons])
    stride = next(step for step in (7919, 104729, 1) if len(data) % step)
    order = [(at * stride) % len(data) for at in range(len(data))] if data else []
    weights: dict[str, dict[int, float]] = {}
    sums: dict[str, dict[int, float]] = {}
    step, total = 0, epochs * len(data) or 1
    for _ in range(epochs):
        for at in order:
            step += 1
            seen, gold = data[at]
            rate, rival = _lesson(weights, seen, gold)
            if rate <= 0:
                continue
            left = (total - step + 1) / total
            for name, value in seen.items():
                own, summed = weights.setdefault(name, {}), sums.setdefault(name, {})
                for label, change in ((gold, rate * value), (rival, -rate * value)):
                    own[label] = own.get(label, 0.0) + change
                    summed[label] = summed.get(label, 0.0) + change * left
    kept = {
        name: [(label, round(weight, 4)) for label, weight in row.items() if abs(weight) > 1e-3]  # noqa: PLR2004
        for name, row in sums.items()
    }
    return labels, {name: row for name, row in kept.items() if row}


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
