"""The verbs by which a person gives a CI/CD variable its value, on a page of their own that hands it to GitLab.

The address of the page is its key. It is made anew each time the person it is for asks for it, stands on no card but the
one they alone see, and nothing but its hash is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from actions.core.action import Action, Ended, Ongoing, Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.errors import Refused, Unreachable
from actions.core.kinds import RequestId, ServiceName
from actions.core.organization import Organization
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.ledger import Ledger, Offer, Offers
from actions.core.ports.variables import ValuePages, Variables
from actions.core.reply import (
    Button,
    ButtonStyle,
    Code,
    Link,
    Moment,
    Note,
    Paragraph,
    Reply,
    Step,
    StepState,
    Tone,
    fields,
)
from actions.core.request import Request, State
from actions.core.tokens import hashed

WITHIN = timedelta(minutes=15)
"""How long the page is open."""

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,254}$")]


class Awaited(BaseModel):
    """The handle: which value is waited for, until when."""

    model_config = ConfigDict(frozen=True)

    project: str
    variable: str
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
        project = context.organization.service(self.service).project
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
        """Wait for the value; who asked, or whom a machine asks for, gets the way to the page."""
        context.use(ValuePages)
        project, until = str(plan.target_state["project"]), context.now + WITHIN
        handle = Awaited(project=project, variable=self.variable, until=until)
        who = " or ".join(givers(context.request, context.organization)) or "nobody who is known"
        minutes = int(WITHIN.total_seconds() // 60)
        name = f"{who} gives the value of {self.variable} on a page of their own, within {minutes} minutes"
        step = Step(name=name, state=StepState.RUNNING, started_at=context.now)
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

    def meanwhile(self, request: Request) -> tuple[Button, ...]:
        """The way to the page, which only those it is for are told."""
        return (Button.of("Give the value", ValuePage(request=request.id), style=ButtonStyle.PRIMARY),)

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


class PageForOne(BaseModel):
    """A page on which one person may give a value; its address is not kept."""

    model_config = ConfigDict(frozen=True)

    request: str
    variable: str
    service: str
    person: str
    until: datetime


class ValuePage(
    Action[PageForOne],
    name="value_page",
    queue="inline",
    private=True,
    group="pipelines",
    phrases=("give the value for {request}", "value page of {request}"),
    examples=("give the value for R-12",),
):
    """Tell the one who has to give a variable's value the way to their one-time page, and nobody else."""

    request: RequestId

    def run(self, context: Context) -> PageForOne:
        """See that it is open, and for this person."""
        asked = context.use(Ledger).get(self.request)
        if asked is None or asked.action != "set_variable":
            raise Refused(f"{self.request} waits for no value.", remedy="“set variable … of …” asks for one.")
        for_whom = givers(asked, context.organization)
        if context.requester.name not in for_whom:
            raise Refused(f"The value for {asked.id} is for {' or '.join(for_whom) or 'nobody who is known'} to give.")
        if asked.state is not State.WAITING or not asked.handle:
            raise Refused(f"{asked.id} does not wait for a value now.", remedy="Ask for it again.")
        awaited = Awaited.model_validate(asked.handle)
        return PageForOne(
            request=asked.id,
            variable=awaited.variable,
            service=str(asked.service),
            person=context.requester.name,
            until=awaited.until,
        )

    def reply(self, result: PageForOne, context: Context) -> Reply:
        """The way to the page: made when it is drawn, so that it stands nowhere but where it is shown."""
        if context.request.requester.name != result.person or context.now >= result.until:
            return Reply(title=f"The page for {result.variable} is closed")
        pages = context.use(ValuePages)
        token = pages.token()
        context.use(Offers).offer(
            Offer(
                id=hashed(token),
                request=result.request,
                action="value_page",
                parameters={"person": result.person, "key": hashed(token)[:16]},
                created_at=context.now,
            )
        )
        way = Link(text="Open the page", url=pages.address(result.request, token))
        return Reply(
            title=f"The value of {result.variable} of {result.service}",
            blocks=(
                Paragraph(text=(way, ". It is for you alone, once, until ", Moment(at=result.until), ".")),
                Note(text=("What you give there goes straight to GitLab, masked; Shipmate does not keep it.",)),
            ),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A page that was open once."""
        until = datetime(2026, 1, 1, tzinfo=UTC)
        page = PageForOne(request="R-12", variable="PAYMENT_TOKEN", service="checkout", person="sam", until=until)
        return Sample(action=cls(request="R-12"), result=page)


def givers(request: Request, organization: Organization) -> tuple[str, ...]:
    """Who may give the value: who asked; of what a machine asks, the person or the members of the team it acts for."""
    if not request.requester.is_machine:
        return (request.requester.name,)
    behalf = request.requester.on_behalf_of or ""
    return (behalf,) if organization.person(behalf) else organization.members(behalf)


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
