"""The verbs about other requests: approve, deny, confirm, cancel."""

from __future__ import annotations

from abc import ABC

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Need, Risk, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import Reason, RequestId
from actions.core.ports.desk import Desk
from actions.core.reply import Reply, Tone, fields
from actions.core.request import Request, State


class Decided(BaseModel):
    """A request about which somebody decided.

    Attributes:
        request: which.
        state: where it is now.
        still: how many approvals are still needed.
    """

    model_config = ConfigDict(frozen=True)

    request: str
    sentence: str
    state: State
    still: int = 0
    reason: str = ""


class _Decision(Action[Decided], ABC, risk=Risk.CHANGE, control=True, needs=Need.OWN_RULE, queue="inline"):
    """Base of the verbs that decide about a request: the named one, else the one that is meant in the thread."""

    def _meant(self, context: Context, request: str | None, *, waiting: bool) -> str:
        if request is not None:
            return request
        found = context.use(Desk).referred(context.request.place, context.requester, waiting=waiting)
        if found is None:
            raise Refused(
                "Nothing here waits for that." if waiting else "Nothing is under way here.",
                remedy="Name the request, such as R-12; `approvals` lists what waits for you.",
            )
        return found.id

    @classmethod
    def _decided(cls, request: Request, *, still: int = 0, reason: str = "") -> Decided:
        return Decided(request=request.id, sentence=sentence(request), state=request.state, still=still, reason=reason)


class Approve(
    _Decision,
    name="approve",
    phrases=(
        "approve [{request}]",
        "approve it",
        "approve that",
        "approve this",
        "approve request {request}",
        "approved {request}",
        "ok {request}",
    ),
    examples=("approve R-12", "approve it", "lgtm, ship R-12", "R-12 is fine with me, go ahead"),
    paraphrases=(
        "you have my approval for {request}",
        "i sign off {request}",
        "{request} may go",
        "yes to {request}",
        "looks good to me, let {request} through",
        "green light for {request}",
    ),
):
    """Approve a request that waits for a second person: the named one, else the one waiting here."""

    request: RequestId | None = None

    def run(self, context: Context) -> Decided:
        """Count the approval; the last one needed sends the request on."""
        meant = self._meant(context, self.request, waiting=True)
        found = context.use(Desk).approve(meant, context.requester)
        needed = max((v.approvals for v in found.verdicts), default=0)
        given = sum(d.approved and d.seal == found.seal for d in found.decisions)
        # An approval whose giver has lost the role since does not count, so one more is needed than it seems.
        still = max(1, needed - given) if found.state is State.AWAITING_APPROVAL else 0
        return self._decided(found, still=still)

    def reply(self, result: Decided, context: Context) -> Reply:
        """That it goes on, or what is still missing."""
        if result.still:
            return Reply(title=f"Approved {result.request}; {result.still} more needed", tone=Tone.GOOD)
        return Reply(title=f"Approved {result.request}: {result.sentence}", tone=Tone.GOOD)

    @classmethod
    def sample(cls) -> Sample:
        """R-12 goes on."""
        result = Decided(request="R-12", sentence="deploy checkout v1.4.2 to production", state=State.ACCEPTED)
        return Sample(action=cls(request="R-12"), result=result)


class Deny(
    _Decision,
    name="deny",
    phrases=(
        "deny [{request}] [because {reason}]",
        "deny {request}: {reason}",
        "reject {request}: {reason}",
        "reject [{request}] [because {reason}]",
        "decline {request}",
        "deny it",
        "deny that",
        "reject it",
        "reject that",
    ),
    examples=("deny R-12: no tests", "reject R-12 because the database is being moved", "deny it"),
    paraphrases=(
        "no to {request}",
        "i do not approve {request}",
        "{request} must not go out",
        "turn {request} down",
        "refuse {request}",
        "{request} is not ok with me",
    ),
):
    """Deny a request that waits for a second person, with a reason if there is one."""

    request: RequestId | None = None
    reason: Reason | None = None

    def run(self, context: Context) -> Decided:
        """End the request."""
        meant = self._meant(context, self.request, waiting=True)
        return self._decided(
            context.use(Desk).deny(meant, context.requester, self.reason or ""), reason=self.reason or ""
        )

    def reply(self, result: Decided, context: Context) -> Reply:
        """That it is over, and why."""
        blocks = (fields(("Reason", result.reason)),) if result.reason else ()
        return Reply(title=f"Denied {result.request}: {result.sentence}", tone=Tone.WARNING, blocks=blocks)

    @classmethod
    def sample(cls) -> Sample:
        """R-12 is denied."""
        result = Decided(
            request="R-12", sentence="deploy checkout v1.4.2 to production", state=State.DENIED, reason="no tests"
        )
        return Sample(action=cls(request="R-12", reason="no tests"), result=result)


class Confirm(
    _Decision,
    name="confirm",
    phrases=("confirm [{request}]",),
    examples=("confirm R-12", "confirm it"),
):
    """Confirm a request of one's own that was read by a model and shown back."""

    request: RequestId | None = None

    def run(self, context: Context) -> Decided:
        """Send the request on."""
        meant = self._meant(context, self.request, waiting=True)
        return self._decided(context.use(Desk).confirm(meant, context.requester))

    def reply(self, result: Decided, context: Context) -> Reply:
        """That it goes on."""
        return Reply(title=f"Confirmed {result.request}: {result.sentence}", tone=Tone.GOOD)

    @classmethod
    def sample(cls) -> Sample:
        """R-12 goes on."""
        result = Decided(request="R-12", sentence="restart checkout in staging", state=State.ACCEPTED)
        return Sample(action=cls(request="R-12"), result=result)


class Cancel(
    _Decision,
    name="cancel",
    phrases=(
        "cancel [{request}]",
        "abort [{request}]",
        "stop {request}",
        "cancel [the] request {request}",
        "cancel it",
        "cancel that",
        "cancel this",
        "stop it",
        "stop that",
    ),
    examples=("cancel R-12", "cancel that", "abort it please"),
    paraphrases=(
        "withdraw {request}",
        "i take {request} back",
        "{request} is no longer needed",
        "drop {request}",
        "forget about {request}",
        "call {request} off",
        "stop what you are doing with {request}",
    ),
):
    """Cancel a request that waits, or begin to undo one that is under way."""

    request: RequestId | None = None

    def run(self, context: Context) -> Decided:
        """End or undo the request."""
        meant = self._meant(context, self.request, waiting=False)
        return self._decided(context.use(Desk).cancel(meant, context.requester))

    def reply(self, result: Decided, context: Context) -> Reply:
        """Whether it is over already."""
        verb = "Cancelled" if result.state.is_final else "Cancelling"
        return Reply(title=f"{verb} {result.request}: {result.sentence}", tone=Tone.WARNING)

    @classmethod
    def sample(cls) -> Sample:
        """R-12 is over."""
        result = Decided(request="R-12", sentence="deploy checkout v1.4.2 to production", state=State.CANCELLED)
        return Sample(action=cls(request="R-12"), result=result)


def sentence(request: Request) -> str:
    """A request in the words one could have typed."""
    values = " ".join(
        str(value)
        for key, value in request.parameters.items()
        if key not in {"environment", "source"} and not isinstance(value, dict)
    )
    target = f"in {request.environment}" if request.environment else ""
    if request.action in {"deploy", "promote"} and request.environment:
        target = f"to {request.environment}"
    elif not values:
        target = request.environment or ""
    return " ".join(part for part in (request.action.replace("_", " "), values, target) if part)
