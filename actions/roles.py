"""The verbs about who may do what: grant_role and revoke_role."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Risk, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import Duration, PersonName, RoleName
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.ledger import Grant, Grants
from actions.core.reply import Button, Moment, Reply, Text, Tone, fields

_SAMPLE_TIME = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


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
