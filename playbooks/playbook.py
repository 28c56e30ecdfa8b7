"""A playbook: what it is for, what wakes it, what it does, and how far it may go by itself; the shape of its YAML."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from actions.analysis.categories import Category, FixRisk
from actions.core.kinds import Duration
from actions.core.ports.autonomy import Stage
from playbooks.cron import parsed, zone

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Verb = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,30}$")]
Expression = Annotated[str, Field(min_length=1, max_length=500)]
"""An expression over `event`, `steps` and `previous`, such as `event.facts.ref == "main"`; see docs/playbooks.md."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Trigger(_Part):
    """What wakes a playbook: an event, or a time.

    Attributes:
        event: the name of what happened, such as "pipeline.failed".
        where: must hold of it; without one, it always does.
        cron: five fields, such as "0 7 * * mon-fri".
        timezone: in which the cron line is meant, such as "Europe/Berlin".
    """

    event: Annotated[str, Field(pattern=r"^[a-z_]+(?:\.[a-z_]+)+$")] | None = None
    where: Expression | None = None
    cron: Annotated[str, Field(max_length=100)] | None = None
    timezone: str = "UTC"

    @model_validator(mode="after")
    def _one_of_both(self) -> Trigger:
        if (self.event is None) == (self.cron is None):
            message = "it has either an `event` or a `cron` line"
            raise ValueError(message)
        if self.cron is None:
            if self.timezone != "UTC":
                message = "`timezone` belongs to a `cron` line"
                raise ValueError(message)
            return self
        if self.where is not None:
            message = "`where` belongs to an `event`; a step's `when` can narrow a time"
            raise ValueError(message)
        parsed(self.cron)
        zone(self.timezone)
        return self


class Match(_Part):
    """Which failures a playbook is for; such a playbook is not woken by an event but chosen by the diagnosis.

    Attributes:
        category: the kind of failure.
        language: "python" or "node" where it is about one alone.
        pattern: a regular expression that the cause or a proving line must hold; for playbooks with steps of their own.
    """

    category: Category
    language: Literal["python", "node"] | None = None
    pattern: Annotated[str, Field(max_length=300)] | None = None

    @field_validator("pattern")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                message = f"“{value[:60]}” is no regular expression: {error}"
                raise ValueError(message) from None
        return value


class Autonomy(_Part):
    """How far a playbook may go by itself.

    Attributes:
        start: the stage it begins at.
        highest: the stage it may earn at the most.
    """

    start: Stage = Stage.PROPOSE
    highest: Stage = Stage.AUTO

    @model_validator(mode="after")
    def _ordered(self) -> Autonomy:
        stages = list(Stage)
        if stages.index(self.start) > stages.index(self.highest):
            message = f"it starts at {self.start}, which is beyond the highest stage, {self.highest}"
            raise ValueError(message)
        return self


class Limits(_Part):
    """When the loop stops.

    Attributes:
        an_hour: how many fixes may be tried in one project within an hour.
        back_within: a failure that comes back this soon after its fix was merged is left to people.
        failing: how often the same fix may fail before it is left to people.
    """

    an_hour: Annotated[int, Field(ge=1, le=100)] = 4
    back_within: Duration = Field(default="1d", validate_default=True)
    failing: Annotated[int, Field(ge=1, le=10)] = 2


class Retry(_Part):
    """How often a step that failed is taken again.

    Attributes:
        times: at most so often.
        after: how long to wait before.
        unless: outcomes after which it is not, such as "not proven".
    """

    times: Annotated[int, Field(ge=1, le=5)] = 1
    after: Duration = Field(default="30s", validate_default=True)
    unless: tuple[str, ...] = ()


class Undo(_Part):
    """What takes a step back when a later one fails: an action like any other.

    Attributes:
        action: the verb.
        parameters: its parameters (`with` in the file); `steps` holds what the step had come to.
    """

    action: Verb
    parameters: dict[str, JsonValue] = Field(default_factory=dict, alias="with")


class StepOf(_Part):
    """One step: an action with its parameters, as a request that passes the gate like any other.

    Attributes:
        id: what later steps call it.
        action: the verb.
        parameters: its parameters (`with` in the file); `${…}` in a text is an expression.
        when: must hold for the step to be taken; else it is passed over.
        retry: how often it is taken again where it failed; not where it was refused, denied or cancelled.
        timeout: after this long it is cancelled, and counts as failed.
        undo: what takes it back when a later step fails.
    """

    id: Name
    action: Verb
    parameters: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    when: Expression | None = None
    retry: Retry | None = None
    timeout: Duration | None = None
    undo: Undo | None = None


class Success(_Part):
    """When a run counts as successful.

    Attributes:
        says: in words.
        when: must hold once all steps are done; without one, all steps being done is enough.
    """

    says: str = ""
    when: Expression | None = None


class Notify(_Part):
    """Who is told how a run ended, beside the cards of its steps.

    Attributes:
        team: a team of shipmate.yaml, in its channel.
        slack: a Slack channel, by its id.
        on: after which ends: "succeeded", "failed".
    """

    team: str | None = None
    slack: Annotated[str, Field(pattern=r"^[CGD][A-Z0-9]{2,20}$")] | None = None
    on: tuple[Literal["succeeded", "failed"], ...] = ("succeeded", "failed")


class Playbook(_Part):
    """A playbook.

    Attributes:
        name: what people and the configuration call it; its requester is `playbook:<name>`.
        title: in a few words.
        purpose: what it is for, what it does and what it leaves alone (`for` in the file).
        enabled: whether it does anything at all.
        on: what wakes it; nothing for one that is chosen by a diagnosis, or that people start by hand.
        match: which failures it is for.
        on_behalf_of: the person or team of shipmate.yaml for whom it acts; else who caused the event, or the owning team.
        risk: how much its fixes can harm.
        autonomy: how far it may go by itself.
        limits: when the loop stops.
        protected_branch: whether a proven fix of stage `auto` may go to a protected branch with nobody's approval.
        steps: what it does, one after the other.
        success: when it counts as mended: in words, or as a condition.
        notify: who is told how it ended.
    """

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=80)]
    purpose: Annotated[str, Field(min_length=1, max_length=1000, alias="for")]
    enabled: bool = True
    on: tuple[Trigger, ...] = ()
    match: Match | None = None
    on_behalf_of: str | None = None
    risk: FixRisk = FixRisk.MEDIUM
    autonomy: Autonomy = Autonomy()
    limits: Limits = Limits()
    protected_branch: bool = False
    steps: tuple[StepOf, ...] = ()
    success: str | Success = ""
    notify: Notify | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Playbook:
        if self.on and not self.steps:
            message = "it is woken by an event or a time and has no steps"
            raise ValueError(message)
        if not self.on and self.match is None and not self.steps:
            message = "it has neither `on`, `match` nor `steps`, so it would never do anything"
            raise ValueError(message)
        if self.match is not None and self.match.pattern is not None and not self.steps:
            message = "`match.pattern` is for playbooks with steps; Shipmate's own remedies know what they mend"
            raise ValueError(message)
        ids = [step.id for step in self.steps]
        if len(ids) != len(set(ids)):
            message = f"two steps have one id: {', '.join(ids)}"
            raise ValueError(message)
        return self

    @property
    def by_hand(self) -> bool:
        """Whether only people start it."""
        return bool(self.steps) and not self.on and self.match is None

    @property
    def criterion(self) -> Success:
        """When it counts as successful."""
        return self.success if isinstance(self.success, Success) else Success(says=self.success)


def schema() -> dict[str, Any]:
    """The JSON Schema of a playbook's file."""
    found = Playbook.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "A Shipmate playbook"}
