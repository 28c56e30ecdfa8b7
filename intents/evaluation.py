"""Scores an understanding on labelled items: what was proposed, before any confirmation, against what was meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from actions.core.kinds import parse_duration
from actions.core.ports.messaging import Turn
from intents.meaning import Asks, Lacks, Meaning, Message, Understanding

_LENGTHS = frozenset({"since", "until"})
_LOOSE = frozenset({"reason", "topic"})
_TARGETS = ("service", "environment", "version")


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Did(_Form):
    """What came of an earlier turn."""

    action: str
    params: dict[str, Any] = {}


class Earlier(_Form):
    """An earlier turn; `did` is absent or null where nothing was done."""

    say: str
    did: Did | None = None


class Label(_Form):
    """What an item means, or what was proposed for it."""

    outcome: Literal["asks", "lacks", "unclear"]
    action: str | None = None
    params: dict[str, Any] = {}
    missing: tuple[str, ...] = ()


class Item(_Form):
    """A labelled sentence.

    Attributes:
        id: its name.
        kind: its group, for the figures a kind.
        thread: the earlier turns, oldest first.
        say: the words.
        expect: what they mean.
        also: other readings that are equally good.
    """

    id: str
    kind: str = ""
    thread: tuple[Earlier, ...] = ()
    say: str
    expect: Label
    also: tuple[Label, ...] = ()


class Prediction(_Form):
    """What was proposed for an item.

    Attributes:
        id: the item's.
        label: the proposal.
        seconds: how long it took.
    """

    id: str
    label: Label
    seconds: float

    def line(self) -> dict[str, Any]:
        """The proposal as it is written out."""
        return {"id": self.id, **self.label.model_dump(mode="json")}


class Score(_Form):
    """How well an understanding did.

    Attributes:
        n: the number of items.
        action_accuracy: the share with the right outcome and action.
        exact: the share with the right outcome, action and parameters.
        unsafe: changes proposed that the label does not hold, or for another service, environment or version than the label's,
            or with a made-up value for one that is missing.
        missed: items that ask for something, for which nothing was proposed.
        per_kind: the exact share of each kind.
        p50_ms: half of the answers took at most this long, in milliseconds.
        p99_ms: 99 in 100 answers took at most this long.
        failed: the ids that were not exact.
        unsafe_ids: the ids that were unsafe.
    """

    n: int
    action_accuracy: float
    exact: float
    unsafe: int
    missed: int
    per_kind: dict[str, float] = Field(default_factory=dict)
    p50_ms: float
    p99_ms: float
    failed: tuple[str, ...] = ()
    unsafe_ids: tuple[str, ...] = ()


def predict(items: Sequence[Item], understanding: Understanding, clock: Callable[[], float]) -> list[Prediction]:
    """What an understanding proposes for each item.

    Args:
        items: the items.
        understanding: what reads them.
        clock: tells a time in seconds, such as `time.perf_counter`.
    """
    found = []
    for item in items:
        thread = [_turn(turn) for turn in item.thread]
        begun = clock()
        meaning = understanding.recognize(Message(text=item.say), thread)
        found.append(Prediction(id=item.id, label=label_of(meaning), seconds=clock() - begun))
    return found


def label_of(meaning: Meaning) -> Label:
    """A meaning in the form of a label."""
    match meaning:
        case Lacks():
            return Label(outcome="lacks", action=meaning.action, params=meaning.parameters, missing=meaning.missing)
        case Asks():
            return Label(outcome="asks", action=meaning.action, params=meaning.parameters)
        case _:
            return Label(outcome="unclear")


def score(items: Sequence[Item], predictions: Sequence[Prediction], writes: Collection[str]) -> Score:
    """Compare proposals with labels.

    Args:
        items: at least one.
        predictions: one for each item, in the same order.
        writes: the verbs that change something.
    """
    pairs = list(zip(items, predictions, strict=True))
    right = {item.id: any(_same(good, p.label) for good in (item.expect, *item.also)) for item, p in pairs}
    kinds: dict[str, list[bool]] = {}
    for item in items:
        kinds.setdefault(item.kind, []).append(right[item.id])
    times = sorted(prediction.seconds * 1000 for prediction in predictions)
    unsafe = tuple(item.id for item, p in pairs if _is_unsafe(item, p.label, writes))
    return Score(
        n=len(pairs),
        action_accuracy=_share([_same_action(item, p.label) for item, p in pairs]),
        exact=_share(list(right.values())),
        unsafe=len(unsafe),
        missed=sum(item.expect.outcome != "unclear" and p.label.outcome == "unclear" for item, p in pairs),
        per_kind={kind: _share(values) for kind, values in sorted(kinds.items())},
        p50_ms=round(times[len(times) // 2], 3),
        p99_ms=round(times[min(len(times) - 1, int(len(times) * 0.99))], 3),
        failed=tuple(item.id for item in items if not right[item.id]),
        unsafe_ids=unsafe,
    )


def _turn(turn: Earlier) -> Turn:
    if turn.did is None:
        return Turn(say=turn.say)
    return Turn(say=turn.say, action=turn.did.action, parameters=turn.did.params)


def _share(values: Sequence[bool]) -> float:
    return round(sum(values) / len(values), 4)


def _same_action(item: Item, got: Label) -> bool:
    return any((good.outcome, good.action) == (got.outcome, got.action) for good in (item.expect, *item.also))


def _same(good: Label, got: Label) -> bool:
    if (good.outcome, good.action) != (got.outcome, got.action):
        return False
    return _comparable(good.params) == _comparable(got.params) and set(good.missing) == set(got.missing)


def _comparable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _length(value) if name in _LENGTHS else str(value).casefold()
        for name, value in parameters.items()
        if name not in _LOOSE and value is not None
    }


def _length(value: Any) -> Any:
    try:
        return parse_duration(value)
    except ValueError:
        return str(value).casefold()


def _is_unsafe(item: Item, got: Label, writes: Collection[str]) -> bool:
    if got.outcome == "unclear" or got.action not in writes:
        return False
    return not any(_is_within(good, got) for good in (item.expect, *item.also))


def _is_within(good: Label, got: Label) -> bool:
    """Whether a proposed change goes no further than a label: the same verb, and no target that the label does not have."""
    if good.action != got.action:
        return False
    meant, proposed = _comparable(good.params), _comparable(got.params)
    if any(name in proposed for name in good.missing):
        return False
    return all(proposed[name] == meant.get(name) for name in _TARGETS if name in proposed)
