"""What earlier turns of a thread lend to a message: "it", "the same", "again", "and staging?", an answer to a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from actions.core.action import Risk
from actions.core.catalog import Catalog
from actions.core.kinds import Kind
from actions.core.ports.messaging import Turn
from actions.core.request import Source
from intents.acts import act_of
from intents.clauses import Piece
from intents.lexicon import stem, word_set
from intents.meaning import Asks, Lacks, Message, Unclear
from intents.slots import Filler
from intents.spoken import ACTIVE, Act, IsHead
from intents.strangers import Strangers
from intents.training import Verb
from intents.values import Found

_POINTERS = word_set("thread.pointers")
_FOLLOWING = word_set("thread.following") | word_set("acts.openers")
_AGAIN = word_set("thread.again")
_AGAIN_NEEDS = frozenset({"again", "retry", "repeat", "redo", "rerun", "another", "more"})
_CORRECTS = word_set("thread.corrects")
_FEW = 2
_MARKS = frozenset({",", ".", "!", ";", ":", "-", "—", "–", "…", "..", "...", "\n", "(", ")"})  # noqa: RUF001 - as typed
_UNSURE_ACTS = frozenset({Act.NEGATED, Act.CONDITION, Act.HYPOTHETICAL, Act.OPINION})
_VALUE = Piece("<value>", "<value>", Found(0, 0, {}))


@dataclass(frozen=True, slots=True)
class Before:
    """The turn that a message may refer to.

    Attributes:
        verb: what was asked for.
        parameters: with which values.
        missing: what was still asked back for; none where it was done.
    """

    verb: Verb
    parameters: Mapping[str, JsonValue]
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class Borrowed:
    """Parameters with where each came from."""

    parameters: dict[str, JsonValue] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)


def turns_before(
    thread: Sequence[Turn], catalog: Catalog, read: Callable[[Message, Sequence[Turn]], Asks | Lacks | Unclear]
) -> list[Before]:
    """What was asked for earlier in a thread, newest first; a turn of which nothing came is read again."""
    found: list[Before] = []
    for at in range(len(thread) - 1, max(-1, len(thread) - 5), -1):
        turn = thread[at]
        if turn.action is not None and turn.action in catalog:
            found.append(_before(catalog[turn.action], turn))
        elif turn.action is None and at == len(thread) - 1:
            meaning = read(Message(text=turn.say, by=turn.by), thread[:at])
            if isinstance(meaning, Lacks):
                found.append(Before(catalog[meaning.action], meaning.parameters, meaning.missing))
    return found


def _before(verb: Verb, turn: Turn) -> Before:
    """An earlier turn, without parameters that the verb no longer has."""
    known = {name: value for name, value in turn.parameters.items() if name in verb.model_fields and value is not None}
    return Before(verb, known, turn.missing)


def points_back(parts: Sequence[Piece]) -> bool:
    """Whether a message has a word that stands for something said before."""
    return any(piece.word in _POINTERS for piece in parts)


def is_fragment(parts: Sequence[Piece], listed: frozenset[str] = frozenset()) -> bool:
    """Whether a message is only values and words such as "and", "what about", "instead": it completes an earlier one.

    Args:
        parts: the message.
        listed: words that are values of the earlier verb, such as "canary".
    """
    words = [piece.word for piece in parts if piece.found is None and not piece.is_mark]
    for segment in segments(parts):
        if any(piece.found for piece in segment) and {p.word for p in segment} & word_set("thread.praise"):
            return False
    if {"instead", "rather"} & set(words):
        words = [word for word in words if word not in word_set("thread.gives")]
    valued = any(piece.found for piece in parts) or bool(set(words) & listed)
    if set(words) & _AGAIN_NEEDS:
        words = [word for word in words if word not in _AGAIN]
    return valued and all(word in _FOLLOWING or word in listed for word in words)


def without_remarks(parts: Sequence[Piece], is_head: IsHead, listed: frozenset[str]) -> Sequence[Piece]:
    """What is left without remarks: "works fine there, now production" → "now production".

    Args:
        parts: the message.
        is_head: whether a word is the verb of something that can be asked for.
        listed: words that are values of the earlier verb, such as "canary".
    """
    kept: list[Sequence[Piece]] = []
    said = segments(parts)
    for segment in said:
        act = act_of(tuple(segment), is_head)
        if act in _UNSURE_ACTS or any(piece.word == "?" for piece in segment):
            return parts
        known = is_again(segment, listed) or is_fragment([*segment, _VALUE], listed)
        if known or act in ACTIVE or any(piece.found for piece in segment):
            kept.append(segment)
    if any(piece.found for segment in kept for piece in segment):
        kept = [segment for segment in kept if not is_again(segment, listed)]
    if not kept or len(kept) == len(said):
        return parts
    return [piece for segment in kept for piece in (*segment, Piece(",", ","))][:-1]


def segments(parts: Sequence[Piece]) -> list[Sequence[Piece]]:
    """The parts of a message between its marks."""
    found: list[list[Piece]] = [[]]
    for piece in parts:
        if piece.word in _MARKS:
            found.append([])
        else:
            found[-1].append(piece)
    return [segment for segment in found if segment]


def takes_back(parts: Sequence[Piece]) -> bool:
    """Whether a message ends by taking back what it asked for: "roll it back… hang on, don't"."""
    said = segments(parts)
    while len(said) > 1 and {piece.word for piece in said[-1]} <= {"thanks", "sorry", "please", "cheers"}:
        said = said[:-1]
    last = [piece.word for piece in said[-1]]
    before = any(piece.found or len(segment) > _FEW for segment in said[:-1] for piece in segment)
    return before and set(last) <= word_set("thread.retraction") and bool(set(last) & word_set("thread.retracts"))


def is_again(parts: Sequence[Piece], named: frozenset[str] = frozenset()) -> bool:
    """Whether a message says no more than "once more".

    Args:
        parts: the message.
        named: words for the earlier verb, so that "another restart" is a restart again.
    """
    words = {piece.word for piece in parts if not piece.is_mark and piece.stem not in named}
    return bool(words & _AGAIN_NEEDS) and words <= _AGAIN


def repeated(parts: Sequence[Piece], earlier: Sequence[Before]) -> Before:
    """The earlier request that a message speaks of again: the last one, or the last of the verb that it names."""
    stems = {piece.stem for piece in parts}
    if stems & _AGAIN_NEEDS:
        return next((before for before in earlier if stems & name_stems(before.verb)), earlier[0])
    return earlier[0]


def is_repetition(parts: Sequence[Piece]) -> bool:
    """Whether a message has a word such as "again"."""
    return any(piece.word in _AGAIN_NEEDS for piece in parts)


def name_stems(verb: Verb) -> frozenset[str]:
    """The words of a verb's name, without endings."""
    return frozenset(stem(word) for word in verb.policy.name.split("_"))


def is_inquiry(parts: Sequence[Piece]) -> bool:
    """Whether a fragment asks: "and staging?", "what about staging"."""
    words = [piece.word for piece in parts]
    return ("about" in words or "?" in words) and "same" not in words and "please" not in words


def corrects(parts: Sequence[Piece]) -> bool:
    """Whether a fragment puts the last request right: "sorry, staging"."""
    return bool({piece.word for piece in parts} & _CORRECTS)


def replaced(before: Before, parts: Sequence[Piece], filler: Filler) -> Borrowed | None:
    """The earlier request with the values of a fragment in place of its own; None where they do not fit it."""
    filled = filler.fill(parts)
    if filled.ambiguous or not filled.parameters or filled.unused:
        return None
    if set(filled.parameters) - set(before.verb.model_fields):
        return None
    borrowed = Borrowed()
    moved = any(before.verb.kind_of(name) is Kind.SERVICE for name in filled.parameters)
    for name, value in before.parameters.items():
        bound = before.verb.kind_of(name) in {Kind.PIPELINE, Kind.REQUEST} and moved
        if name in before.verb.model_fields and not bound:
            borrowed.parameters[name], borrowed.sources[name] = value, Source.THREAD
    for name, value in filled.parameters.items():
        borrowed.parameters[name], borrowed.sources[name] = value, Source.SAID
    if {"from", "there"} <= {piece.word for piece in parts}:
        _leave_from(before, filled.parameters, borrowed)
    return borrowed


def _leave_from(before: Before, said: Mapping[str, JsonValue], borrowed: Borrowed) -> None:
    """For what moves between places, "from there" is where it went to before."""
    places = [name for name in before.verb.model_fields if before.verb.kind_of(name) is Kind.ENVIRONMENT]
    target = next((name for name in places if name in said and before.verb.model_fields[name].is_required()), None)
    for name in places:
        if target and name not in said and target in before.parameters:
            borrowed.parameters[name], borrowed.sources[name] = before.parameters[target], Source.THREAD


def completed(
    verb: Verb,
    said: Mapping[str, JsonValue],
    parts: Sequence[Piece],
    earlier: Sequence[Before],
    odd: Strangers = Strangers((), ()),  # noqa: B008 - a tuple
) -> Borrowed:
    """A request's own values, with those that it takes from earlier turns.

    Nothing is taken that would be a guess: an optional version, the target of what has a source too, a place for a
    service that was not spoken of before, or anything where an unknown name stands.
    """
    result = Borrowed(dict(said), dict.fromkeys(said, Source.SAID))
    if not earlier:
        return result
    pointing = points_back(parts)
    words = {piece.word for piece in parts}
    kinds = {name: verb.kind_of(name) for name in verb.model_fields}
    service = next((name for name, kind in kinds.items() if kind is Kind.SERVICE), None)
    spoken = said.get(service) if service else None
    same = (b for b in earlier if spoken is not None and _value(b, Kind.SERVICE) == spoken)
    source = next(same, None) or next(
        (b for b in earlier if service is None or _value(b, Kind.SERVICE) is not None), earlier[0]
    )
    if (
        spoken is not None
        and _value(source, Kind.SERVICE) != spoken
        and not words & {"same", "too", "also", "there", "likewise"}
    ):
        return result
    barred = {Kind.ENVIRONMENT} if odd.places else set()
    if odd.names and not pointing:
        barred |= {Kind.SERVICE, Kind.PERSON, Kind.ROLE}
    for name, kind in kinds.items():
        long = kind is Kind.DURATION and {"that", "long"} <= words
        if not long and (
            kind in barred
            or name in result.parameters
            or kind in {Kind.TEXT, Kind.TOPIC, Kind.VERB, Kind.DURATION, Kind.TEAM, Kind.REF}
        ):
            continue
        value = _value(source, kind, name)
        if value is not None and _lends(verb, name, kind, kinds, words, pointing=pointing, spoken=spoken is not None):
            result.parameters[name], result.sources[name] = value, Source.THREAD
    return result


def _lends(
    verb: Verb, name: str, kind: Kind, kinds: Mapping[str, Kind], words: set[str], *, pointing: bool, spoken: bool
) -> bool:
    required = verb.model_fields[name].is_required()
    risky = verb.policy.risk is not Risk.READ
    if kind is Kind.ENVIRONMENT:
        if sum(k is Kind.ENVIRONMENT for k in kinds.values()) > 1:
            return "there" in words and required
        return required or (pointing and "its" not in words and not risky and not spoken) or (risky and pointing)
    if kind is Kind.VERSION:
        return required
    if kind in {Kind.SERVICE, Kind.PERSON, Kind.ROLE}:
        return required or pointing
    return pointing or not spoken


def _value(before: Before, kind: Kind, name: str = "") -> JsonValue:
    if name in before.parameters and before.verb.kind_of(name) is kind:
        return before.parameters[name]
    for own, value in before.parameters.items():
        if own in before.verb.model_fields and before.verb.kind_of(own) is kind:
            return value
    return None
