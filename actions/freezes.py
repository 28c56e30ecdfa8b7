"""The kill switch: freeze and thaw."""

from __future__ import annotations

from abc import ABC
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Risk, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import Duration, EnvironmentName, PersonName, Reason, ServiceName, VerbName
from actions.core.people import Role
from actions.core.ports.ledger import Freeze as FreezeRecord
from actions.core.ports.ledger import Freezes
from actions.core.reply import Button, Moment, Reply, Text, Tone, fields

_SAMPLE_TIME = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


Only = Literal["playbooks", "model"]


class Frozen(BaseModel):
    """What is frozen, or was, and in words."""

    model_config = ConfigDict(frozen=True)

    scope: str
    reason: str = ""
    until: datetime | None = None
    count: int = 1


class _Scoped(Action[Frozen], ABC, risk=Risk.CHANGE, control=True, needs=Role.DEVOPS, queue="inline"):
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
