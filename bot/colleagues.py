"""The sandbox's own verb: have a colleague break a service's pipeline, to see it found out and mended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from actions.core.action import Ended, Ongoing, Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.errors import Rejected, Unreachable
from actions.core.kinds import ServiceName
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.delivery import Pipelines
from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.reply import Code, Note, Reply, Step, StepState, Tone, fields

Way = Literal["dependency", "test", "syntax", "command", "configuration", "timeout"]
WITHIN = timedelta(minutes=2)
TIMEOUT = 20.0


class Push(BaseModel):
    """A commit by which a colleague broke something."""

    model_config = ConfigDict(frozen=True)

    project: str
    commit: str
    author: str


class Colleagues(Protocol):
    """Those who work at the sandbox company."""

    def break_pipeline(self, service: str, way: str) -> Push:
        """Have one push a commit whose pipeline fails."""


class SandboxColleagues:
    """The sandbox's control endpoint.

    Args:
        url: where the sandbox is.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def break_pipeline(self, service: str, way: str) -> Push:
        """Have one push a commit whose pipeline fails."""
        import httpx  # noqa: PLC0415 - only who breaks something pays for it

        try:
            with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
                answer = client.post(f"{self._url}/_sandbox/breakages", json={"service": service, "kind": way})
        except httpx.HTTPError as error:
            raise Unreachable("The sandbox", "The sandbox does not answer.", remedy="Is it running?") from error
        if answer.is_error:
            raise Rejected("The sandbox", str(answer.json().get("error", answer.status_code)))
        return Push.model_validate(answer.json())


class Broken(BaseModel):
    """What became of it.

    Attributes:
        pipeline: the pipeline that failed; empty where none was seen.
        request: the request that looks after it; empty where nothing does.
    """

    model_config = ConfigDict(frozen=True)

    service: str
    project: str
    sha: str
    author: str
    pipeline: str = ""
    follow: str = ""


class Watch(BaseModel):
    """The handle."""

    model_config = ConfigDict(frozen=True)

    project: str
    sha: str
    author: str
    deadline: datetime


class BreakPipeline(
    Operation[Broken],
    name="break_pipeline",
    risk=Risk.CHANGE,
    needs=Role.DEVELOPER,
    queue="deploy",
    poller="gitlab",
    group="sandbox",
    phrases=(
        "break {service} pipeline [by {way}]",
        "break {service} build",
        "break [the] pipeline of {service} [by {way}]",
        "break [the] build of {service}",
        "break pipeline {service} [{way}]",
    ),
    examples=("break checkout's pipeline", "break the pipeline of search", "break the build of checkout"),
    paraphrases=(
        "let somebody break {service}'s build",
        "make {service}'s pipeline fail",
        "have a colleague break the pipeline of {service}",
        "push something broken to {service}",
    ),
):
    """In the sandbox alone: have a colleague push a commit that breaks a service's pipeline."""

    service: ServiceName
    way: Way = "dependency"

    def plan(self, context: Context) -> Plan:
        """What a colleague will do."""
        return Plan(changes=(Change(what=f"main of {self.service}", after=f"a commit that breaks it ({self.way})"),))

    def start(self, context: Context, plan: Plan) -> Progress:
        """Have it pushed."""
        pushed = context.use(Colleagues).break_pipeline(self.service, self.way)
        handle = Watch(project=pushed.project, sha=pushed.commit, author=pushed.author, deadline=context.now + WITHIN)
        steps = (
            Step(name=f"{pushed.author} pushes {pushed.commit[:8]}", state=StepState.DONE, ended_at=context.now),
            Step(name="Its pipeline fails", state=StepState.RUNNING, started_at=context.now),
            Step(name="Somebody notices"),
        )
        return Ongoing(handle=handle.model_dump(mode="json"), steps=steps, poll_after=0.5)

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """Watch the pipeline, and for who looks after it."""
        return [_watched(running, tools) for running in batch]

    def cancel(self, running: Running, tools: Tools) -> Progress:
        """What is pushed stays pushed."""
        return Ended(state="cancelled", outcome="cancelled", message="What was pushed stays pushed.")

    def find(self, context: Context) -> Progress | None:
        """A second push is harmless."""
        return None

    def reply(self, result: Broken, context: Context) -> Reply:
        """Who broke what, and who looks after it."""
        after: tuple[Note, ...] = ()
        if not result.follow:
            after = (Note(text=("Nothing has noticed it yet; ask “why did it fail?”",)),)
        return Reply(
            title=f"{result.author} broke {result.service}'s pipeline"
            + (f" #{result.pipeline}" if result.pipeline else ""),
            tone=Tone.BAD,
            blocks=(fields(("Commit", Code(text=result.sha[:8])), ("Looked after by", result.follow)), *after),
        )

    @classmethod
    def sample(cls) -> Sample:
        """Sam breaks checkout."""
        result = Broken(service="checkout", project="shop/checkout", sha="9f3c2ab1", author="sam", pipeline="812")
        return Sample(action=cls(service="checkout"), result=result)


def _watched(running: Running, tools: Tools) -> Progress:
    handle = Watch.model_validate(running.handle)
    late = running.now >= handle.deadline
    found = next(
        (each for each in tools.use(Pipelines).recent(handle.project, ref="main", limit=5) if each.sha == handle.sha),
        None,
    )
    if found is None or not found.is_finished:
        return (
            _over(running, handle)
            if late
            else Ongoing(handle=running.handle, steps=running.request.steps, poll_after=0.5)
        )
    first, second, third = running.request.steps
    steps = (
        first,
        second.model_copy(update={"state": StepState.DONE, "url": found.url}),
        third.model_copy(update={"state": StepState.RUNNING}),
    )
    query = RequestQuery(actions=("fix_pipeline",), service=running.request.service, since=running.request.created_at)
    cared = [each for each in tools.use(Ledger).find(query) if each.parameters.get("pipeline") == found.id]
    if cared or late:
        return _over(running, handle, pipeline=found.id, follow=cared[0].id if cared else "", steps=steps)
    return Ongoing(handle=running.handle, steps=steps, poll_after=0.3)


def _over(
    running: Running, handle: Watch, *, pipeline: str = "", follow: str = "", steps: tuple[Step, ...] = ()
) -> Ended:
    result = Broken(
        service=str(running.request.service),
        project=handle.project,
        sha=handle.sha,
        author=handle.author,
        pipeline=pipeline,
        follow=follow,
    )
    last = StepState.DONE if follow else StepState.SKIPPED
    done = tuple(step if step.state is StepState.DONE else step.model_copy(update={"state": last}) for step in steps)
    return Ended(state="done", outcome="broken", result=result, steps=done)
