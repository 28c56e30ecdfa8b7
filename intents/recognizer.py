"""The local recogniser: grammar for what is plain, a small statistical model for the rest, and a refusal to guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from actions.core.catalog import Catalog
from actions.core.kinds import NAMES, Kind
from actions.core.organization import Organization
from actions.core.ports.messaging import Turn
from actions.core.request import Origin
from intents.acts import is_later
from intents.classifier import features
from intents.clauses import Piece, pieces
from intents.entities import Names
from intents.grammar import Grammar
from intents.hostile import is_hostile
from intents.lexicon import word_set
from intents.meaning import Asks, Hint, Lacks, Meaning, Message, Unclear
from intents.model import Model
from intents.readings import Judged, Reader, Reading
from intents.spoken import ACTIVE, Act
from intents.strangers import spoken_of_all, spoken_of_everything, strangers
from intents.text import own_words
from intents.thread import (
    Before,
    completed,
    corrects,
    is_again,
    is_fragment,
    is_inquiry,
    is_repetition,
    name_stems,
    repeated,
    replaced,
    segments,
    takes_back,
    turns_before,
    without_remarks,
)
from intents.training import NONE, Verb

_LONGEST = 300
"""Words and marks; nobody asks for something in more."""
_NO = frozenset({"no", "nope", "nah", "no thanks", "never mind", "nevermind", "forget it"})
"""Leaves the question that Shipmate asked back unanswered."""
_HINTS = {
    Act.NEGATED: Hint.NEGATED,
    Act.CONDITION: Hint.CONDITIONAL,
    Act.REPORTED: Hint.REPORTED,
    Act.HYPOTHETICAL: Hint.HYPOTHETICAL,
    Act.OPINION: Hint.HYPOTHETICAL,
    Act.LATER: Hint.LATER,
}
REASONS = {
    Hint.EMPTY: "Say what you want done; `help` shows what I can do.",
    Hint.THANKS: "You are welcome.",
    Hint.GREETING: "Hello! `help` shows what I can do.",
    Hint.NEGATED: "I read that as something not to do, so I leave it.",
    Hint.CONDITIONAL: "That depends on something I do not watch for you; tell me when it is so.",
    Hint.REPORTED: "I read that as news, not as a request.",
    Hint.HYPOTHETICAL: "That is yours to decide; tell me plainly what to do.",
    Hint.LATER: "I read that as something for later, so I do nothing now.",
    Hint.QUOTED: "All of that was quoted; say in your own words what to do.",
    Hint.HOSTILE: "I do not take instructions of that kind.",
    Hint.SEVERAL: "I do one thing at a time; tell me each by itself.",
    Hint.AMBIGUOUS: "I am not sure which you mean.",
    Hint.OUT_OF_SCOPE: "I do not know how to do that. `help` shows what I can do.",
}


class Recognizer:
    """Reads messages by a catalogue and an organization, without a language model.

    Args:
        catalog: the verbs.
        organization: the names.
        cache: the directory in which what was learned from a catalogue is kept; None keeps nothing.
    """

    def __init__(self, catalog: Catalog, organization: Organization, cache: Path | None = None) -> None:
        self._catalog = catalog
        self._organization = organization
        self._model = Model.kept(catalog, cache)
        self._names = Names.of(organization, self._model.vocabulary)
        self._grammar = Grammar(catalog)
        self._reader = Reader(catalog, self._model, self._grammar)
        self.recognize(Message(text="would you pleese read your tables now?"))  # so that the first person need not wait

    def recognize(self, message: Message, thread: Sequence[Turn] = ()) -> Meaning:
        """What a message means after the earlier turns of its thread, oldest first."""
        words = own_words(message.text, self._names.is_person, self._by_handle)
        parts = pieces(words.tokens, self._names.find(words.tokens), self._model.mended)
        if not any(not piece.is_mark for piece in parts):
            return _unclear(Hint.QUOTED if words.quoted or message.quoted else Hint.EMPTY)
        if len(parts) > _LONGEST:
            return _unclear(Hint.OUT_OF_SCOPE)
        if is_hostile(words.text):
            return _unclear(Hint.HOSTILE)
        declined = bool(thread) and bool(thread[-1].missing) and " ".join(p.word for p in parts if not p.is_mark) in _NO
        if declined or takes_back(parts):
            return _unclear(Hint.NEGATED)
        return self._understood(parts, thread)

    def _understood(self, parts: Sequence[Piece], thread: Sequence[Turn]) -> Meaning:
        earlier = turns_before(thread, self._catalog, self.recognize) if thread else []
        plain = self._grammar.read(parts)
        if plain is not None and not (self._reader.is_risky(plain[0]) and self._is_hedged(plain[0], parts)):
            return self._complete(plain[0], plain[1], parts, earlier, origin=Origin.GRAMMAR)
        if self._model.is_idle(parts) and not earlier:
            return self._nothing(parts, ())
        followed = self._follow(parts, earlier)
        return followed or self._read(parts, earlier)

    def _is_hedged(self, verb: Verb, parts: Sequence[Piece]) -> bool:
        """Whether a change in the plain grammar is only asked about, or put off in the free text that the verb takes."""
        if any(piece.word == "?" for piece in parts):
            return True
        free = any(verb.kind_of(name) is Kind.TEXT and not verb.choices_of(name) for name in verb.required())
        return free and any(item.conditional or is_later(item.clause) for item in self._reader.judge(parts))

    def _follow(  # noqa: PLR0911 - one return a case
        self, parts: Sequence[Piece], earlier: Sequence[Before]
    ) -> Meaning | None:
        """The meaning of a message that only completes, repeats or corrects an earlier one."""
        if not earlier:
            return None
        last = repeated(parts, earlier)
        named = name_stems(last.verb)
        listed = self._reader.filler(last.verb).choice_words | (named if is_repetition(parts) else frozenset())
        parts = without_remarks(parts, self._model.is_head, listed)
        repeats = [is_again(segment, named) for segment in segments(parts)]
        if all(repeats) and (
            self._reader.is_risky(last.verb)
            or {p.word for p in parts} <= {"again", "same", "the", "please", "once", "more", ","}
        ):
            return self._complete(last.verb, dict(last.parameters), parts, [], confidence=0.8)
        short = self._model.follow_up(last.verb.policy.name, parts)
        odd = strangers(parts, self._names.knows, self._model.means).every
        if short is not None and short in self._catalog and not odd:
            return self._complete(self._catalog[short], {}, [*parts, Piece("it", "it")], earlier, confidence=0.8)
        if not is_fragment(parts, listed):
            return None
        if is_inquiry(parts) and self._reader.is_risky(last.verb) and not last.missing and not corrects(parts):
            return None
        borrowed = replaced(last, parts, self._reader.filler(last.verb))
        if borrowed is None:
            return None
        lacking = tuple(n for n in last.verb.required() if n not in borrowed.parameters)
        kind = {"parameters": borrowed.parameters, "sources": borrowed.sources, "confidence": 0.8}
        if lacking:
            return Lacks(action=last.verb.policy.name, missing=lacking, **kind)
        return Asks(action=last.verb.policy.name, **kind)

    def _read(self, parts: Sequence[Piece], earlier: Sequence[Before]) -> Meaning:
        judged = self._reader.judge(parts)
        readings = [reading for item in judged if (reading := self._reader.reading(item, judged, earlier)) is not None]
        readings = [reading for reading in readings if not self._decides_nothing(reading, earlier)]
        if any(r.judged.act in ACTIVE and self._reader.headed(r.judged) for r in readings):
            readings = [r for r in readings if self._reader.headed(r.judged) or any(p.found for p in r.judged.clause)]
        readings = [r for r in readings if not self._is_doubted(r, judged, earlier)]
        writes = [r for r in readings if self._reader.is_risky(r.verb)]
        asked = {
            (r.verb.policy.name, str(sorted(r.filled.parameters.items()))) for r in writes if r.judged.act in ACTIVE
        }
        if len(asked) > 1:
            merged = _one_request(writes)
            if merged is None:
                return self._ambiguous(writes)
            readings = [merged]
        best = max(readings, key=self._rank, default=None)
        if best is None:
            return self._nothing(parts, judged)
        _complete_from(best, readings)
        lacking = set(best.verb.required()) - set(best.filled.parameters)
        able = best.judged.act is Act.REQUEST and "?" in {p.word for p in best.judged.clause}
        if able and len(lacking) > 1 and not earlier and not _names_target(best):
            return _unclear(Hint.AMBIGUOUS, best.verb.policy.examples[:1])
        if best.filled.several and self._reader.is_risky(best.verb):
            return _unclear(Hint.SEVERAL, best.verb.policy.examples[:1])
        if best.filled.ambiguous and self._reader.is_risky(best.verb):
            return self._which(best, parts)
        return self._complete(best.verb, best.filled.parameters, parts, earlier, confidence=best.confidence)

    def _is_doubted(self, reading: Reading, judged: Sequence[Judged], earlier: Sequence[Before]) -> bool:
        """Whether a change stands beside a question of what to do, or names nothing where other clauses do, or is only told."""
        if not self._reader.is_risky(reading.verb):
            return False
        acts = {item.act for item in judged}
        given = reading.filled.parameters
        named = any(piece.found for item in judged if item is not reading.judged for piece in item.clause)
        told = (
            reading.judged.act is Act.STATEMENT
            and not set(reading.verb.required()) <= set(given)
            and not _points(reading)
        )
        return Act.OPINION in acts or told or (not given and (named or (Act.NEGATED in acts and not earlier)))

    def _rank(self, reading: Reading) -> tuple[bool, float]:
        """What is asked for comes before what is told, but a bare "show me" not before a question with names."""
        telling = self._reader.is_risky(reading.verb) or any(piece.found for piece in reading.judged.clause)
        return reading.judged.act in ACTIVE and telling, reading.confidence

    def _decides_nothing(self, reading: Reading, earlier: Sequence[Before]) -> bool:
        """Whether words of consent such as "good to know" follow upon nothing that anybody could decide about."""
        decides = reading.verb.policy.control and "request" in reading.verb.model_fields
        if not decides or not earlier or "request" in reading.filled.parameters:
            return False
        named = any(piece.stem in name_stems(reading.verb) for piece in reading.judged.clause)
        return not named and not any(self._reader.is_risky(turn.verb) for turn in earlier)

    def _complete(
        self,
        verb: Verb,
        parameters: Mapping[str, JsonValue],
        parts: Sequence[Piece],
        earlier: Sequence[Before],
        *,
        origin: Origin = Origin.STATISTICAL,
        confidence: float = 1.0,
    ) -> Meaning:
        """An action with what it takes from the thread: asked for, or lacking something."""
        taken = {str(value) for name, value in parameters.items() if verb.kind_of(name) is Kind.PLAYBOOK}
        odd = strangers(parts, self._names.knows, self._model.means).without(taken)
        borrowed = completed(verb, parameters, parts, earlier, odd)
        missing = tuple(name for name in verb.required() if name not in borrowed.parameters)
        told = tuple(f"I know no “{word}” here." for word in odd.every)
        if odd.every and not missing and self._is_unbounded(verb, borrowed.parameters, parts):
            return Unclear(hint=Hint.AMBIGUOUS, reason=" ".join(told))
        if missing and self._is_of_everything(verb, missing, parts):
            return _unclear(Hint.SEVERAL, verb.policy.examples[:1])
        if missing:
            return Lacks(
                action=verb.policy.name,
                parameters=borrowed.parameters,
                sources=borrowed.sources,
                origin=origin,
                confidence=confidence,
                missing=missing,
                suggestions=told if {verb.kind_of(name) for name in missing} & NAMES else (),
            )
        return Asks(
            action=verb.policy.name,
            parameters=borrowed.parameters,
            sources=borrowed.sources,
            origin=origin,
            confidence=confidence,
        )

    def _is_unbounded(self, verb: Verb, parameters: Mapping[str, JsonValue], parts: Sequence[Piece]) -> bool:
        """Whether a change would cover everything although everything was not spoken of."""
        scope = [n for n in verb.model_fields if verb.kind_of(n) in {Kind.SERVICE, Kind.ENVIRONMENT}]
        open_ended = bool(scope) and not any(name in parameters for name in scope)
        return self._reader.is_risky(verb) and open_ended and not spoken_of_everything(parts)

    def _is_of_everything(self, verb: Verb, missing: Sequence[str], parts: Sequence[Piece]) -> bool:
        """Whether a change of one service was asked for all of them."""
        unnamed = any(verb.kind_of(name) is Kind.SERVICE for name in missing)
        return unnamed and self._reader.is_risky(verb) and spoken_of_all(parts)

    def _which(self, reading: Reading, parts: Sequence[Piece]) -> Meaning:
        """A change whose name may be several: asked back for, with the names."""
        told = tuple(f"Did you mean {' or '.join(names)}?" for names in reading.filled.ambiguous.values())
        required = [name for name in reading.verb.required() if name in reading.filled.ambiguous]
        if not required:
            return _unclear(Hint.AMBIGUOUS, told)
        meaning = self._complete(reading.verb, reading.filled.parameters, parts, (), confidence=reading.confidence)
        return meaning.model_copy(update={"suggestions": told}) if isinstance(meaning, Lacks) else meaning

    def _ambiguous(self, readings: Iterable[Reading]) -> Unclear:
        return _unclear(
            Hint.AMBIGUOUS, tuple(dict.fromkeys(r.verb.policy.examples[0] for r in readings if r.verb.policy.examples))
        )

    def _nothing(self, parts: Sequence[Piece], judged: Sequence[Judged]) -> Unclear:
        """Why nothing is to be done, as well as that can be told."""
        if {piece.word for piece in parts} & {"thanks", "thank", "cheers"}:
            return _unclear(Hint.THANKS)
        for item in judged:
            if item.conditional:
                return _unclear(Hint.CONDITIONAL)
            if item.act in _HINTS:
                return _unclear(_HINTS[item.act])
        guesses = self._model.classifier.guesses(features(parts))
        top = guesses[0].label if guesses else ""
        if top.startswith(NONE) and top.removeprefix(NONE) in {str(hint) for hint in Hint}:
            return _unclear(Hint(top.removeprefix(NONE)), confidence=guesses[0].likelihood)
        near = [self._catalog[guess.label].policy.examples for guess in guesses[:3] if not guess.label.startswith(NONE)]
        return _unclear(Hint.OUT_OF_SCOPE, tuple(examples[0] for examples in near if examples))

    def _by_handle(self, handle: str) -> str | None:
        person = self._organization.person_by_slack(handle)
        return person.name if person else None


def _names_target(reading: Reading) -> bool:
    """Whether a request says what it is about; "can you deploy to production?" only asks what can be done."""
    return any(reading.verb.kind_of(name) in {Kind.SERVICE, Kind.PERSON} for name in reading.filled.parameters)


def _one_request(readings: Sequence[Reading]) -> Reading | None:
    """Several clauses that are one request: each says a part, and none contradicts another."""
    if len({r.verb.policy.name for r in readings}) > 1:
        return None
    first = max(readings, key=lambda r: r.confidence)
    together: dict[str, JsonValue] = {}
    for reading in readings:
        for name, value in reading.filled.parameters.items():
            if together.setdefault(name, value) != value:
                return None
    first.filled.parameters = together
    return first


def _points(reading: Reading) -> bool:
    return any(piece.word in word_set("thread.pointers") for piece in reading.judged.clause)


def _complete_from(best: Reading, readings: Sequence[Reading]) -> None:
    """Add what other clauses that ask for the same say besides: "nobody ships to live for 24h, lock it down"."""
    for other in readings:
        if other is not best and other.verb is best.verb:
            said, own = other.filled.parameters, best.filled.parameters
            if all(own.get(name, value) == value for name, value in said.items()):
                own.update(said)


def _unclear(hint: Hint, suggestions: tuple[str, ...] = (), *, confidence: float = 1.0) -> Unclear:
    return Unclear(hint=hint, reason=REASONS[hint], suggestions=suggestions, confidence=confidence)
