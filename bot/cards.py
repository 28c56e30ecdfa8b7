"""Draws the card of a request: what a thread shows of it, at every stage of its life, from the ledger alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from actions.answer import LOOK_INTO, paragraphs
from actions.core.action import Operation
from actions.core.catalog import Catalog
from actions.core.context import Context, Tools
from actions.core.errors import Refused, Unreachable
from actions.core.people import Standing
from actions.core.plan import Plan
from actions.core.ports.answers import Drafts
from actions.core.ports.surroundings import Clock
from actions.core.reply import (
    Block,
    Button,
    ButtonStyle,
    Code,
    Link,
    Mention,
    Moment,
    Note,
    Paragraph,
    Reply,
    Span,
    Steps,
    Strong,
    Text,
    Tone,
    Weight,
    fields,
    with_code,
)
from actions.core.request import Origin, Request, State
from actions.decisions import Approve, Cancel, Confirm, Deny, sentence
from actions.gate.desk import GateDesk
from actions.gate.standing import approval_verdict, confirmers

log = logging.getLogger("shipmate.cards")

_WORKING = {
    State.ACCEPTED: "is accepted",
    State.RUNNING: "is beginning",
    State.WAITING: "is under way",
    State.UNKNOWN: "is being looked up",
}
_ENDINGS = {
    State.DONE: (Tone.GOOD, "is done"),
    State.FAILED: (Tone.BAD, "failed"),
    State.REFUSED: (Tone.WARNING, "was refused"),
    State.DENIED: (Tone.BAD, "was denied"),
    State.EXPIRED: (Tone.WARNING, "expired"),
    State.CANCELLED: (Tone.WARNING, "was cancelled"),
}
_RETRYABLE = frozenset({State.FAILED, State.EXPIRED})


@dataclass(frozen=True)
class Cards:
    """Draws cards.

    Attributes:
        catalog: every verb.
        tools: the organization, for presenters.
        desk: to know who may approve.
        clock: the time.
    """

    catalog: Catalog
    tools: Tools
    desk: GateDesk
    clock: Clock

    def card(self, request: Request) -> Reply:
        """The request's card as it is to look now."""
        if request.requester.standing is Standing.OUTSIDER:
            # A mistyped name has become a known one by now, and outsiders are told none.
            return Reply(title=request.message, tone=Tone.WARNING, blocks=(_small_print(request),))
        match request.state:
            case State.ACCEPTED | State.RUNNING | State.WAITING | State.UNKNOWN:
                return self._working(request)
            case State.AWAITING_CONFIRMATION:
                return self._confirmation(request)
            case State.AWAITING_APPROVAL:
                return self._approval(request)
            case _:
                return self._final(request)

    def _working(self, request: Request) -> Reply:
        unknown = request.state is State.UNKNOWN
        title = f"{_title(request)} {_working_words(request)}"
        if request.action == LOOK_INTO:
            title = f"Looking into it: {request.parameters.get('question', '')}"
        blocks = [*_plan(request.plan), *_steps(request), *_words(request), *self._draft(request), *_notes(request)]
        cancelling = request.cancel_requested_by is not None
        buttons = () if cancelling or not self._is_change(request) else (*self._meanwhile(request), _cancel(request))
        return Reply(
            title=title,
            tone=Tone.WARNING if unknown else Tone.WORKING,
            blocks=(*blocks, _small_print(request)),
            buttons=buttons,
        )

    def _meanwhile(self, request: Request) -> tuple[Button, ...]:
        try:
            action = self.desk.gate.action_of(request)
        except Refused:
            return ()
        return action.meanwhile(request) if isinstance(action, Operation) else ()

    def _confirmation(self, request: Request) -> Reply:
        rows: list[tuple[str, Text | Span]] = [
            (key, Code(text=str(value))) for key, value in request.parameters.items()
        ]
        about = self._decided_about(request)
        if about is not None:
            rows.append((f"{about.id} is to", sentence(about)))
        parameters = fields(*rows)
        asked = Paragraph(
            text=("I am not certain that I read you right. Is this what you mean? Say yes or no.",),
            weight=Weight.ESSENTIAL,
        )
        return Reply(
            title=f"Shall I {_title(request, upper=False)}?",
            tone=Tone.WARNING,
            blocks=(asked, parameters, *_plan(request.plan), *_notes(request), _small_print(request)),
            buttons=(
                Button.of("Confirm", Confirm(request=request.id), style=ButtonStyle.PRIMARY),
                Button.of("Cancel", Cancel(request=request.id)),
            ),
            mentions=confirmers(request, self.tools.organization),
        )

    def _decided_about(self, request: Request) -> Request | None:
        """The request that a decision names."""
        named = request.parameters.get("request")
        if not isinstance(named, str) or request.action not in self.catalog:
            return None
        return self.desk.gate.ledger.get(named) if self.catalog[request.action].policy.control else None

    def _approval(self, request: Request) -> Reply:
        verdict = approval_verdict(request)
        may = self.desk.approvers_of(request)
        given = self.desk.gate.approved_by(request)
        needed = (verdict.approvals if verdict else 1) - len(given)
        who: list[Span] = [part for name in may for part in (Mention(person=name), " ")]
        why = [Paragraph(text=(f"{verdict.rule[:1].upper()}{verdict.rule[1:]}.",))] if verdict else []
        facts = fields(
            ("Who may approve", tuple(who[:-1]) or "nobody who is configured"),
            ("Until", (Moment(at=request.expires_at),) if request.expires_at else ""),
            ("Needs", f"{needed} approvals" if needed != 1 else ""),
            ("Approved by", ", ".join(given)),
            weight=Weight.ESSENTIAL,
        )
        deny = Button.of("Deny", Deny(request=request.id), style=ButtonStyle.DANGER)
        return Reply(
            title=f"{_title(request)} waits for approval",
            tone=Tone.WARNING,
            blocks=(*_plan(request.plan), *why, facts, *_notes(request), _small_print(request)),
            buttons=(
                Button.of("Approve", Approve(request=request.id), style=ButtonStyle.PRIMARY),
                deny.model_copy(update={"asks_for": ("reason",)}),
                _cancel(request),
            ),
            mentions=may,
        )

    def _final(self, request: Request) -> Reply:
        presented = self._presented(request)
        tone, ending = _ENDINGS[request.state]
        # What came of it before how it came about; who asked and who agreed is one line of small print.
        course = [*_steps(request), *_decisions(request), *_notes(request)]
        if presented is not None:
            note = [_small_print(request)] if self._is_change(request) else []
            blocks = (*_words(request), *presented.blocks, *course, *note)
            return presented.model_copy(update={"blocks": blocks})
        changes = _plan(request.plan) if request.state is not State.REFUSED else []
        return Reply(
            title=f"{_title(request)} {ending}",
            tone=tone,
            blocks=(*_words(request), *changes, *course, _small_print(request)),
            buttons=self._again(request),
        )

    def _presented(self, request: Request) -> Reply | None:
        """The verb's own presentation of its result; None where there is none to present."""
        if request.result is None:
            return None
        context = Context(self.tools.organization, self.tools.ports, request, self.clock.now())
        try:
            action = self.desk.gate.action_of(request)
            result = action.result_type.model_validate(request.result)
            return action.reply(result, context)
        except Exception:
            log.exception("presenting %s failed", request.id)
            return None

    def _again(self, request: Request) -> Sequence[Button]:
        # Where it is not known whether it happened, somebody is to look before it is asked for again.
        if request.state not in _RETRYABLE or request.outcome == "not known" or not self._is_change(request):
            return ()
        return (Button(label="Try again", action=request.action, parameters=request.parameters),)

    def _draft(self, request: Request) -> list[Block]:
        """What is written already of an answer in prose."""
        text = self.draft(request)
        return [Paragraph(text=part) for part in paragraphs(text)]

    def draft(self, request: Request) -> str:
        """What is written already of an answer that is being written; empty for anything else."""
        if request.action != LOOK_INTO or request.state.is_settled:
            return ""
        try:
            return self.tools.use(Drafts).text(request)
        except Unreachable:
            return ""

    def _is_change(self, request: Request) -> bool:
        return request.changes and request.action in self.catalog


def _working_words(request: Request) -> str:
    # What a worker has taken up is still accepted while it plans, and while it reads.
    taken_up = request.state is State.ACCEPTED and request.lease_owner is not None
    return _WORKING[State.RUNNING if taken_up else request.state]


def _title(request: Request, *, upper: bool = True) -> str:
    says = sentence(request)
    return says[:1].upper() + says[1:] if upper else says


def _plan(plan: Plan | None) -> list[Block]:
    if plan is None:
        return []
    rows: list[tuple[str, Text | Span]] = []
    for change in plan.changes:
        value: Text = (Strong(text=change.after),)
        if change.before:
            value = (Code(text=change.before), " → ", Strong(text=change.after))
        rows.append((change.what, value))
    rows += [(label, Link(text="open", url=url)) for label, url in plan.links.items()]
    blocks: list[Block] = [fields(*rows, weight=Weight.ESSENTIAL)] if rows else []
    blocks += [Paragraph(text=(Strong(text="Mind: "), warning)) for warning in plan.warnings]
    return blocks


def _steps(request: Request) -> list[Block]:
    return [Steps(steps=request.steps)] if request.steps else []


def _words(request: Request) -> list[Block]:
    says = " ".join(filter(None, (request.message, request.remedy)))
    return [Paragraph(text=with_code(says), weight=Weight.ESSENTIAL)] if says else []


def _notes(request: Request) -> list[Block]:
    return [Note(text=(note,)) for note in request.notes]


def _decisions(request: Request) -> list[Block]:
    return [
        Note(text=(Mention(person=d.person), " approved " if d.approved else " denied ", Moment(at=d.at)))
        for d in request.decisions
        if d.seal == request.seal
    ]


def _small_print(request: Request) -> Note:
    by: Text = (Mention(person=request.requester.name),)
    if request.requester.on_behalf_of:
        by = (*by, " for ", Mention(person=request.requester.on_behalf_of))
    read = {Origin.MODEL: ", read by a model", Origin.STATISTICAL: ", read from your words"}.get(request.origin, "")
    return Note(text=(Code(text=request.id), " asked by ", *by, " ", Moment(at=request.created_at), read))


def _cancel(request: Request) -> Button:
    return Button.of("Cancel", Cancel(request=request.id))
