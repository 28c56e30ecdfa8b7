"""The operation that mends a failed pipeline: a change on a branch of its own, proven by that branch's pipelines.

Only when what failed is green there, and nothing that passed before fails, is a merge request opened. What cannot be
mended safely ends as advice. Each write is found again by the branch, the pipeline's marker or the merge request, so that
a crash at any point neither loses nor doubles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.action import Ended, Ongoing, Progress, Running
from actions.core.context import Context, Tools
from actions.core.errors import OutcomeUnknown, OutsideError, Rejected, Unreachable
from actions.core.plan import Plan
from actions.core.ports.autonomy import Autonomy, Leave, Stage, Terrain
from actions.core.ports.delivery import Pipeline, Pipelines
from actions.core.ports.repositories import Repositories
from actions.core.reply import Step, StepState
from actions.fix import Fix, description
from actions.investigation import CONFIGURATION, failed_jobs
from actions.prescription import BRANCHES, Prescription

WITHIN = timedelta(hours=2)
"""How long the proof may take."""

_MERGE_REQUESTS = "refs/merge-requests/"
"""How GitLab names what a merge request's pipeline runs for, which is no branch."""

PATIENCE = timedelta(seconds=8)
"""How long to wait for the pipeline that a push starts, before one is asked for."""


class Phase(StrEnum):
    """What is to be done, or waited for, next."""

    RETRY = "retry"
    PROVE = "prove"
    PROPOSE = "propose"
    CLEAN = "clean"


class Mending(BaseModel):
    """The handle: all that is needed to go on after any crash.

    Attributes:
        fix: what is being tried, as far as it has come.
        target: the branch that failed, for which the change is meant.
        sha: the commit on the fix's branch.
        runs: how often the jobs must be green.
        current: the pipeline that is being waited for; empty where there is none yet.
        passed: the names of the jobs that passed in the pipeline that failed.
        why: why it is not proven; empty while there is hope.
    """

    model_config = ConfigDict(frozen=True)

    phase: Phase
    fix: Fix
    target: str
    sha: str = ""
    runs: int = 1
    current: str = ""
    since: datetime
    deadline: datetime
    passed: tuple[str, ...] = ()
    why: str = ""
    cancelled_by: str = ""


def branch_of(pipeline: str, marker: str) -> str:
    """The branch on which the request of a marker tries a fix."""
    return f"{BRANCHES}{pipeline}-{marker.lower()}"


def begin(context: Context, wanted: Prescription) -> Progress:
    """Set it going: run the failed jobs again, or make the branch; the polls that follow see it through."""
    pipeline = wanted.failure.pipeline
    leave = _leave(context, wanted)
    if wanted.remedy.kind == "advise":
        summary, advice = wanted.remedy.summary, wanted.remedy.advice
        if leave is not None and leave.kind == "own":
            return _left_alone(context, wanted, "left alone", summary=leave.stop, advice=summary, leave=leave)
        return _left_alone(context, wanted, "left alone", summary=summary, advice=advice)
    if leave is not None and (ended := _held_back(context, wanted, leave)):
        return ended
    if wanted.remedy.kind == "edit" and pipeline.ref.startswith(_MERGE_REQUESTS):
        return _of_merge_request(context, wanted, leave)
    if wanted.remedy.kind == "retry":
        context.use(Pipelines).retry(pipeline.project, pipeline.id)
        return _ongoing(_handle(context, wanted, Phase.RETRY, leave), _again(wanted))
    branch = branch_of(pipeline.id, context.request.marker)
    made = context.use(Repositories).propose(
        pipeline.project, branch, pipeline.sha, wanted.remedy.files, message=_message(context, wanted)
    )
    return _proving_begun(context, wanted, made.id, made.url, leave)


def _of_merge_request(context: Context, wanted: Prescription, leave: Leave | None) -> Ended:
    """What ran for a merge request is left to its author: no branch is there to merge into, and the commit may be a fork's."""
    pipeline = wanted.failure.pipeline
    number = pipeline.ref.removeprefix(_MERGE_REQUESTS).partition("/")[0]
    says = f"Pipeline #{pipeline.id} ran for merge request !{number}, so what it needs belongs on that branch."
    advice = f"It would be: {wanted.remedy.summary}"
    return _left_alone(context, wanted, "left alone", summary=says, advice=advice, leave=leave)


def _leave(context: Context, wanted: Prescription) -> Leave | None:
    """How far the playbook may go by itself; None where a person asked."""
    if not context.requester.is_machine:
        return None
    diagnosis = wanted.diagnosis
    return context.use(Autonomy).leave(
        wanted.remedy.playbook,
        category=diagnosis.category.value,
        terrain=_terrain(context, wanted),
        fingerprint=diagnosis.fingerprint,
        service=wanted.failure.service,
        project=wanted.failure.pipeline.project,
        sha=wanted.failure.pipeline.sha,
        now=context.now,
    )


def _terrain(context: Context, wanted: Prescription) -> Terrain:
    """Where a fix takes effect. What cannot be told is treated as the default branch, which is owed the most care."""
    pipeline = wanted.failure.pipeline
    try:
        default = context.use(Pipelines).default_branch(pipeline.project)
    except OutsideError:
        return Terrain.DEFAULT
    return Terrain.DEFAULT if pipeline.ref == default else Terrain.OTHER


def _held_back(context: Context, wanted: Prescription, leave: Leave) -> Ended | None:
    if leave.stop:
        says = f"It would be: {wanted.remedy.summary}"
        return _left_alone(context, wanted, "left alone", summary=leave.stop, advice=says, leave=leave)
    if leave.stage is Stage.SHADOW:
        says = "The playbook only says what it would do."
        return _left_alone(context, wanted, "shadow", summary=wanted.remedy.summary, advice=says, leave=leave)
    return None


def _left_alone(
    context: Context,
    wanted: Prescription,
    outcome: Literal["left alone", "shadow"],
    *,
    summary: str,
    advice: str,
    leave: Leave | None = None,
) -> Ended:
    handle = _handle(context, wanted, Phase.CLEAN, leave)
    update: dict[str, object] = {"outcome": outcome, "summary": summary, "advice": advice}
    if leave is not None:
        update |= {"stop": leave.kind, "told": leave.told}
    return Ended(state="done", outcome=outcome, result=handle.fix.model_copy(update=update))


def _said(leave: Leave | None) -> str:
    return f"{leave.stage.value}: {leave.why}" if leave else ""


def _proving_begun(context: Context, wanted: Prescription, sha: str, url: str, leave: Leave | None) -> Ongoing:
    handle = _handle(context, wanted, Phase.PROVE, leave)
    branch = branch_of(wanted.failure.pipeline.id, context.request.marker)
    handle = handle.model_copy(update={"sha": sha, "fix": handle.fix.model_copy(update={"branch": branch})})
    steps = _steps(wanted.remedy.summary, _proving(handle), "Open a merge request")
    return _ongoing(handle, _complete(steps, 0, context.now, url=url, detail=_because(wanted)))


def _handle(context: Context, wanted: Prescription, phase: Phase, leave: Leave | None) -> Mending:
    pipeline = wanted.failure.pipeline
    fix = Fix(
        service=wanted.failure.service,
        pipeline=pipeline,
        jobs=wanted.jobs,
        diagnosis=wanted.diagnosis,
        playbook=wanted.remedy.playbook,
        summary=wanted.remedy.summary,
        outcome="not proven",
        changes=wanted.changes,
        advice=wanted.remedy.advice,
        variable=wanted.remedy.variable or "",
        autonomy=_said(leave),
        stage=leave.stage if leave else None,
        terrain=_terrain(context, wanted),
        note=next((each.note for each in wanted.failure.jobs if each.diagnosis == wanted.diagnosis), ""),
        culprit=_breaking(context, pipeline),
    )
    return Mending(
        phase=phase,
        fix=fix,
        target=pipeline.ref,
        runs=wanted.remedy.runs,
        since=context.now,
        deadline=context.now + WITHIN,
        passed=tuple(job.name for job in pipeline.jobs if job.status == "success"),
    )


def _breaking(tools: Tools, pipeline: Pipeline) -> str:
    """Who made the commit that failed."""
    try:
        made = tools.use(Repositories).revision(pipeline.project, pipeline.sha)
    except Unreachable:
        return ""
    if made is None:
        return ""
    local = made.email.partition("@")[0].casefold()
    for person in tools.organization.people:
        if made.email and person.email and person.email.casefold() == made.email.casefold():
            return person.name
        if {person.name.casefold(), (person.gitlab or person.name).casefold()} & {local, made.author.casefold()}:
            return person.name
    return made.author


def _message(context: Context, wanted: Prescription) -> str:
    pipeline, diagnosis = wanted.failure.pipeline, wanted.diagnosis
    by = context.requester
    behalf = f"{by.name} for {by.on_behalf_of}" if by.on_behalf_of else by.name
    return (
        f"{wanted.remedy.summary[:100]}\n\nPipeline #{pipeline.id} failed in {', '.join(wanted.jobs)}: "
        f"{diagnosis.root_cause}\n\nShipmate-Request: {context.request.id}\nShipmate-Playbook: {wanted.remedy.playbook}\n"
        f"Requested-by: {' '.join(behalf.split())}"
    )


def again(context: Context, plan: Plan) -> Progress | None:
    """What was begun before a crash, found again by the branch or by the pipeline's state; None where nothing was."""
    project, number = str(plan.target_state["project"]), str(plan.target_state["pipeline"])
    pipeline = context.use(Pipelines).get(project, number)
    wanted = Prescription.model_validate(plan.target_state["prescription"])
    if wanted.remedy.kind == "advise":
        return None
    if wanted.remedy.kind == "retry":
        if pipeline.status == "failed":
            return None
        return _ongoing(_handle(context, wanted, Phase.RETRY, _leave(context, wanted)), _again(wanted))
    made = context.use(Repositories).revision(project, branch_of(number, context.request.marker))
    return _proving_begun(context, wanted, made.id, made.url, _leave(context, wanted)) if made else None


def advance(batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
    """Ask for all pipelines that are waited for at once, then move each operation on by a step."""
    handles = [Mending.model_validate(running.handle) for running in batch]
    wanted = {(handle.fix.pipeline.project, _watched(handle)) for handle in handles if _watched(handle)}
    found = tools.use(Pipelines).many(wanted)
    return [
        _advance(running, handle, found.get((handle.fix.pipeline.project, _watched(handle))), tools)
        for running, handle in zip(batch, handles, strict=True)
    ]


def _watched(handle: Mending) -> str:
    return handle.fix.pipeline.id if handle.phase is Phase.RETRY else handle.current


def _advance(running: Running, handle: Mending, pipeline: Pipeline | None, tools: Tools) -> Progress:
    try:
        match handle.phase:
            case Phase.RETRY:
                return _retried(running, handle, pipeline)
            case Phase.PROVE:
                return _prove(running, handle, pipeline, tools)
            case Phase.PROPOSE:
                return _propose(running, handle, tools)
            case Phase.CLEAN:
                return _clean(running, handle, tools)
    except (Unreachable, OutcomeUnknown) as error:
        # Each of these writes is found again by its branch or marker, so looking again is safe.
        detail = f"{error.system} does not answer; trying again"
        return Ongoing(handle=_dump(handle), steps=_detail(running.request.steps, detail), poll_after=5)
    except Rejected as error:
        return _ended(running, handle, "failed", error.message, error.remedy)


def _retried(running: Running, handle: Mending, pipeline: Pipeline | None) -> Progress:
    if pipeline is None:
        return _ended(running, handle, "failed", "The pipeline does not exist any more.")
    if not pipeline.is_finished and running.now < handle.deadline:
        return Ongoing(handle=_dump(handle), steps=running.request.steps, poll_after=1)
    handle = _proven_by(handle, pipeline)
    if pipeline.status == "success":
        fix = handle.fix.model_copy(update={"outcome": "retried", "seconds": _seconds(running)})
        steps = _complete(running.request.steps, 0, running.now, url=pipeline.url)
        return Ended(state="done", outcome="green again", result=fix, steps=steps)
    failed = ", ".join(job.name for job in failed_jobs(pipeline)) or pipeline.status
    return _ended(running, handle, "failed", f"It failed again ({failed}), so it does not pass by itself.")


def _prove(running: Running, handle: Mending, pipeline: Pipeline | None, tools: Tools) -> Progress:
    if running.now >= handle.deadline:
        return _drop(running, handle, "the proof took too long")
    if pipeline is None:
        return _await(running, handle, tools)
    if not pipeline.is_finished:
        return Ongoing(handle=_dump(handle), steps=_watching(running, handle, pipeline), poll_after=1)
    handle = _proven_by(handle, pipeline)
    if why := unproven(handle, pipeline):
        return _drop(running, handle, why)
    if len(handle.fix.proof) < handle.runs:
        # Announced before it is asked for: the marker names the run, so that none is started twice.
        next_run = handle.model_copy(update={"current": "", "since": running.now})
        return Ongoing(handle=_dump(next_run), steps=_watching(running, handle, pipeline), poll_after=0)
    still = tuple(job.name for job in failed_jobs(pipeline))
    fix = handle.fix.model_copy(update={"still_failing": still})
    moved = handle.model_copy(update={"phase": Phase.PROPOSE, "fix": fix})
    return Ongoing(handle=_dump(moved), steps=_complete(running.request.steps, 1, running.now), poll_after=0)


def _await(running: Running, handle: Mending, tools: Tools) -> Progress:
    """Find the pipeline that runs the fix, or ask for one."""
    pipelines, project, branch = tools.use(Pipelines), handle.fix.pipeline.project, handle.fix.branch
    known = {run.id for run in handle.fix.proof}
    found: Pipeline | None = None
    if not known:
        recent = pipelines.recent(project, ref=branch, limit=3)
        found = next((each for each in recent if each.sha == handle.sha), None)
        if found is None and running.now - handle.since < PATIENCE:
            return Ongoing(handle=_dump(handle), steps=running.request.steps, poll_after=1)
    if found is None:
        found = pipelines.run(project, branch, marker=f"{running.request.marker}/{len(known) + 1}")
    moved = handle.model_copy(update={"current": found.id})
    return Ongoing(handle=_dump(moved), steps=_watching(running, moved, found), poll_after=1)


def unproven(handle: Mending, pipeline: Pipeline) -> str:
    """Why a finished pipeline does not prove the fix; empty where it does."""
    jobs = {job.name: job for job in pipeline.jobs}
    for name in handle.fix.jobs:
        if name == CONFIGURATION and jobs:
            continue
        if name not in jobs:
            return f"{name} did not run with it"
        if jobs[name].status != "success":
            return f"{name} is {jobs[name].status} with it, too"
    before = {job.name for job in failed_jobs(handle.fix.pipeline)}
    for job in failed_jobs(pipeline):
        if job.name not in before:
            was = "passed before" if job.name in handle.passed else "could not run before"
            return f"{job.name}, which {was}, fails with it"
    return ""


def _propose(running: Running, handle: Mending, tools: Tools) -> Progress:
    fix, source = handle.fix, tools.use(Repositories)
    opened = source.open_merge_request(
        fix.pipeline.project,
        fix.branch,
        handle.target,
        title=fix.summary[:200],
        description=description(fix, running.request.id),
    )
    done = fix.model_copy(update={"outcome": "proposed", "merge_request": opened, "seconds": _seconds(running)})
    steps = _complete(running.request.steps, 2, running.now, url=opened.url)
    return Ended(state="done", outcome="proposed", result=done, steps=steps)


def _drop(running: Running, handle: Mending, why: str) -> Ongoing:
    """Begin to clear away what did not prove itself."""
    moved = handle.model_copy(update={"phase": Phase.CLEAN, "why": why})
    return Ongoing(handle=_dump(moved), steps=_failed(running.request.steps, 1, running.now, why), poll_after=0)


def _clean(running: Running, handle: Mending, tools: Tools) -> Progress:
    if handle.fix.branch:
        tools.use(Repositories).delete_branch(handle.fix.pipeline.project, handle.fix.branch)
    if handle.cancelled_by:
        return _ended(running, handle, "cancelled", f"{handle.cancelled_by} cancelled it; its branch is removed.")
    message = f"The fix did not prove itself: {handle.why}. Its branch is removed, and nothing else was changed."
    return _ended(running, handle, "failed", message)


def stop(running: Running, tools: Tools) -> Progress:
    """Begin to clear away."""
    handle = Mending.model_validate(running.handle)
    if handle.phase is Phase.CLEAN:
        return Ongoing(handle=running.handle, steps=running.request.steps)
    if watched := _watched(handle):
        tools.use(Pipelines).cancel(handle.fix.pipeline.project, watched)
    by = running.request.cancel_requested_by or "somebody"
    moved = handle.model_copy(update={"phase": Phase.CLEAN, "why": f"{by} cancelled it", "cancelled_by": by})
    return Ongoing(handle=_dump(moved), steps=running.request.steps, poll_after=0)


def _ended(
    running: Running, handle: Mending, state: Literal["failed", "cancelled"], message: str, remedy: str = ""
) -> Ended:
    fix = handle.fix.model_copy(update={"outcome": "not proven", "seconds": _seconds(running)})
    return Ended(
        state=state,
        outcome="cancelled" if state == "cancelled" else "not proven",
        message=message,
        remedy=remedy or ("" if state == "cancelled" else "A person has to look; the diagnosis stands below."),
        result=fix,
        steps=running.request.steps,
    )


def _proven_by(handle: Mending, pipeline: Pipeline) -> Mending:
    fix = handle.fix.model_copy(update={"proof": (*handle.fix.proof, pipeline)})
    return handle.model_copy(update={"fix": fix})


def _seconds(running: Running) -> float:
    return (running.now - running.request.created_at).total_seconds()


def _dump(handle: Mending) -> dict[str, JsonValue]:
    dumped: dict[str, JsonValue] = handle.model_dump(mode="json")
    return dumped


def _ongoing(handle: Mending, steps: tuple[Step, ...]) -> Ongoing:
    return Ongoing(handle=_dump(handle), steps=steps, poll_after=1)


def _proving(handle: Mending) -> str:
    jobs = ", ".join(handle.fix.jobs)
    return f"Prove it: {jobs} must pass" + (f" {handle.runs} times" if handle.runs > 1 else "")


def _because(wanted: Prescription) -> str:
    """Why it failed and the line that shows it, for those who look before the proof has ended."""
    shown = wanted.diagnosis.lines[-1:]
    return " ".join([wanted.diagnosis.root_cause, *(f"Line {line.number}: {line.text}" for line in shown)])[:300]


def _again(wanted: Prescription) -> tuple[Step, ...]:
    return _detail(_steps(f"Run {', '.join(wanted.jobs)} again"), _because(wanted))


def _steps(*names: str) -> tuple[Step, ...]:
    return tuple(
        Step(name=name[:100], state=StepState.PENDING if at else StepState.RUNNING) for at, name in enumerate(names)
    )


def _complete(
    steps: tuple[Step, ...], index: int, now: datetime, *, url: str = "", detail: str = ""
) -> tuple[Step, ...]:
    done = [
        step.model_copy(update={"state": StepState.DONE, "ended_at": now, "detail": detail, "url": url or step.url})
        if at == index
        else step.model_copy(update={"state": StepState.RUNNING, "started_at": now})
        if at == index + 1
        else step
        for at, step in enumerate(steps)
    ]
    return tuple(done)


def _failed(steps: tuple[Step, ...], index: int, now: datetime, why: str) -> tuple[Step, ...]:
    return tuple(
        step.model_copy(update={"state": StepState.FAILED, "ended_at": now, "detail": why[:200]})
        if at == index
        else step.model_copy(update={"state": StepState.SKIPPED})
        if at > index
        else step
        for at, step in enumerate(steps)
    )


def _watching(running: Running, handle: Mending, pipeline: Pipeline) -> tuple[Step, ...]:
    run = f", run {len(handle.fix.proof) + 1} of {handle.runs}" if handle.runs > 1 else ""
    return tuple(
        step.model_copy(update={"detail": f"pipeline #{pipeline.id} is {pipeline.status}{run}", "url": pipeline.url})
        if step.state is StepState.RUNNING
        else step
        for step in running.request.steps
    )


def _detail(steps: tuple[Step, ...], detail: str) -> tuple[Step, ...]:
    return tuple(s.model_copy(update={"detail": detail}) if s.state is StepState.RUNNING else s for s in steps)
