"""The two ways in for a person: `hear` what they say, `ask` for an action they chose; and `press`, a button's action."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.answer import subject_of
from actions.core.errors import Refused, ShipmateError, Unreachable
from actions.core.kinds import NAMES
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.ports.ledger import Offers, RequestQuery
from actions.core.ports.messaging import Sessions, Turn
from actions.core.redaction import redact
from actions.core.reply import Reply
from actions.core.request import Origin, Proposal, Request, Source, State
from actions.decisions import Cancel
from actions.gate.gate import BadParameters, Gate
from bot import wording
from bot.cards import Cards
from bot.feedback import Feedback
from intents.answers import yes_or_no
from intents.corrections import meant
from intents.ends import says_an_end
from intents.meaning import Asks, Hint, Lacks, Meaning, Message, Unclear, Understanding

log = logging.getLogger("shipmate.conversation")

LONGEST_MESSAGE = 8000
"""Characters of one message that are read; what people ask for is far shorter."""


class Heard(BaseModel):
    """Something said to Shipmate.

    Attributes:
        text: the words, as the surface decoded them.
        by: who said them, as the door established it.
        place: where, and so where it is answered.
        cause: unique for what happened, such as the surface's own id of the message.
        quoted: text by others that came along.
        begins: whether nothing can have been said before in its thread.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    by: Requester
    place: Place
    cause: str
    quoted: tuple[str, ...] = ()
    begins: bool = False


class Answer(BaseModel):
    """What a door shows at once.

    Attributes:
        reply: the card or answer.
        kind: "request" where the ledger has it; "question" where something is asked back; "unclear" where nothing was done;
            "error" where it could not be taken in.
        request: the request, where there is one.
        follow: a request of earlier whose card changes because of this one, such as the one just approved.
        outage: whether it could not be taken in because something needed is gone; saying it again later may help.
        settles: whether it was said in answer to what had been asked back in the thread, which is asked no more.
    """

    model_config = ConfigDict(frozen=True)

    reply: Reply
    kind: Literal["request", "question", "unclear", "error"]
    request: Request | None = None
    follow: str | None = None
    outage: bool = False
    settles: bool = False


@dataclass(frozen=True)
class Conversation:
    """Talks with people.

    Attributes:
        gate: where requests go.
        cards: draws them.
        understanding: builds the reader of messages at the first one, since not every process hears any.
        sessions: the last turns of each thread.
        offers: what buttons hold.
        feedback: keeps what people think of how they were understood.
    """

    gate: Gate
    cards: Cards
    understanding: Callable[[], Understanding]
    sessions: Sessions
    offers: Offers
    feedback: Feedback

    def hear(self, heard: Heard) -> Answer:
        """Answer what was said: with the card of the request it made, a question, or why nothing was done."""
        try:
            return _for(heard.by, self._hear(heard))
        except ShipmateError as error:
            return _for(heard.by, _failed(error))
        except Exception:
            log.exception("hearing %s failed", heard.cause)
            return _broken(heard.cause)

    def ask(self, proposal: Proposal) -> Answer:
        """Answer an action that was chosen: by a button, a form, a command or a program."""
        try:
            return self._ask(proposal)
        except ShipmateError as error:
            return _for(proposal.requester, _failed(error))
        except Exception:
            log.exception("asking %s failed", proposal.cause)
            return _broken(proposal.cause)

    def press(
        self, offer_id: str, *, by: Requester, place: Place, cause: str, filled: Mapping[str, JsonValue] | None = None
    ) -> Answer:
        """Answer a button: what it holds is in the ledger, never in what the client sent.

        Args:
            offer_id: the opaque id that the button carried.
            by: who pressed it.
            place: where.
            cause: unique for the press.
            filled: what the person filled in; only what the button asks for beside what it holds.
        """
        try:
            offer = self.offers.get(offer_id)
        except ShipmateError as error:
            return _failed(error)
        if offer is None:
            return _failed(Refused("That button is no longer known.", remedy="Say what you want instead."))
        parameters = {**(filled or {}), **offer.parameters}
        if offer.action in self.gate.catalog:
            missing = tuple(name for name in self.gate.catalog[offer.action].required() if name not in parameters)
            if missing:
                lacks = Lacks(action=offer.action, parameters=parameters, missing=missing)
                says = wording.words(self.gate.catalog, lacks)
                self._chose(by, place, Turn(say=says, **lacks.model_dump(include=_CHOSEN)))
                return _for(by, Answer(reply=self._asked_back(lacks), kind="question"))
        asks = Asks(action=offer.action, parameters=parameters)
        proposal = Proposal(
            action=asks.action, parameters=asks.parameters, requester=by, place=place, cause=cause, origin=Origin.BUTTON
        )
        answer = self.ask(proposal)
        if answer.request is not None and answer.request.state is not State.REFUSED:
            self._chose(by, place, Turn(say=wording.words(self.gate.catalog, asks), **self._meant(asks, answer)))
        return answer

    def card(self, request: Request) -> Reply:
        """A request's card as it is to look now."""
        return self.cards.card(request)

    def _hear(self, heard: Heard) -> Answer:
        known = self.gate.ledger.by_cause(heard.cause)
        if known is not None:
            # Who heard it first may have died before a worker was told; told twice, it is done once.
            self.gate.dispatch(known)
            return self._answered(known)
        key = heard.place.key
        message = Message(text=heard.text[:LONGEST_MESSAGE], by=heard.by.name, quoted=heard.quoted, cause=heard.cause)
        meaning: Meaning | None = self._settled(heard) or self._bare(heard.text)
        turns: Sequence[Turn] = ()
        if meaning is None:
            turns = () if heard.begins else self._turns(key)
            meaning = self._with_its_end(self._understood(message, turns), heard.text)
            self.feedback.corrects(heard.by.name, message.text, turns, meaning)
        said = redact(message.text)
        turn = Turn(say=said, by=heard.by.name)
        match meaning:
            case Lacks():
                turn = turn.model_copy(
                    update={"action": meaning.action, "parameters": meaning.parameters, "missing": meaning.missing}
                )
                answer = Answer(reply=self._asked_back(meaning), kind="question")
            case Asks():
                meaning = self._naming(self._answered_plainly(meaning, heard.text.strip(), turns), heard)
                proposal = Proposal(
                    action=meaning.action,
                    parameters=meaning.parameters,
                    requester=heard.by,
                    place=heard.place,
                    cause=heard.cause,
                    origin=meaning.origin,
                    sources=meaning.sources,
                    said=said,
                    notes=meaning.notes,
                )
                answer = self._answered(self.gate.submit(proposal, new=True))
                turn = turn.model_copy(update=self._meant(meaning, answer))
            case Unclear():
                answer = Answer(reply=wording.unclear(meaning), kind="unclear")
        if turns and turns[-1].missing and turn.action == turns[-1].action:
            answer = answer.model_copy(update={"settles": True})
        if heard.by.standing is not Standing.OUTSIDER:
            # What they named must not become the “it” of somebody who may.
            self.gate.aside(lambda: self._remember(key, turn))
        return answer

    def _understood(self, message: Message, turns: Sequence[Turn]) -> Meaning:
        """What a message means; one that only says that the last was misunderstood asks for nothing."""
        if self.feedback.complains(message.by, message.text, turns):
            says = "Noted: I misunderstood you. Say what you meant, and I keep that too."
            return Unclear(hint=Hint.REPORTED, reason=says)
        meaning = self.understanding().recognize(message, turns)
        rest = meant(message.text)
        if not isinstance(meaning, Unclear) or rest is None:
            return meaning
        again = self.understanding().recognize(message.model_copy(update={"text": rest}), turns)
        if isinstance(again, Asks) and again.origin is Origin.GRAMMAR:
            # Half a message was set aside, so what is left of it is not certain.
            return again.model_copy(update={"origin": Origin.STATISTICAL})
        return again

    def _settled(self, heard: Heard) -> Asks | None:
        """What a plain yes or no means where something was shown back to this person in this thread."""
        said = yes_or_no(heard.text)
        if said is None:
            return None
        query = RequestQuery(
            states=(State.AWAITING_CONFIRMATION,), place_key=heard.place.key, requester=heard.by.name, limit=1
        )
        waiting = self.gate.ledger.find(query)
        if not waiting:
            return None
        return Asks(
            action="confirm" if said else "cancel", parameters={"request": waiting[0].id}, origin=Origin.GRAMMAR
        )

    def _answered_plainly(self, meaning: Asks, said: str, turns: Sequence[Turn]) -> Asks:
        """The same as if typed in one go, where a question was answered with a plain name or value.

        The question showed what was known already, so nothing of the request is unseen.
        """
        asked = turns[-1] if turns else None
        if asked is None or not asked.missing or asked.action != meaning.action:
            return meaning
        known = all(meaning.parameters.get(name) == value for name, value in asked.parameters.items())
        added = [name for name in meaning.parameters if name not in asked.parameters]
        if not known or added != [asked.missing[0]]:
            return meaning
        kind = self.gate.catalog[meaning.action].kind_of(added[0])
        value = meaning.parameters[added[0]]
        plain = said == value or (kind in NAMES and self.gate.tools.organization.resolve(kind, said) == value)
        if not plain:
            return meaning
        sources = dict.fromkeys(meaning.parameters, Source.SAID)
        return meaning.model_copy(update={"origin": Origin.GRAMMAR, "sources": sources})

    def _naming(self, meaning: Asks, heard: Heard) -> Asks:
        """The same, with the request named that a decision is about where it is shown back.

        What "it" means may have changed by the time of the confirmation; what is confirmed is what was shown.
        """
        verb = self.gate.catalog[meaning.action]
        if not verb.policy.control or meaning.origin is Origin.GRAMMAR or meaning.parameters.get("request"):
            return meaning
        try:
            found = self.cards.desk.referred(heard.place, heard.by, waiting=meaning.action != Cancel.policy.name)
        except Refused:
            # One of several: the decision itself says so.
            return meaning
        if found is None:
            return meaning
        named = {"parameters": {**meaning.parameters, "request": found.id}}
        return meaning.model_copy(update={**named, "sources": {**meaning.sources, "request": Source.THREAD}})

    def _bare(self, text: str) -> Lacks | None:
        """A verb's name and nothing else, where the verb needs more: asked back for, whatever was learned of its words."""
        name = "_".join(text.casefold().split())
        if name not in self.gate.catalog or not self.gate.catalog[name].policy.public:
            return None
        missing = self.gate.catalog[name].required()
        return Lacks(action=name, missing=missing, origin=Origin.GRAMMAR) if missing else None

    def _with_its_end(self, meaning: Meaning, text: str) -> Meaning:
        """The same, but lacking its end where one was said that could not be read: it must not last for ever."""
        if isinstance(meaning, Unclear | Lacks) or "until" in meaning.parameters or not says_an_end(text):
            return meaning
        if "until" not in self.gate.catalog[meaning.action].model_fields:
            return meaning
        says = "I cannot read when that ends. Say how long, such as 2h or 3 days, or say it again without an end."
        return Lacks(**meaning.model_dump(), missing=("until",), suggestions=(says,))

    def _meant(self, meaning: Asks, answer: Answer) -> dict[str, Any]:
        """What the thread was about: for a decision, the request that was decided about."""
        about = self.gate.ledger.get(answer.follow) if answer.follow else answer.request
        if about is not None:
            action, parameters = subject_of(about.action, about.parameters)
            return {"action": action, "parameters": parameters, "request": about.id}
        return {"action": meaning.action, "parameters": meaning.parameters}

    def _turns(self, key: str) -> Sequence[Turn]:
        try:
            return self.sessions.turns(key)
        except Unreachable:
            log.warning("sessions do not answer; the message is read without its thread")
            return ()

    def _chose(self, by: Requester, place: Place, turn: Turn) -> None:
        """Remember what was chosen in a thread as if it had been said there, so that words can go on from it.

        It is nobody's saying: what was pressed was not misunderstood.
        """
        if by.standing is not Standing.OUTSIDER:
            self.gate.aside(lambda: self._remember(place.key, turn))

    def _remember(self, key: str, turn: Turn) -> None:
        try:
            self.sessions.add(key, turn)
        except Unreachable:
            log.warning("sessions do not answer; a turn is not remembered")

    def _ask(self, proposal: Proposal) -> Answer:
        verb = self.gate.catalog[proposal.action]
        if not verb.policy.public and not proposal.requester.is_machine:
            raise Refused(f"{proposal.action} is a step of playbooks; people cannot ask for it.")
        return self._answered(self.gate.submit(proposal))

    def _answered(self, request: Request) -> Answer:
        follow = None
        known = request.action in self.gate.catalog
        if isinstance(request.result, dict) and known and self.gate.catalog[request.action].policy.control:
            decided = request.result.get("request")
            follow = decided if isinstance(decided, str) else None
        return Answer(reply=self.cards.card(request), kind="request", request=request, follow=follow)

    def _asked_back(self, lacks: Lacks) -> Reply:
        return wording.question(self.gate.catalog, self.gate.tools.organization, lacks)


_CHOSEN = {"action", "parameters", "missing"}


def _for(by: Requester, answer: Answer) -> Answer:
    """The answer as they may have it: outsiders are told no names, so neither questions nor suggestions."""
    if by.standing is not Standing.OUTSIDER or answer.request is not None or answer.outage:
        return answer
    return Answer(reply=wording.to_outsiders(), kind="error")


def _failed(error: ShipmateError) -> Answer:
    outage = isinstance(error, Unreachable)
    if outage:
        log.error("not accepted: %s", error)
    kind: Literal["unclear", "error"] = "unclear" if isinstance(error, BadParameters) else "error"
    return Answer(reply=wording.failure(error), kind=kind, outage=outage)


def _broken(cause: str) -> Answer:
    return Answer(reply=wording.broken(cause), kind="error")
