"""Which verb a clause asks for: what may follow from its act, its words and its values, and when that is sure enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.core.catalog import Catalog
from actions.core.kinds import Kind
from intents.acts import act_of, is_later, undenied
from intents.classifier import Guess, features
from intents.clauses import Clause, Piece, sentences
from intents.grammar import Grammar
from intents.lexicon import STOP, english, word_set
from intents.meaning import Hint
from intents.model import Model, first_word
from intents.slots import Filled, Filler, split_reason
from intents.spoken import ACTIVE, Act
from intents.thread import Before
from intents.training import NONE, Verb, risky

_SURE_WRITE = 0.27
_SURE_READ = 0.26
_SURE_STATEMENT = 0.5
_SURE_BARE = 0.6
_SURE_USUAL = 0.42
_SURE_TOLD = 0.75
_MISFIT = 0.3
_HEADED = 2.5
_NAMED = 4.0
_MISNAMED = 0.4
_SUPPORT = 0.1
_CERTAIN = 0.8
_HALF, _MOST = 0.5, 0.67
"""The share of a clause's words that a change must be asked for with, where its first word does not name it."""
_FAMILIAR = 0.45
_AHEAD = 1.7
_CLEAR = 2.0
_FAR = 2.5
_MILES = 4.0
_UNSURE = 0.15
_SURE_TITLE = 0.4
_TRIPLE = 3
_SEVERAL = 2
_PLEASE = frozenset({"please", "to", "on", "in", "for", "thanks", "now"})
_HARMLESS = frozenset({Kind.DURATION, Kind.REF, Kind.TEAM})
_MENTIONED = frozenset({Kind.VERSION, Kind.ENVIRONMENT, Kind.PERSON, Kind.SERVICE, Kind.ROLE})
_LOOKS = word_set("acts.looks")
_BARRED = {
    Act.QUESTION: (Hint.REPORTED, Hint.NEGATED, Hint.AMBIGUOUS, Hint.HYPOTHETICAL, Hint.THANKS),
    Act.COMMAND: (Hint.REPORTED, Hint.HYPOTHETICAL),
    Act.REQUEST: (Hint.REPORTED, Hint.HYPOTHETICAL, Hint.NEGATED),
    Act.WISH: (Hint.REPORTED, Hint.HYPOTHETICAL),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause and what it does.

    Attributes:
        clause: its words, without a reason.
        act: what it does.
        conditional: whether its sentence holds a condition.
        reason: the reason that it gives.
        lends: whether other clauses of the message name something.
    """

    clause: Clause
    act: Act
    conditional: bool
    reason: str = ""
    lends: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A verb that a clause asks for.

    Attributes:
        verb: the verb.
        filled: its parameters, as the message gives them.
        confidence: from 0 to 1.
        judged: the clause.
    """

    verb: Verb
    filled: Filled
    confidence: float
    judged: Judged


class Reader:
    """Reads clauses as verbs of a catalogue.

    Args:
        catalog: the verbs.
        model: what was learned from them.
        grammar: their phrases.
    """

    def __init__(self, catalog: Catalog, model: Model, grammar: Grammar) -> None:
        self._catalog = catalog
        self._model = model
        self._grammar = grammar
        self._fillers: dict[str, Filler] = {}
        self._risky = risky(catalog)

    def judge(self, parts: Sequence[Piece]) -> list[Judged]:
        """The clauses of a message, each with what it does."""
        result: list[Judged] = []
        for sentence in sentences(parts, self._model.is_head):
            clauses = [undenied(clause) for clause in sentence]
            acts = [act_of(clause, self._model.is_head) for clause in clauses]
            for at in range(1, len(acts)):
                if acts[at - 1] is Act.NEGATED and clauses[at][0].word in {"or", "nor"}:
                    acts[at] = Act.NEGATED
            conditional = Act.CONDITION in acts
            for clause, act in zip(clauses, acts, strict=True):
                bare, reason = split_reason(clause)
                result.append(Judged(bare, act, conditional, reason))
        named = sum(any(piece.found for piece in item.clause) for item in result)
        return [replace(item, lends=named > any(piece.found for piece in item.clause)) for item in result]

    def reading(self, item: Judged, every: Sequence[Judged], earlier: Sequence[Before]) -> Reading | None:
        """The best reading of a clause that may ask for something; None where it does not."""
        if (
            item.act in {Act.CONDITION, Act.REPORTED, Act.HYPOTHETICAL, Act.LATER, Act.OPINION, Act.POLITE}
            or not item.clause
        ):
            return None
        context = _context(
            item, every, refers=bool(self.headed(item)) or any(piece.word == "its" for piece in item.clause)
        )
        reason = next((other.reason for other in every if other.reason), "")
        ranked = self._ranked(item, context, reason, earlier)
        if not ranked:
            return None
        verbs = [entry for entry in ranked if entry[2] is not None]
        if verbs and ranked[0][2] is None and self._is_whole(verbs, item):
            total = sum(entry[0] for entry in verbs)
            ranked = [(likelihood / total, guess, filled) for likelihood, guess, filled in verbs]
        confidence, guess, filled = ranked[0]
        if guess.label.startswith(NONE) or filled is None:
            return None
        verb = self._catalog[guess.label]
        if self._model.familiarity(item.clause) < _FAMILIAR:
            return None
        lead = confidence / ranked[1][0] if len(ranked) > 1 and ranked[1][0] else _FAR
        bare = not filled.parameters and not earlier
        core = _from_head(item.clause) if self.headed(item) else item.clause
        usual = self._model.usual(guess.label, core) == 1
        sure = usual and confidence >= _SURE_BARE and lead >= _MILES
        plain = guess.label in self.headed(item) and not any(o.act is Act.NEGATED for o in every)
        unsure = (
            not usual or not (verb.required() or plain or sure)
            if self.is_risky(verb)
            else confidence < (_SURE_USUAL if usual else _SURE_BARE)
        )
        unnamed = bare and unsure and not any(piece.found for piece in item.clause)
        vague = (
            not (filled.parameters or verb.required() or plain) and self.is_risky(verb) and confidence < _SURE_STATEMENT
        )
        if unnamed or vague:
            return None
        return (
            Reading(verb, filled, min(1.0, confidence), item)
            if self._may(verb, item, filled, confidence, lead)
            else None
        )

    def _ranked(
        self, item: Judged, context: Sequence[Piece], reason: str, earlier: Sequence[Before]
    ) -> list[tuple[float, Guess, Filled | None]]:
        headed = self.headed(item)
        core = _from_head(item.clause) if headed else item.clause
        guesses = self._possible(item.act, self._model.classifier.guesses(features(core, context)))
        scored: list[tuple[float, Guess, Filled | None]] = []
        for guess in guesses[:6]:
            if guess.label.startswith(NONE):
                scored.append((guess.likelihood, guess, None))
                continue
            verb = self._catalog[guess.label]
            filled = self.filler(verb).fill(item.clause, context, reason)
            harmless = _HARMLESS if self.is_risky(verb) else _HARMLESS | _MENTIONED
            misfits = [kind for kind in filled.unused if kind not in harmless]
            named = 1.0
            if guess.label in headed:
                named = _HEADED if len(headed) > 1 else _NAMED
            elif headed and self.is_risky(verb):
                named = _MISNAMED
            likelihood = guess.likelihood * _MISFIT ** len(misfits) * named
            scored.append((likelihood, guess, filled))
        return sorted(scored, key=lambda entry: -entry[0])

    def _is_whole(self, verbs: Sequence[tuple[float, Guess, Filled | None]], item: Judged) -> bool:
        """Whether a clause that asks gives all that its likeliest verb needs, so that it is hardly idle talk."""
        likelihood, guess, filled = verbs[0]
        if not self.is_risky(self._catalog[guess.label]):
            return False
        if item.act not in ACTIVE or filled is None or (len(verbs) > 1 and likelihood < _CLEAR * verbs[1][0]):
            return False
        verb = self._catalog[guess.label]
        kinds = {kind for piece in item.clause if piece.found for kind in piece.found.readings}
        given = [name for name in filled.parameters if verb.kind_of(name) in kinds]
        whole = set(verb.required()) <= set(given)
        return whole and (len(given) >= _SEVERAL or Kind.REQUEST in kinds) and not filled.unused

    def headed(self, item: Judged) -> frozenset[str]:
        """The verbs that the first telling word of a request names."""
        if item.act not in ACTIVE:
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

    def _may(self, verb: Verb, item: Judged, filled: Filled, confidence: float, lead: float) -> bool:
        """Whether a clause of such a kind may be read as a verb.

        Args:
            verb: the verb.
            item: the clause.
            filled: its parameters.
            confidence: how likely the verb is.
            lead: how many times as likely as the next reading.
        """
        if not self._supported(verb, item, filled) or self._only_looks(verb, item):
            return False
        if not self.is_risky(verb):
            return self._may_read(item, confidence, lead)
        if item.conditional or item.act is Act.QUESTION or is_later(item.clause):
            return False
        says_not = any(p.word in {"not", "never", "nobody", "nothing"} for p in item.clause)
        if item.act is Act.NEGATED or (item.act is Act.STATEMENT and says_not):
            like = 0.3 if confidence >= _CERTAIN else 0.4 if lead >= _FAR else 0.6
            named = any(piece.stem == verb.policy.name.partition("_")[0] for piece in item.clause)  # "do not freeze it"
            enough = (
                not named
                and (confidence >= _SURE_STATEMENT or lead >= _FAR)
                and item.clause[0].word not in {"you", "let"}
            )
            return enough and self._model.says_not(verb.policy.name, item.clause, like)
        if item.act is Act.STATEMENT:
            return confidence >= _SURE_STATEMENT and lead >= _AHEAD
        return (confidence >= _SURE_WRITE and lead >= _AHEAD) or (confidence >= _UNSURE and lead >= _CLEAR)

    def _may_read(self, item: Judged, confidence: float, lead: float) -> bool:
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

    def _only_looks(self, verb: Verb, item: Judged) -> bool:
        """Whether a clause wants something shown, and the verb would change something."""
        return self.is_risky(verb) and first_word(item.clause) in _LOOKS and verb.policy.name not in self.headed(item)

    def _supported(self, verb: Verb, item: Judged, filled: Filled) -> bool:
        """Whether the words, and not only the values beside them, speak for a verb."""
        core = _from_head(item.clause) if self.headed(item) else item.clause
        if _is_shorthand(core, filled, verb):
            return True
        if self.is_risky(verb) and (self._of_something_else(verb, core) or self._is_lent(verb, item)):
            return False
        usual = self._model.usual(verb.policy.name, core)
        if self.is_risky(verb) and not self.headed(item) and usual < (_MOST if item.act is Act.STATEMENT else _HALF):
            return False
        if (
            not self.is_risky(verb)
            and item.act is Act.QUESTION
            and all(p.found or p.word in STOP for p in core if not p.is_mark)
        ):
            return True
        return self._model.classifier.support(features(core), verb.policy.name) > _SUPPORT

    def _of_something_else(self, verb: Verb, clause: Clause) -> bool:
        """Whether what is acted on is no service but a thing of it: "drop the old tables of checkout"."""
        for at in range(1, len(clause) - 1):
            piece, then = clause[at], clause[at + 2 : at + 5]
            near = {"of", "for", "from", "in", "on"} if piece.word in english() else {"of", "for", "from"}
            of = clause[at + 1].word in near and any(p.found and Kind.SERVICE in p.found.readings for p in then)
            if not of or piece.found is not None or piece.is_mark or self.is_head(piece):
                continue
            if piece.word not in word_set("acts.nouns_too") | STOP:
                return not self._model.allows(verb.policy.name, piece)
        return False

    def _is_lent(self, verb: Verb, item: Judged) -> bool:
        """Whether a clause names nothing itself and says more than a verb: "ssh into the gateway and run top"."""
        words = {piece.word for piece in item.clause}
        if any(piece.found for piece in item.clause) or not item.lends:
            return False
        usual = self._model.usual(verb.policy.name, item.clause)
        return usual < (_HALF if words & word_set("thread.pointers") else 1)

    def is_head(self, piece: Piece) -> bool:
        """Whether a word begins some request."""
        return self._model.is_head(piece)

    def filler(self, verb: Verb) -> Filler:
        """What fills a verb's parameters."""
        name = verb.policy.name
        if name not in self._fillers:
            self._fillers[name] = Filler(verb, self._model.beside.get(name, {}))
        return self._fillers[name]

    def is_risky(self, verb: Verb) -> bool:
        """Whether a verb changes something."""
        return verb.policy.name in self._risky


def _is_shorthand(clause: Clause, filled: Filled, verb: Verb) -> bool:
    """Whether a clause is nothing but all the values that a verb needs, three or more: "checkout 1.2.3 staging"."""
    plain = [
        piece
        for piece in clause
        if piece.found is None and not piece.is_mark and piece.word not in _PLEASE | word_set("slots.corrections")
    ]
    return not plain and len(verb.required()) >= _TRIPLE and set(verb.required()) <= set(filled.parameters)


def _from_head(clause: Clause) -> Clause:
    """A request without the words before its verb: "could you please restart it" → "restart it"."""
    head = first_word(clause)
    return clause[next(at for at, piece in enumerate(clause) if piece.word == head) :]


def _context(item: Judged, every: Sequence[Judged], *, refers: bool) -> list[Piece]:
    """What the other clauses of a message say.

    Args:
        item: the clause that asks.
        every: all clauses.
        refers: whether an "it" may stand for what another clause rules out: "don't cancel R-1, approve it".
    """
    skipped = {Act.NEGATED, Act.CONDITION, Act.POLITE, Act.HYPOTHETICAL}
    others = [other for other in every if other is not item]
    stands = refers and any(piece.word in {"it", "its", "that", "them"} for piece in item.clause)
    named = any(piece.found for other in others if other.act not in skipped for piece in other.clause)
    heard = [
        other
        for other in others
        if other.act not in skipped or _complains(other) or (other.act is Act.NEGATED and stands and not named)
    ]
    return [piece for other in heard for piece in other.clause]


def _complains(item: Judged) -> bool:
    """Whether a clause with a "not" is a remark, whose names may be meant later, and no prohibition."""
    return item.act is Act.NEGATED and item.clause[0].word in {"i", "we", "nobody", "it"}
