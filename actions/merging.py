"""The operation that sees a merged fix through: until the pipeline of the branch it was merged into has ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.action import Ended, Ongoing, Progress, Running
from actions.core.context import Tools
from actions.core.errors import Unreachable
from actions.core.ports.delivery import Pipeline, Pipelines
from actions.core.ports.repositories import MergeRequest
from actions.core.reply import Step, StepState

WITHIN = timedelta(hours=1)
"""How long the branch's pipeline may take."""
UNSEEN = timedelta(seconds=20)
"""After this long without a pipeline there is none to wait for."""


class Settled(BaseModel):
    """A fix that somebody decided about.

    Attributes:
        request: the request that proposed it.
        playbook: the playbook whose fix it is.
        category: the kind of failure that it mends.
        pipeline: the pipeline of the branch it was merged into; None where none was seen.
    """

    model_config = ConfigDict(frozen=True)

    request: str
    service: str
    merge_request: MergeRequest
    playbook: str = ""
    category: str = ""
    pipeline: Pipeline | None = None


class Watch(BaseModel):
    """The handle: what was merged, and when."""

    model_config = ConfigDict(frozen=True)

    settled: Settled
    since: datetime


def begun(settled: Settled, now: datetime) -> Ongoing:
    """It is merged; the branch's pipeline is to be seen."""
    steps = (
        Step(name=f"Merge !{settled.merge_request.id}", state=StepState.DONE, started_at=now, ended_at=now),
        Step(name=f"{settled.merge_request.target} is green", state=StepState.RUNNING, started_at=now),
    )
    return Ongoing(handle=_dump(Watch(settled=settled, since=now)), steps=steps, poll_after=1)


def watched(running: Running, tools: Tools) -> Progress:
    """How the pipeline of the branch is getting on."""
    handle = Watch.model_validate(running.handle)
    merged = handle.settled.merge_request
    try:
        recent = tools.use(Pipelines).recent(merged.project, ref=merged.target, limit=5)
    except Unreachable as error:
        return Ongoing(
            handle=running.handle, steps=_with(running, detail=f"{error.system} does not answer"), poll_after=5
        )
    found = next((each for each in recent if each.sha == merged.merge_sha), None)
    waited = running.now - handle.since
    if found is None and waited < UNSEEN:
        return Ongoing(handle=running.handle, steps=running.request.steps, poll_after=1)
    if found is not None and not found.is_finished and waited < WITHIN:
        return Ongoing(
            handle=running.handle, steps=_with(running, detail=f"pipeline #{found.id} is {found.status}"), poll_after=1
        )
    return _ended(running, handle, found)


def _ended(running: Running, handle: Watch, found: Pipeline | None) -> Ended:
    settled = handle.settled.model_copy(update={"pipeline": found})
    state = StepState.SKIPPED if found is None else StepState.DONE if found.status == "success" else StepState.FAILED
    steps = tuple(
        step.model_copy(
            update={"state": state, "ended_at": running.now, "detail": "", "url": found.url if found else ""}
        )
        if step.state is StepState.RUNNING
        else step
        for step in running.request.steps
    )
    outcome = "merged" if found is None or found.status == "success" else "merged, not green"
    return Ended(state="done", outcome=outcome, result=settled, steps=steps)


def left(running: Running) -> Ended:
    """Stop watching; what is merged stays merged."""
    handle = Watch.model_validate(running.handle)
    return Ended(state="done", outcome="merged", result=handle.settled, steps=running.request.steps)


def _with(running: Running, *, detail: str) -> tuple[Step, ...]:
    return tuple(
        step.model_copy(update={"detail": detail}) if step.state is StepState.RUNNING else step
        for step in running.request.steps
    )


def _dump(handle: Watch) -> dict[str, JsonValue]:
    dumped: dict[str, JsonValue] = handle.model_dump(mode="json")
    return dumped
