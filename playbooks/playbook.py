"""A playbook: what it is for, what wakes it, what it does, and how far it may go by itself; the shape of its YAML."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from actions.analysis.categories import Category, FixRisk
from actions.core.kinds import Duration
from actions.core.ports.autonomy import Stage

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Expression = Annotated[str, Field(min_length=1, max_length=500)]
"""An expression over `event` and `previous`, such as `event.facts.ref == "main"`; docs/playbooks.md says what it may hold."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Trigger(_Part):
    """What wakes a playbook.

    Attributes:
        event: the name of what happened, such as "pipeline.failed".
        where: must hold of it; without one, it always does.
    """

    event: Annotated[str, Field(pattern=r"^[a-z]+(?:\.[a-z_]+)+$")]
    where: Expression | None = None


class Match(_Part):
    """Which failures a playbook mends; such a playbook is not woken by an event but chosen by the diagnosis.

    Attributes:
        category: the kind of failure.
        language: "python" or "node" where it is about one alone.
    """

    category: Category
    language: Literal["python", "node"] | None = None


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


class StepOf(_Part):
    """One step: an action with its parameters, as a request that passes the gate like any other.

    Attributes:
        id: what later steps call it.
        action: the verb.
        parameters: its parameters; a text of the form `${…}` is an expression.
        when: must hold for the step to be taken; else it is passed over.
    """

    id: Name
    action: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,30}$")]
    parameters: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    when: Expression | None = None


class Playbook(_Part):
    """A playbook.

    Attributes:
        name: what people and the configuration call it; its requester is `playbook:<name>`.
        title: in a few words.
        purpose: what it is for, what it does and what it leaves alone (`for` in the file).
        enabled: whether it does anything at all.
        on: what wakes it; nothing for one that is chosen by a diagnosis.
        match: which failures it mends.
        risk: how much its fixes can harm.
        autonomy: how far it may go by itself.
        limits: when the loop stops.
        steps: what it does, one after the other.
        success: when it counts as mended, in words.
    """

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=80)]
    purpose: Annotated[str, Field(min_length=1, max_length=1000, alias="for")]
    enabled: bool = True
    on: tuple[Trigger, ...] = ()
    match: Match | None = None
    risk: FixRisk = FixRisk.MEDIUM
    autonomy: Autonomy = Autonomy()
    limits: Limits = Limits()
    steps: tuple[StepOf, ...] = ()
    success: str = ""

    @model_validator(mode="after")
    def _does_something(self) -> Playbook:
        if self.on and not self.steps:
            message = "it is woken by an event and has no steps"
            raise ValueError(message)
        if not self.on and self.match is None and not self.steps:
            message = "it has neither `on`, `match` nor `steps`, so it would never do anything"
            raise ValueError(message)
        ids = [step.id for step in self.steps]
        if len(ids) != len(set(ids)):
            message = f"two steps have one id: {', '.join(ids)}"
            raise ValueError(message)
        return self


def schema() -> dict[str, Any]:
    """The JSON Schema of a playbook's file."""
    found = Playbook.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "A Shipmate playbook"}
