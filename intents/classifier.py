"""A small linear classifier over words, pairs of words and kinds of value; fitted once, kept as JSON, answered without help."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from intents.clauses import Piece
from intents.lexicon import STOP, clusters
from intents.training import Lesson

Features = dict[str, float]

_EPOCHS = 4
_MARGIN = 1.0
_AGGRESSION = 0.35
_TEMPERATURE = 0.55
_ELSEWHERE = 0.4
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
        self._weights = weights

    def guesses(self, seen: Features) -> list[Guess]:
        """Every label, the likeliest first."""
        scores = [0.0] * len(self.labels)
        for name, value in seen.items():
            for label, weight in self._weights.get(name, ()):
                scores[label] += weight * value
        highest = max(scores, default=0.0)
        odds = [math.exp((score - highest) / (_TEMPERATURE / 2)) for score in scores]
        total = sum(odds) or 1.0
        ranked = sorted(range(len(scores)), key=lambda label: -scores[label])
        return [Guess(self.labels[label], odds[label] / total) for label in ranked]

    def support(self, seen: Features, label: str) -> float:
        """How much the words of a clause, and not the values beside them, speak for a label."""
        at = self.labels.index(label)
        return sum(
            value * weight
            for name, value in seen.items()
            if not all(part.startswith(("<", "^", "$")) for part in name.split()[1:])
            for own, weight in self._weights.get(name, ())
            if own == at
        )


def fitted(lessons: Sequence[Lesson], *, epochs: int = _EPOCHS) -> tuple[list[str], dict[str, list[tuple[int, float]]]]:
    """Learn labels and weights: a passive-aggressive multi-class classifier, averaged over its steps.

    The order of the lessons is a fixed permutation, so that the same lessons give the same weights.
    """
    labels = sorted({lesson.label for lesson in lessons})
    index = {label: at for at, label in enumerate(labels)}
    data = [(features(lesson.parts), index[lesson.label]) for lesson in lessons]
    stride = next(step for step in (7919, 104729, 1) if len(data) % step)
    order = [(at * stride) % len(data) for at in range(len(data))] if data else []
    weights: dict[str, dict[int, float]] = {}
    sums: dict[str, dict[int, float]] = {}
    step, total = 0, epochs * len(data) or 1
    for _ in range(epochs):
        for at in order:
            step += 1
            seen, gold = data[at]
            scores = _scores(weights, seen, len(labels))
            rival = max((label for label in range(len(labels)) if label != gold), key=scores.__getitem__, default=gold)
            loss = _MARGIN - scores[gold] + scores[rival]
            if rival == gold or loss <= 0:
                continue
            rate = min(_AGGRESSION, loss / 2)
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


def _scores(weights: Mapping[str, Mapping[int, float]], seen: Features, count: int) -> list[float]:
    scores = [0.0] * count
    for name, value in seen.items():
        for label, weight in weights.get(name, {}).items():
            scores[label] += weight * value
    return scores
