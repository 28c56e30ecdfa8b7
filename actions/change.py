"""The verbs about other requests and about who may change what: approve, deny, confirm, cancel, freeze, thaw, roles."""

from __future__ import annotations

from abc import ABC
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Need, Risk, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import Duration, EnvironmentName, PersonName, Reason, RequestId, RoleName, ServiceName, VerbName
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.desk import Desk
from actions.core.ports.ledger import Freeze as FreezeRecord
from actions.core.ports.ledger import Freezes, Grant, Grants
from actions.core.reply import Button, Moment, Reply, Text, Tone, fields
from actions.core.request import Request, State

_SAMPLE_TIME = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
Only = Literal["playbooks", "model"]


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


class _Decision(Action[Decided], ABC):
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
    risk=Risk.CHANGE,
    control=True,
    needs=Need.OWN_RULE,
    queue="inline",
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
    risk=Risk.CHANGE,
    control=True,
    needs=Need.OWN_RULE,
    queue="inline",
    phrases=(
        "deny [{request}] [because {reason}]",
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
    risk=Risk.CHANGE,
    control=True,
    needs=Need.OWN_RULE,
    queue="inline",
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
    risk=Risk.CHANGE,
    control=True,
    needs=Need.OWN_RULE,
    queue="inline",
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


class Frozen(BaseModel):
    """What is frozen, or was, and in words."""

    model_config = ConfigDict(frozen=True)

    scope: str
    reason: str = ""
    until: datetime | None = None
    count: int = 1


class _Scoped(Action[Frozen], ABC):
    """Base of freeze and thaw: what the freeze covers; what is left out is not narrowed."""

    service: ServiceName | None = None
    environment: EnvironmentName | None = None
    verb: VerbName | None = None
    person: PersonName | None = None
    only: Only | None = None

    def _scope(self) -> str:
        return scope_of(self.service, self.environment, self.verb, self.person, self.only)


class Freeze(
    _Scoped,
    name="freeze",
    risk=Risk.CHANGE,
    control=True,
    needs=Role.DEVOPS,
    queue="inline",
    phrases=(
        "freeze [{service}] [in] [{environment}] [for {until}] [because {reason}]",
        "freeze {environment} [for {until}] [because {reason}]",
        "freeze {service} [in {environment}] [for {until}] [because {reason}]",
        "freeze everything [for {until}] [because {reason}]",
        "freeze {verb} [in {environment}] [for {until}] [because {reason}]",
    ),
    examples=(
        "freeze production",
        "freeze production for 2 hours because of the sale",
        "freeze checkout in staging until tomorrow",
        "no more deployments to production for 3 days please",
    ),
    paraphrases=(
        "stop all changes to {environment} for {until}",
        "lock {environment} down",
        "put a freeze on {service}",
        "nobody should touch {environment} for {until}",
        "block deployments of {service} to {environment}",
        "halt everything in {environment}",
        "code freeze on {environment} for the next {until}",
    ),
):
    """Stop changes: everywhere, or to a service, an environment, a verb, a person's, or only those of machines."""

    reason: Reason | None = None
    until: Duration | None = None

    def run(self, context: Context) -> Frozen:
        """Record the freeze."""
        until = context.now + self.until if self.until else None
        record = FreezeRecord(
            service=self.service,
            environment=self.environment,
            verb=self.verb,
            person=self.person,
            only=self.only,
            reason=self.reason or "",
            until=until,
            by=context.requester.name,
            request=context.request.id,
            at=context.now,
        )
        context.use(Freezes).set(record)
        return Frozen(scope=self._scope(), reason=self.reason or "", until=until)

    def reply(self, result: Frozen, context: Context) -> Reply:
        """What is frozen until when; and the way back."""
        until: Text = (Moment(at=result.until),) if result.until else ("somebody thaws it",)
        scope = self.model_dump(include={"service", "environment", "verb", "person", "only"})
        return Reply(
            title=f"Frozen: {result.scope}",
            tone=Tone.WARNING,
            blocks=(fields(("Until", until), ("Reason", result.reason)),),
            buttons=(Button.of("Thaw", Thaw(**scope)),),
        )

    @classmethod
    def sample(cls) -> Sample:
        """Production, for two hours."""
        until = _SAMPLE_TIME + timedelta(hours=2)
        result = Frozen(scope="every change in production", reason="the sale", until=until)
        return Sample(action=cls(environment="production", until=timedelta(hours=2), reason="the sale"), result=result)


class Thaw(
    _Scoped,
    name="thaw",
    risk=Risk.CHANGE,
    control=True,
    needs=Role.DEVOPS,
    queue="inline",
    phrases=(
        "thaw [{service}] [in] [{environment}]",
        "thaw {environment}",
        "thaw {service} [in {environment}]",
        "thaw everything",
        "thaw {verb} [in {environment}]",
        "unfreeze [{service}] [in] [{environment}]",
        "unfreeze {environment}",
    ),
    examples=("thaw production", "unfreeze checkout in staging", "lift the freeze on production"),
    paraphrases=(
        "the freeze of {environment} is over",
        "{environment} is open for changes again",
        "people may deploy to {environment} again",
        "end the freeze on {service}",
        "unlock {environment}",
        "remove the freeze from {service} in {environment}",
    ),
):
    """End a freeze of exactly this scope; without any scope, every freeze."""

    def run(self, context: Context) -> Frozen:
        """End the freezes."""
        freezes = context.use(Freezes)
        lifted = freezes.lift(
            service=self.service,
            environment=self.environment,
            verb=self.verb,
            person=self.person,
            only=self.only,
            by=context.requester.name,
            now=context.now,
        )
        if not lifted:
            in_force = [freeze_scope(f) for f in freezes.in_force(context.now)]
            raise Refused(
                f"There is no freeze of exactly: {self._scope()}.",
                remedy=f"In force: {'; '.join(in_force)}." if in_force else "Nothing is frozen.",
            )
        return Frozen(scope=self._scope(), count=len(lifted))

    def reply(self, result: Frozen, context: Context) -> Reply:
        """What is open again."""
        return Reply(title=f"Thawed: {result.scope}", tone=Tone.GOOD)

    @classmethod
    def sample(cls) -> Sample:
        """Production."""
        return Sample(action=cls(environment="production"), result=Frozen(scope="every change in production"))


class RoleChange(BaseModel):
    """A role that was given or taken."""

    model_config = ConfigDict(frozen=True)

    person: str
    role: str
    until: datetime | None = None


class GrantRole(
    Action[RoleChange],
    name="grant_role",
    risk=Risk.CHANGE,
    needs=Role.ADMIN,
    queue="inline",
    phrases=(
        "grant {role} to {person} [for {until}]",
        "grant {person} {role} [for {until}]",
        "give {person} [the] {role} [role] [for {until}]",
        "make {person} [a] {role} [for {until}]",
    ),
    examples=("grant devops to erin for 7 days", "make erin an admin", "grant erin the role developer until tomorrow"),
    paraphrases=(
        "{person} should be {role} for {until}",
        "add {person} to {role}",
        "{person} needs {role} rights",
        "let {person} act as {role} for the next {until}",
        "promote {person} to {role}",
    ),
):
    """Give a person a role, for a time or until it is taken back; never to oneself."""

    person: PersonName
    role: RoleName
    until: Duration | None = None

    def plan(self, context: Context) -> Plan:
        """Refuse what would be a grant to oneself."""
        if self.person in {context.requester.name, context.requester.on_behalf_of}:
            raise Refused("Nobody grants a role to themselves.", remedy="Ask another admin.")
        return Plan(changes=(Change(what=f"roles of {self.person}", after=f"also {self.role}"),))

    def run(self, context: Context) -> RoleChange:
        """Record the grant."""
        until = context.now + self.until if self.until else None
        context.use(Grants).give(
            Grant(
                person=self.person,
                role=self.role,
                until=until,
                by=context.requester.name,
                request=context.request.id,
                at=context.now,
            )
        )
        return RoleChange(person=self.person, role=self.role, until=until)

    def reply(self, result: RoleChange, context: Context) -> Reply:
        """Who is what until when; and the way back."""
        until: Text = (Moment(at=result.until),) if result.until else ("it is revoked",)
        return Reply(
            title=f"{result.person} is {result.role} now",
            tone=Tone.GOOD,
            blocks=(fields(("Until", until)),),
            buttons=(Button.of("Revoke", RevokeRole(person=result.person, role=result.role)),),
        )

    @classmethod
    def sample(cls) -> Sample:
        """Erin is devops for a week."""
        result = RoleChange(person="erin", role="devops", until=_SAMPLE_TIME + timedelta(days=7))
        return Sample(action=cls(person="erin", role="devops", until=timedelta(days=7)), result=result)


class RevokeRole(
    Action[RoleChange],
    name="revoke_role",
    risk=Risk.CHANGE,
    needs=Role.ADMIN,
    queue="inline",
    phrases=(
        "revoke {role} from {person}",
        "revoke [the] {role} [role] of {person}",
        "take {role} from {person}",
        "remove {role} from {person}",
        "remove {person} from {role}",
    ),
    examples=("revoke devops from erin", "take the admin role away from erin", "erin should no longer be devops"),
    paraphrases=(
        "{person} must not be {role} any more",
        "strip {person} of {role}",
        "withdraw {role} rights from {person}",
        "{person} does not need {role} any longer",
        "demote {person} from {role}",
    ),
):
    """Take back a role that was granted. Roles of the configuration are changed there."""

    person: PersonName
    role: RoleName

    def run(self, context: Context) -> RoleChange:
        """End the grants."""
        taken = context.use(Grants).take(self.person, self.role, now=context.now)
        if not taken:
            configured = context.organization.person(self.person)
            by_file = configured is not None and self.role in configured.roles
            raise Refused(
                f"{self.person} holds no granted {self.role}.",
                remedy=f"{self.person} has it from shipmate.yaml; change it there." if by_file else "",
            )
        return RoleChange(person=self.person, role=self.role)

    def reply(self, result: RoleChange, context: Context) -> Reply:
        """What is over."""
        return Reply(title=f"{result.person} is no longer {result.role}", tone=Tone.GOOD)

    @classmethod
    def sample(cls) -> Sample:
        """Erin is devops no longer."""
        return Sample(action=cls(person="erin", role="devops"), result=RoleChange(person="erin", role="devops"))


def sentence(request: Request) -> str:
    """A request in the words one could have typed."""
    values = " ".join(str(value) for key, value in request.parameters.items() if key not in {"environment", "source"})
    target = f"in {request.environment}" if request.environment else ""
    if request.action in {"deploy", "promote"} and request.environment:
        target = f"to {request.environment}"
    elif not values:
        target = request.environment or ""
    return " ".join(part for part in (request.action.replace("_", " "), values, target) if part)


def scope_of(
    service: str | None, environment: str | None, verb: str | None, person: str | None, only: str | None
) -> str:
    """What a freeze covers, in words."""
    what = f"every {verb.replace('_', ' ')}" if verb else "every change"
    parts = [what]
    parts += [f"of {service}"] if service else []
    parts += [f"in {environment}"] if environment else []
    parts += [f"by {person}"] if person else []
    parts += [{"playbooks": "by playbooks", "model": "read by a model"}[only]] if only else []
    return " ".join(parts)


def freeze_scope(freeze: FreezeRecord) -> str:
    """What a freeze covers, in words."""
    return scope_of(freeze.service, freeze.environment, freeze.verb, freeze.person, freeze.only)
