"""What people do to requests: approve, deny, confirm, cancel. Stands behind the port `Desk`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.core.action import Operation
from actions.core.errors import Refused
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.ports.ledger import Conflict, LockHeld, Move, RequestQuery
from actions.core.redaction import redact
from actions.core.request import Decision, Request, State
from actions.gate.gate import Gate
from actions.gate.guards.permission import may
from actions.gate.standing import approval_verdict, approvers, asked_by, confirmers, may_approve, roles_of

_WAITING = (State.AWAITING_APPROVAL, State.AWAITING_CONFIRMATION)
_UNDER_WAY = tuple(state for state in State if state.holds_lock)


class NotWaiting(Refused):
    """The request does not wait for what was decided."""

    def __init__(self, request: Request, wanted: str) -> None:
        is_denied, state = request.state is State.DENIED, request.state.value.replace("_", " ")
        who = next((d.person for d in request.decisions if d.approved != is_denied), "")
        says = f"it is {state}"
        if who:
            says = f"{who} denied it" if is_denied else f"{who} approved it, and {says}"
        super().__init__(f"{request.id} does not wait for {wanted}: {says}.", remedy="")


@dataclass(frozen=True)
class GateDesk:
    """The desk on a gate.

    Attributes:
        gate: the gate whose requests are decided about.
    """

    gate: Gate

    def approve(self, request_id: str, by: Requester) -> Request:
        """Count an approval; the last one needed sends the request on.

        Raises:
            Refused: it does not wait for approval, this person may not, or another operation is under way there.
        """
        request = self._waiting(request_id, State.AWAITING_APPROVAL, "approval")
        self._check_approver(request, by)
        if _has_approved(request, by):
            raise Refused(f"You have approved {request.id} already; it waits for somebody else.")
        decision = self._decision(request, by, approved=True)
        decisions = (*request.decisions, decision)
        wanted = approval_verdict(request)
        given = self.gate.approved_by(request.model_copy(update={"decisions": decisions}))
        enough = len(given) >= (wanted.approvals if wanted else 1)
        state = State.ACCEPTED if enough else State.AWAITING_APPROVAL
        update = {"decisions": decisions, "state": state, "expires_at": None if enough else request.expires_at}
        advanced = self._advance(request, request.model_copy(update=update), by, "approved", decision)
        self.gate.dispatch(advanced)
        return advanced

    def deny(self, request_id: str, by: Requester, reason: str) -> Request:
        """End a request that waits for approval.

        Raises:
            Refused: it does not wait for approval, or this person may neither approve it nor asked for it.
        """
        request = self.may_deny(request_id, by)
        decision = self._decision(request, by, approved=False, reason=redact(reason))
        message = f"{by.name} denied it" + (f": {decision.reason}" if reason else ".")
        update = {
            "state": State.DENIED,
            "outcome": "denied",
            "message": message,
            "decisions": (*(d for d in request.decisions if d.person != by.name), decision),
            "finished_at": decision.at,
        }
        # One person's word on a plan is kept once; who takes an approval back ends the request all the same.
        first = None if _has_approved(request, by) else decision
        return self._advance(request, request.model_copy(update=update), by, "denied", first)

    def may_deny(self, request_id: str, by: Requester) -> Request:
        """The request, if this person may deny it as it stands; nothing is done, and raises as `deny`."""
        request = self._waiting(request_id, State.AWAITING_APPROVAL, "approval")
        if not asked_by(request, by.name):
            self._check_approver(request, by)
        return request

    def confirm(self, request_id: str, by: Requester) -> Request:
        """Confirm what was read by a model, or came from others: who asked; of what a machine asks, for whom it does.

        Where a machine acts for nobody in particular, whoever may do the thing confirms it.

        Raises:
            Refused: it does not wait for confirmation, it is for somebody else to confirm, or a machine would.
        """
        request = self._waiting(request_id, State.AWAITING_CONFIRMATION, "confirmation")
        named = confirmers(request, self.gate.tools.organization)
        if by.is_machine or (named and by.name not in named):
            raise Refused(f"{request.id} is for {', '.join(named) or 'a person'} to confirm.")
        if not named:
            self._check_may(request, by, f"You may not confirm {request.id}")
        update = {"state": State.ACCEPTED, "confirmed": True, "expires_at": None}
        advanced = self._advance(request, request.model_copy(update=update), by, "confirmed")
        self.gate.dispatch(advanced)
        return advanced

    def cancel(self, request_id: str, by: Requester) -> Request:
        """End a request that waits or has not begun; have one that is under way undone at its next poll.

        Raises:
            Refused: it is over, this person may not, or it is a quick thing in the midst of being done.
        """
        request = self._existing(request_id)
        if request.state.is_final:
            state = request.state.value.replace("_", " ")
            raise Refused(f"{request.id} is {state} already.", remedy="")
        self._check_canceller(request, by)
        now = self.gate.clock.now()
        if request.state in {*_WAITING, State.ACCEPTED}:
            update = {
                "state": State.CANCELLED,
                "outcome": "cancelled",
                "message": f"{by.name} cancelled it; nothing was changed.",
                "finished_at": now,
            }
            return self._advance(request, request.model_copy(update=update), by, "cancelled")
        if request.state is State.UNKNOWN:
            # The outside may never tell; somebody who looks for themselves must be able to let go of the lock.
            update = {
                "state": State.FAILED,
                "outcome": "not known",
                "message": f"{by.name} ended the looking up; it is not known whether it happened.",
                "remedy": "Look whether it happened before you ask again.",
                "finished_at": now,
            }
            return self._advance(request, request.model_copy(update=update), by, "no longer looked up")
        verb = self.gate.catalog[request.action]
        if not issubclass(verb, Operation) or request.state is not State.WAITING:
            raise Refused(f"{request.id} is in the midst of being done.", remedy="Try again in a moment.")
        # Who polls it at this moment keeps the lease: two at once would do and undo it at the same time.
        update = {"cancel_requested_by": by.name, "next_poll_at": now}
        advanced = self._advance(request, request.model_copy(update=update), by, "cancellation requested")
        self.gate.poll_soon(advanced.poller)
        return advanced

    def awaiting(self, by: Requester) -> Sequence[Request]:
        """The requests that wait for approval and that this person may approve, oldest first."""
        waiting = self.gate.ledger.find(RequestQuery(states=(State.AWAITING_APPROVAL,), limit=200))
        roles = self.roles_of(by)
        catalog, organization = self.gate.catalog, self.gate.tools.organization
        return [r for r in reversed(waiting) if may_approve(r, by, roles, catalog, organization).allowed]

    def approvers_of(self, request: Request) -> tuple[str, ...]:
        """The people who may approve a request now."""
        gate = self.gate
        return approvers(request, gate.catalog, gate.tools.organization, gate.grants, gate.clock.now())

    def roles_of(self, requester: Requester) -> tuple[str, ...]:
        """Every role they hold now."""
        return roles_of(requester, self.gate.tools.organization, self.gate.grants, self.gate.clock.now())

    def referred(self, place: Place, by: Requester, *, waiting: bool) -> Request | None:
        """The request that "it" means here.

        Raises:
            Refused: it could be one of several; names them.
        """
        states = _WAITING if waiting else (*_WAITING, *_UNDER_WAY)
        here = self._candidates(RequestQuery(states=states, place_key=place.key, limit=20))
        if not here and waiting:
            here = list(self.awaiting(by))
        if not here:
            here = self._candidates(RequestQuery(states=states, requester=by.name, limit=20))
        if len(here) > 1:
            named = ", ".join(f"{r.id} ({r.action} {r.service or ''})".replace(" )", ")") for r in here[:5])
            raise Refused(f"That could be one of several: {named}.", remedy="Say which.")
        return here[0] if here else None

    def _candidates(self, query: RequestQuery) -> list[Request]:
        # The request that asks is itself under way while it asks, so decisions are left out.
        catalog = self.gate.catalog
        return [r for r in self.gate.ledger.find(query) if r.action in catalog and not catalog[r.action].policy.control]

    def _existing(self, request_id: str) -> Request:
        request = self.gate.ledger.get(request_id)
        if request is None:
            raise Refused(f"There is no request {request_id}.", remedy="`approvals` lists what waits for you.")
        return request

    def _waiting(self, request_id: str, state: State, wanted: str) -> Request:
        request = self._existing(request_id)
        if request.state is not state:
            raise NotWaiting(request, wanted)
        if request.expires_at is not None and request.expires_at <= self.gate.clock.now():
            raise Refused(f"{request.id} has expired.", remedy="Ask for it again.")
        return request

    def _decision(self, request: Request, by: Requester, *, approved: bool, reason: str = "") -> Decision:
        now, roles = self.gate.clock.now(), tuple(sorted(by.roles))
        return Decision(person=by.name, approved=approved, at=now, seal=request.seal, reason=reason, roles=roles)

    def _check_approver(self, request: Request, by: Requester) -> None:
        verdict = may_approve(request, by, self.roles_of(by), self.gate.catalog, self.gate.tools.organization)
        if not verdict.allowed:
            raise Refused(verdict.message, remedy=verdict.remedy)

    def _check_canceller(self, request: Request, by: Requester) -> None:
        if asked_by(request, by.name) or by.name in confirmers(request, self.gate.tools.organization):
            return
        self._check_may(request, by, f"You may not cancel {request.id}")

    def _check_may(self, request: Request, by: Requester, otherwise: str) -> None:
        policy = self.gate.catalog[request.action].policy
        verdict = may(policy, request, by, self.roles_of(by), self.gate.tools.organization)
        if not verdict.allowed:
            raise Refused(f"{otherwise}: {verdict.message}", remedy=f"{request.requester.name}, who asked for it, may.")

    def _advance(
        self, before: Request, after: Request, by: Requester, note: str, decision: Decision | None = None
    ) -> Request:
        move = Move(before=before, after=after, by=by.name, note=note, decision=decision)
        try:
            advanced = self.gate.ledger.advance(move, now=self.gate.clock.now())
        except Conflict:
            now = self._existing(before.id)
            state = now.state.value.replace("_", " ")
            raise Refused(f"Somebody was quicker: {before.id} is {state} now.", remedy="Look at its card.") from None
        except LockHeld as found:
            raise Refused(
                f"{before.id} cannot begin now: {found.message}",
                remedy=f"Say it again when {found.holder.id} is over.",
            ) from None
        self.gate.announce(advanced)
        return advanced


def _has_approved(request: Request, by: Requester) -> bool:
    return any(d.approved and d.person == by.name and d.seal == request.seal for d in request.decisions)
