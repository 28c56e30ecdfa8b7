"""The local recogniser: grammar for what is plain, a small statistical model for the rest, and a refusal to guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from actions.core.action import Risk
from actions.core.catalog import Catalog
from actions.core.kinds import NAMES, Kind
from actions.core.organization import Organization
from actions.core.ports.messaging import Turn
from actions.core.request import Origin
from intents.acts import Act, act_of, is_later, undenied
from intents.classifier import Guess, features
from intents.clauses import Clause, Piece, pieces, sentences
from intents.entities import Names
from intents.grammar import Grammar
from intents.hostile import is_hostile
from intents.lexicon import STOP
from intents.meaning import Asks, Hint, Lacks, Meaning, Message, Unclear
from intents.model import Model, first_word
from intents.slots import Filled, Filler, split_reason
from intents.strangers import spoken_of_everything, strangers
from intents.text import own_words
from intents.thread import (
    Before,
    completed,
    corrects,
    is_again,
    is_fragment,
    is_inquiry,
    last_words,
    replaced,
    turns_before,
)
from intents.training import NONE, Verb, risky

_SURE_WRITE = 0.27
_SURE_READ = 0.26
_SURE_STATEMENT = 0.5
_SURE_BARE = 0.6
_SURE_TOLD = 0.75
_MISFIT = 0.3
_HEADED = 2.5
_TERSE = 3
_SUPPORT = 0.1
_LONGEST = 300
"""Words and marks; nobody asks for something in more."""
_CERTAIN = 0.8
_FAMILIAR = 0.45
_AHEAD = 1.7
_CLEAR = 2.0
_FAR = 2.5
_MILES = 4.0
_UNSURE = 0.15
_SURE_TITLE = 0.4
_HARMLESS = frozenset({Kind.DURATION, Kind.REF, Kind.TEAM})
_MENTIONED = frozenset({Kind.VERSION, Kind.ENVIRONMENT, Kind.PERSON, Kind.SERVICE, Kind.ROLE})
_ACTIVE = frozenset({Act.COMMAND, Act.REQUEST, Act.WISH})
_BARRED = {
    Act.QUESTION: (Hint.REPORTED, Hint.NEGATED, Hint.AMBIGUOUS, Hint.HYPOTHETICAL),
    Act.COMMAND: (Hint.REPORTED, Hint.HYPOTHETICAL),
    Act.REQUEST: (Hint.REPORTED, Hint.HYPOTHETICAL, Hint.NEGATED),
    Act.WISH: (Hint.REPORTED, Hint.HYPOTHETICAL),
}
_HINTS = {
    Act.NEGATED: Hint.NEGATED,
    Act.CONDITION: Hint.CONDITIONAL,
    Act.REPORTED: Hint.REPORTED,
    Act.HYPOTHETICAL: Hint.HYPOTHETICAL,
    Act.OPINION: Hint.HYPOTHETICAL,
    Act.LATER: Hint.LATER,
}
REASONS = {
    Hint.EMPTY: "There was nothing to read.",
    Hint.THANKS: "You are welcome.",
    Hint.GREETING: "Hello! `help` shows what I can do.",
    Hint.NEGATED: "I read that as something not to do, so I leave it.",
    Hint.CONDITIONAL: "That depends on something I do not watch for you; tell me when it is so.",
    Hint.REPORTED: "I read that as news, not as a request.",
    Hint.HYPOTHETICAL: "That is yours to decide; tell me plainly what to do.",
    Hint.LATER: "I read that as something for later, so I do nothing now.",
    Hint.QUOTED: "All of that was quoted; say in your own words what to do.",
    Hint.HOSTILE: "I do not take instructions of that kind.",
    Hint.AMBIGUOUS: "I am not sure which you mean.",
    Hint.OUT_OF_SCOPE: "I do not know how to do that. `help` shows what I can do.",
}


@dataclass(frozen=True, slots=True)
class _Judged:
    clause: Clause
    act: Act
    conditional: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    verb: Verb
    filled: Filled
    confidence: float
    judged: _Judged


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
        self._fillers: dict[str, Filler] = {}
        self._risky = risky(catalog)
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
        return self._understood(parts, thread)

    def _understood(self, parts: Sequence[Piece], thread: Sequence[Turn]) -> Meaning:
        earlier = turns_before(thread, self._catalog, self.recognize) if thread else []
        plain = self._grammar.read(parts)
        if plain is not None and not (any(p.word == "?" for p in parts) and self._is_risky(plain[0])):
            return self._complete(plain[0], plain[1], parts, earlier, origin=Origin.GRAMMAR)
        followed = self._follow(parts, earlier)
        return followed or self._read(parts, earlier)

    def _follow(  # noqa: PLR0911 - one return a case
        self, parts: Sequence[Piece], earlier: Sequence[Before]
    ) -> Meaning | None:
        """The meaning of a message that only completes, repeats or corrects an earlier one."""
        if not earlier:
            return None
        last = earlier[0]
        if is_again(last_words(parts)) and (
            self._is_risky(last.verb)
            or {p.word for p in last_words(parts)} <= {"again", "same", "the", "please", "once", "more"}
        ):
            return self._complete(last.verb, dict(last.parameters), parts, [], confidence=0.8)
        short = self._model.follow_up(last.verb.policy.name, parts)
        odd = strangers(parts, self._names.knows, self._model.means).every
        if short is not None and short in self._catalog and not odd:
            return self._complete(self._catalog[short], {}, [*parts, Piece("it", "it")], earlier, confidence=0.8)
        parts = last_words(parts)
        if not is_fragment(parts):
            return None
        if is_inquiry(parts) and self._is_risky(last.verb) and not last.missing and not corrects(parts):
            return None
        borrowed = replaced(last, parts, self._filler(last.verb))
        if borrowed is None:
            return None
        lacking = tuple(n for n in last.verb.required() if n not in borrowed.parameters)
        kind = {"parameters": borrowed.parameters, "sources": borrowed.sources, "confidence": 0.8}
        if lacking:
            return Lacks(action=last.verb.policy.name, missing=lacking, **kind)
        return Asks(action=last.verb.policy.name, **kind)

    def _read(self, parts: Sequence[Piece], earlier: Sequence[Before]) -> Meaning:
        judged = self._judge(parts)
        readings = [reading for item in judged if (reading := self._reading(item, judged, earlier)) is not None]
        writes = [r for r in readings if self._is_risky(r.verb)]
        if (
            len(
                {
                    (r.verb.policy.name, str(sorted(r.filled.parameters.items())))
                    for r in writes
                    if r.judged.act in _ACTIVE
                }
            )
            > 1
        ):
            merged = _one_request(writes)
            if merged is None:
                return self._ambiguous(writes)
            readings = [merged]
        best = max(readings, key=lambda r: (r.judged.act in _ACTIVE, r.confidence), default=None)
        if best is None:
            return self._nothing(parts, judged)
        lacking = set(best.verb.required()) - set(best.filled.parameters)
        able = best.judged.act is Act.REQUEST and "?" in {p.word for p in best.judged.clause}
        if able and len(lacking) > 1 and not earlier and not _names_target(best):
            return _unclear(Hint.AMBIGUOUS, best.verb.policy.examples[:1])
        if best.filled.ambiguous and self._is_risky(best.verb):
            return self._which(best, parts)
        return self._complete(best.verb, best.filled.parameters, parts, earlier, confidence=best.confidence)

    def _judge(self, parts: Sequence[Piece]) -> list[_Judged]:
        result: list[_Judged] = []
        for sentence in sentences(parts, self._model.is_head):
            clauses = [undenied(clause) for clause in sentence]
            acts = [act_of(clause, self._model.is_head) for clause in clauses]
            conditional = Act.CONDITION in acts
            for clause, act in zip(clauses, acts, strict=True):
                bare, reason = split_reason(clause)
                result.append(_Judged(bare, act, conditional, reason))
        return result

    def _reading(self, item: _Judged, every: Sequence[_Judged], earlier: Sequence[Before]) -> _Reading | None:
        """The best reading of a clause that may ask for something; None where it does not."""
        if (
            item.act in {Act.CONDITION, Act.REPORTED, Act.HYPOTHETICAL, Act.LATER, Act.OPINION, Act.POLITE}
            or not item.clause
        ):
            return None
        skipped = {Act.NEGATED, Act.CONDITION, Act.POLITE, Act.HYPOTHETICAL}
        context = [
            piece
            for other in every
            if other is not item and (other.act not in skipped or _complains(other))
            for piece in other.clause
        ]
        reason = next((other.reason for other in every if other.reason), "")
        ranked = self._ranked(item, context, reason, earlier)
        if not ranked:
            return None
        confidence, guess, filled = ranked[0]
        if guess.label.startswith(NONE) or filled is None:
            return None
        verb = self._catalog[guess.label]
        if self._model.familiarity(item.clause) < _FAMILIAR:
            return None
        lead = confidence / ranked[1][0] if len(ranked) > 1 and ranked[1][0] else _FAR
        bare = not filled.parameters and not earlier
        core = _from_head(item.clause) if self._headed(item) else item.clause
        wordy = sum(p.word not in STOP for p in core if not p.is_mark) > _TERSE
        plain = guess.label in self._headed(item) and not any(o.act is Act.NEGATED for o in every)
        unsure = (
            wordy or not (verb.required() or plain)
            if self._is_risky(verb)
            else confidence < _SURE_BARE and lead < _MILES
        )
        if bare and unsure and not any(piece.found for piece in item.clause):
            return None
        return _Reading(verb, filled, min(1.0, confidence), item) if self._may(verb, item, confidence, lead) else None

    def _ranked(
        self, item: _Judged, context: Sequence[Piece], reason: str, earlier: Sequence[Before]
    ) -> list[tuple[float, Guess, Filled | None]]:
        headed = self._headed(item)
        core = _from_head(item.clause) if headed else item.clause
        guesses = self._possible(item.act, self._model.classifier.guesses(features(core, context)))
        scored: list[tuple[float, Guess, Filled | None]] = []
        for guess in guesses[:6]:
            if guess.label.startswith(NONE):
                scored.append((guess.likelihood, guess, None))
                continue
            verb = self._catalog[guess.label]
            filled = self._filler(verb).fill(item.clause, context, reason)
            harmless = _HARMLESS if self._is_risky(verb) else _HARMLESS | _MENTIONED
            misfits = [kind for kind in filled.unused if kind not in harmless]
            likelihood = guess.likelihood * _MISFIT ** len(misfits) * (_HEADED if guess.label in headed else 1)
            scored.append((likelihood, guess, filled))
        return sorted(scored, key=lambda entry: -entry[0])

    def _headed(self, item: _Judged) -> frozenset[str]:
        """The verbs that the first telling word of a request names."""
        if item.act not in _ACTIVE:
            return frozenset()
        word = first_word(item.clause)
        return self._grammar.begun(word) or self._model.begun(word)

    def _possible(self, act: Act, guesses: Sequence[Guess]) -> list[Guess]:
        """The guesses that such an act leaves: a question asks for no change, a command is no report."""
        barred = {f"{NONE}{hint}" for hint in _BARRED.get(act, ())}
        if act in {Act.QUESTION, Act.OPINION}:
            barred |= self._risky
        kept = [guess for guess in guesses if guess.label not in barred]
        total = sum(guess.likelihood for guess in kept) or 1.0
        return [Guess(guess.label, guess.likelihood / total) for guess in kept]

    def _may(self, verb: Verb, item: _Judged, confidence: float, lead: float) -> bool:
        """Whether a clause of such a kind may be read as a verb.

        Args:
            verb: the verb.
            item: the clause.
            confidence: how likely the verb is.
            lead: how many times as likely as the next reading.
        """
        if not self._supported(verb, item):
            return False
        if not self._is_risky(verb):
            return self._may_read(item, confidence, lead)
        if item.conditional or item.act is Act.QUESTION or is_later(item.clause):
            return False
        says_not = any(p.word in {"not", "never", "nobody", "nothing"} for p in item.clause)
        if item.act is Act.NEGATED or (item.act is Act.STATEMENT and says_not):
            like = 0.3 if confidence >= _CERTAIN else 0.4 if lead >= _FAR else 0.6
            enough = (confidence >= _SURE_STATEMENT or lead >= _FAR) and item.clause[0].word not in {"you", "let"}
            return enough and self._model.says_not(verb.policy.name, item.clause, like)
        if item.act is Act.STATEMENT:
            return confidence >= _SURE_STATEMENT and lead >= _AHEAD
        return (confidence >= _SURE_WRITE and lead >= _AHEAD) or (confidence >= _UNSURE and lead >= _CLEAR)

    def _may_read(self, item: _Judged, confidence: float, lead: float) -> bool:
        """Whether a clause may be read as asking for something that changes nothing."""
        if item.act is Act.NEGATED or item.clause[-1].word in {"who", "what", "why", "which"}:
            return False
        if item.act is Act.OPINION:
            return confidence >= _SURE_TOLD and lead >= _FAR and not item.conditional
        if item.act is Act.STATEMENT:
            return confidence >= (_SURE_TITLE if self._is_elliptic(item.clause) else _SURE_TOLD)
        return confidence >= _SURE_READ or (confidence >= _UNSURE and lead >= _CLEAR)

    def _is_elliptic(self, clause: Clause) -> bool:
        """Whether a clause is no sentence but a title: "failed builds of search", "deploy log"."""
        return not any(
            p.word in {"i", "we", "you", "is", "am", "are", "was", "has", "have", "do", "it"} for p in clause
        )

    def _supported(self, verb: Verb, item: _Judged) -> bool:
        """Whether the words, and not only the values beside them, speak for a verb."""
        return self._model.classifier.support(features(item.clause), verb.policy.name) > _SUPPORT

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
        odd = strangers(parts, self._names.knows, self._model.means)
        borrowed = completed(verb, parameters, parts, earlier, odd)
        missing = tuple(name for name in verb.required() if name not in borrowed.parameters)
        told = tuple(f"I know no “{word}” here." for word in odd.every)
        if odd.every and not missing and self._is_unbounded(verb, borrowed.parameters, parts):
            return Unclear(hint=Hint.AMBIGUOUS, reason=" ".join(told))
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
        return self._is_risky(verb) and open_ended and not spoken_of_everything(parts)

    def _which(self, reading: _Reading, parts: Sequence[Piece]) -> Meaning:
        """A change whose name may be several: asked back for, with the names."""
        told = tuple(f"Did you mean {' or '.join(names)}?" for names in reading.filled.ambiguous.values())
        required = [name for name in reading.verb.required() if name in reading.filled.ambiguous]
        if not required:
            return _unclear(Hint.AMBIGUOUS, told)
        meaning = self._complete(reading.verb, reading.filled.parameters, parts, (), confidence=reading.confidence)
        return meaning.model_copy(update={"suggestions": told}) if isinstance(meaning, Lacks) else meaning

    def _ambiguous(self, readings: Iterable[_Reading]) -> Unclear:
        return _unclear(
            Hint.AMBIGUOUS, tuple(dict.fromkeys(r.verb.policy.examples[0] for r in readings if r.verb.policy.examples))
        )

    def _nothing(self, parts: Sequence[Piece], judged: Sequence[_Judged]) -> Unclear:
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

    def _filler(self, verb: Verb) -> Filler:
        name = verb.policy.name
        if name not in self._fillers:
            self._fillers[name] = Filler(verb, self._model.beside.get(name, {}))
        return self._fillers[name]

    def _is_risky(self, verb: Verb) -> bool:
        return verb.policy.risk is not Risk.READ

    def _by_handle(self, handle: str) -> str | None:
        person = self._organization.person_by_slack(handle)
        return person.name if person else None


def _from_head(clause: Clause) -> Clause:
    """A request without the words before its verb: "could you please restart it" → "restart it"."""
    head = first_word(clause)
    return clause[next(at for at, piece in enumerate(clause) if piece.word == head) :]


def _names_target(reading: _Reading) -> bool:
    """Whether a request says what it is about; "can you deploy to production?" only asks what can be done."""
    return any(reading.verb.kind_of(name) in {Kind.SERVICE, Kind.PERSON} for name in reading.filled.parameters)


def _complains(item: _Judged) -> bool:
    """Whether a clause with a "not" is a remark, whose names may be meant later, and no prohibition."""
    return item.act is Act.NEGATED and item.clause[0].word in {"i", "we", "nobody", "it"}


def _one_request(readings: Sequence[_Reading]) -> _Reading | None:
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


def _unclear(hint: Hint, suggestions: tuple[str, ...] = (), *, confidence: float = 1.0) -> Unclear:
    return Unclear(hint=hint, reason=REASONS[hint], suggestions=suggestions, confidence=confidence)
