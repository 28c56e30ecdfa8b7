"""The verb by which a person gives a CI/CD variable its value, on a page of Shipmate's own that hands it to GitLab."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from actions.core.action import Ended, Ongoing, Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.errors import Refused, Unreachable
from actions.core.kinds import ServiceName
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.variables import ValuePages, Variables
from actions.core.reply import Button, Code, Reply, Step, StepState, Tone, fields
from actions.pipelines import project_of

WITHIN = timedelta(minutes=15)
"""How long the page is open."""

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,254}$")]


class Awaited(BaseModel):
    """The handle: which value is waited for, and the hash of the token that opens its page."""

    model_config = ConfigDict(frozen=True)

    project: str
    variable: str
    token: str
    until: datetime


class VariableSet(BaseModel):
    """A variable that was given its value; the value is not known here."""

    model_config = ConfigDict(frozen=True)

    service: str
    project: str
    variable: str


class SetVariable(
    Operation[VariableSet],
    name="set_variable",
    risk=Risk.CHANGE,
    needs=Role.DEVELOPER,
    queue="remediate",
    poller="gitlab",
    group="pipelines",
    phrases=(
        "set variable {variable} of {service}",
        "set [the] ci variable {variable} of {service}",
        "add [the] ci variable {variable} to {service}",
    ),
    examples=("set variable PAYMENT_TOKEN of checkout", "add the ci variable SMTP_HOST to notifications"),
):
    """Open a one-time page on which a value is given to a CI/CD variable that is not set yet."""

    service: ServiceName
    variable: VariableName

    def plan(self, context: Context) -> Plan:
        """See that it is not set yet."""
        project = project_of(context.organization, self.service)
        if context.use(Variables).exists(project, self.variable):
            raise Refused(
                f"{self.variable} of {self.service} is set already.",
                remedy="Change it in GitLab, where it can be seen.",
            )
        return Plan(
            changes=(Change(what=f"{self.variable} of {self.service}", before="not set", after="set, masked"),),
            target_state={"project": project, "variable": self.variable},
        )

    def start(self, context: Context, plan: Plan) -> Progress:
        """Open the page."""
        pages = context.use(ValuePages)
        token = pages.token()
        handle = Awaited(
            project=str(plan.target_state["project"]),
            variable=self.variable,
            token=hashed(token),
            until=context.now + WITHIN,
        )
        step = Step(
            name=f"Give the value of {self.variable} on this page, within {int(WITHIN.total_seconds() // 60)} minutes",
            state=StepState.RUNNING,
            started_at=context.now,
            url=pages.address(context.request.id, token),
        )
        return Ongoing(handle=handle.model_dump(mode="json"), steps=(step,), poll_after=2)

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """See whether the value is there."""
        return [_looked(running, tools) for running in batch]

    def cancel(self, running: Running, tools: Tools) -> Progress:
        """Close the page."""
        by = running.request.cancel_requested_by or "somebody"
        return Ended(
            state="cancelled",
            outcome="cancelled",
            message=f"{by} closed the page; nothing was set.",
            steps=_shut(running),
        )

    def find(self, context: Context) -> Progress | None:
        """A page that was opened and not noted is opened anew."""
        return None

    def reply(self, result: VariableSet, context: Context) -> Reply:
        """That it is set, and the way on."""
        return Reply(
            title=f"{result.variable} of {result.service} is set, masked",
            tone=Tone.GOOD,
            blocks=(fields(("Project", result.project), ("Variable", Code(text=result.variable))),),
            buttons=(
                Button(label="Retry the pipeline", action="retry_pipeline", parameters={"service": result.service}),
            ),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A token of checkout."""
        result = VariableSet(service="checkout", project="shop/checkout", variable="PAYMENT_TOKEN")
        return Sample(action=cls(service="checkout", variable="PAYMENT_TOKEN"), result=result)


def hashed(token: str) -> str:
    """What is kept of a page's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _looked(running: Running, tools: Tools) -> Progress:
    handle = Awaited.model_validate(running.handle)
    try:
        there = tools.use(Variables).exists(handle.project, handle.variable)
    except Unreachable:
        return Ongoing(handle=running.handle, steps=running.request.steps, poll_after=5)
    if there:
        service = str(running.request.service)
        result = VariableSet(service=service, project=handle.project, variable=handle.variable)
        return Ended(state="done", outcome="set", result=result, steps=_shut(running, StepState.DONE))
    if running.now >= handle.until:
        return Ended(
            state="failed",
            outcome="expired",
            message="Nobody gave the value in time; the page is closed.",
            remedy=f"Ask again: set variable {handle.variable} of {running.request.service}.",
            steps=_shut(running),
        )
    return Ongoing(handle=running.handle, steps=running.request.steps, poll_after=2)


def _shut(running: Running, state: StepState = StepState.SKIPPED) -> tuple[Step, ...]:
    """The step without the way to a page that is closed."""
    return tuple(
        step.model_copy(update={"state": state, "ended_at": running.now, "url": ""}) for step in running.request.steps
    )
