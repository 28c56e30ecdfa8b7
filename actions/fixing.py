"""The operation that mends a failed pipeline: a change on a branch of its own, proven by that branch's pipelines.

Only when what failed is green there, and nothing that passed before fails, is a merge request opened. What cannot be
mended safely ends as advice. Each write is found again by the branch, the pipeline's marker or the merge request, so that
a crash at any point neither loses nor doubles it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.analysis.diagnosis import Diagnosis
from actions.analysis.remedies import remedy
from actions.analysis.remedies.remedy import Case, Ecosystem, FileChange, Remedy, Versions, changes
from actions.analysis.trace import read
from actions.core.action import Ended, Ongoing, Progress, Running
from actions.core.context import Context, Tools
from actions.core.errors import NotConnected, OutcomeUnknown, Refused, Rejected, Unreachable
from actions.core.plan import Plan
from actions.core.ports.autonomy import Autonomy, Leave, Stage
from actions.core.ports.delivery import Pipeline, Pipelines
from actions.core.ports.packages import Packages
from actions.core.ports.repositories import MergeRequest, Repositories
from actions.core.redaction import redact
from actions.core.reply import Step, StepState
from actions.investigation import CONFIGURATION, Failure, JobFailure, failed_jobs, seconds_of

BRANCHES = "shipmate/fix-"
"""What the names of the branches begin with on which fixes are tried."""

WITHIN = timedelta(hours=2)
"""How long the proof may take."""

PATIENCE = timedelta(seconds=8)
"""How long to wait for the pipeline that a push starts, before one is asked for."""


class Phase(StrEnum):
    """What is to be done, or waited for, next."""

    RETRY = "retry"
    PROVE = "prove"
    PROPOSE = "propose"
    CLEAN = "clean"


class Fix(BaseModel):
    """What was tried and what became of it.

    Attributes:
        pipeline: the pipeline that failed.
        jobs: the failed jobs that the fix is for.
        diagnosis: why the first of them failed.
        playbook: the playbook that says what to do.
        summary: what was done.
        outcome: "proposed" (proven, and a merge request is open), "retried" (green at another try), "not proven",
            "left alone" (nothing was tried; the advice says why) or "shadow" (nothing was tried, as it has not earned that).
        changes: what is different, file by file.
        advice: what a person should know before they merge.
        proof: the pipelines that ran with it.
        still_failing: jobs that failed before for other reasons, and still do.
        variable: the CI variable whose value only a person can give.
        autonomy: how far the playbook may go by itself, and why.
        culprit: who made the commit that broke it, by the name in the configuration where there is one.
        seconds: how long it took.
    """

    model_config = ConfigDict(frozen=True)

    service: str
    pipeline: Pipeline
    jobs: tuple[str, ...]
    diagnosis: Diagnosis
    playbook: str
    summary: str
    outcome: Literal["proposed", "retried", "not proven", "left alone", "shadow"]
    changes: tuple[FileChange, ...] = ()
    advice: str = ""
    branch: str = ""
    merge_request: MergeRequest | None = None
    proof: tuple[Pipeline, ...] = ()
    still_failing: tuple[str, ...] = ()
    variable: str = ""
    autonomy: str = ""
    culprit: str = ""
    seconds: float = 0.0


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


class Prescription(BaseModel):
    """A failure and what is to be done about it.

    Attributes:
        jobs: the failed jobs that it is for.
        changes: what is different, file by file.
    """

    model_config = ConfigDict(frozen=True)

    failure: Failure
    jobs: tuple[str, ...]
    diagnosis: Diagnosis
    remedy: Remedy
    changes: tuple[FileChange, ...] = ()

    def for_plan(self) -> dict[str, JsonValue]:
        """As a plan keeps it: with the changes, and without the files' whole texts."""
        kept: dict[str, JsonValue] = self.model_dump(mode="json", exclude={"remedy": {"files"}})
        return kept


def prescribe(tools: Tools, failure: Failure) -> Prescription:
    """What is to be done about a failed pipeline, worked out by reading alone.

    Several failed jobs with several causes are mended together, as far as each can be.

    Raises:
        Refused: the pipeline is one of Shipmate's own attempts, or no job of it ran.
    """
    pipeline = failure.pipeline
    if pipeline.ref.startswith(BRANCHES):
        raise Refused(
            f"Pipeline #{pipeline.id} is one of Shipmate's own attempts at a fix, and those are not mended in turn.",
            remedy=f"Look at {pipeline.ref}, or mend the branch that it was made from.",
        )
    source = _Source(tools, pipeline)
    found: Remedy | None = None
    chosen: list[tuple[str, Diagnosis, Remedy]] = []
    for failed in failure.jobs:
        case = Case(
            diagnosis=failed.diagnosis,
            job=failed.job.name,
            source=source,
            versions=_versions(tools),
            lock=_lock(tools),
            log=_log(tools, pipeline, failed),
            took=seconds_of(failed.job),
            took_before=failed.took_before,
        )
        proposed = remedy(case)
        if proposed.kind == "advise":
            found = found or proposed
            continue
        if chosen and proposed.kind != chosen[0][2].kind:
            continue
        source.change(proposed.files)
        chosen.append((failed.job.name, failed.diagnosis, proposed))
    if not chosen:
        if found is None:
            raise Refused(
                f"No job of pipeline #{pipeline.id} failed, so there is nothing to mend.",
                remedy="Look at the pipeline's own message in GitLab.",
            )
        names = tuple(failed.job.name for failed in failure.jobs)
        return Prescription(failure=failure, jobs=names, diagnosis=failure.jobs[0].diagnosis, remedy=found)
    first = chosen[0][2]
    return Prescription(
        failure=failure,
        jobs=tuple(job for job, _, _ in chosen),
        diagnosis=chosen[0][1],
        remedy=first.model_copy(
            update={
                "files": source.changed,
                "summary": "; ".join(dict.fromkeys(each.summary for _, _, each in chosen)),
                "advice": " ".join(dict.fromkeys(each.advice for _, _, each in chosen if each.advice)),
                "runs": max(each.runs for _, _, each in chosen),
            }
        ),
        changes=_shown(source.originals(), source.changed),
    )


def _shown(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FileChange, ...]:
    return tuple(each.model_copy(update={"diff": redact(each.diff)}) for each in changes(before, after))


class _Source:
    """The files of a pipeline's commit, each read once, with what was changed so far laid over them."""

    def __init__(self, tools: Tools, pipeline: Pipeline) -> None:
        self._tools = tools
        self._pipeline = pipeline
        self._paths: Sequence[str] | None = None
        self._read: dict[str, str | None] = {}
        self.changed: dict[str, str] = {}

    @property
    def paths(self) -> Sequence[str]:
        if self._paths is None:
            self._paths = self._tools.use(Repositories).files(self._pipeline.project, self._pipeline.sha)
        return self._paths

    def texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        lacking = [path for path in paths if path not in self._read]
        if lacking:
            found = self._tools.use(Repositories).read(self._pipeline.project, self._pipeline.sha, lacking)
            self._read.update({path: found.get(path) for path in lacking})
        present = {path: self._read[path] for path in paths}
        return {path: text for path, text in {**present, **self._laid_over(paths)}.items() if text is not None}

    def _laid_over(self, paths: Sequence[str]) -> dict[str, str]:
        return {path: self.changed[path] for path in paths if path in self.changed}

    def change(self, files: Mapping[str, str]) -> None:
        self.texts(list(files))
        self.changed.update(files)

    def originals(self) -> dict[str, str]:
        return {path: self._read.get(path) or "" for path in self.changed}


def _versions(tools: Tools) -> Versions:
    def ask(ecosystem: Ecosystem, name: str, settings: Mapping[str, str]) -> Sequence[str]:
        try:
            return tools.use(Packages).versions(ecosystem, name, settings)
        except NotConnected:
            return ()

    return ask


def _lock(tools: Tools) -> Callable[[Mapping[str, str]], str | None]:
    def ask(files: Mapping[str, str]) -> str | None:
        try:
            return tools.use(Packages).lock(files)
        except NotConnected:
            return None

    return ask


def _log(tools: Tools, pipeline: Pipeline, failed: JobFailure) -> str:
    """The job's log as a remedy reads it; where there was no job, what GitLab said of the configuration."""
    if not failed.job.id:
        return pipeline.fault
    return "\n".join(read(tools.use(Pipelines).trace(pipeline.project, failed.job.id).text).texts)


def branch_of(pipeline: str, request: str) -> str:
    """The branch on which a request tries a fix."""
    return f"{BRANCHES}{pipeline}-{request.lower()}"


def begin(context: Context, wanted: Prescription) -> Progress:
    """Set it going: run the failed jobs again, or make the branch; the polls that follow see it through."""
    pipeline = wanted.failure.pipeline
    if wanted.remedy.kind == "advise":
        return _left_alone(context, wanted, "left alone", summary=wanted.remedy.summary, advice=wanted.remedy.advice)
    if (leave := _leave(context, wanted)) and (ended := _held_back(context, wanted, leave)):
        return ended
    if wanted.remedy.kind == "retry":
        context.use(Pipelines).retry(pipeline.project, pipeline.id)
        return _ongoing(_handle(context, wanted, Phase.RETRY), _steps(f"Run {', '.join(wanted.jobs)} again"))
    branch = branch_of(pipeline.id, context.request.id)
    made = context.use(Repositories).propose(
        pipeline.project, branch, pipeline.sha, wanted.remedy.files, message=_message(context, wanted)
    )
    return _proving_begun(context, wanted, made.id, made.url)


def _leave(context: Context, wanted: Prescription) -> Leave | None:
    """How far the playbook may go by itself; None where a person asked."""
    if not context.requester.is_machine:
        return None
    diagnosis = wanted.diagnosis
    return context.use(Autonomy).leave(
        wanted.remedy.playbook,
        category=diagnosis.category.value,
        fingerprint=diagnosis.fingerprint,
        project=wanted.failure.pipeline.project,
        sha=wanted.failure.pipeline.sha,
        now=context.now,
    )


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
    handle = _handle(context, wanted, Phase.CLEAN)
    update = {"outcome": outcome, "summary": summary, "advice": advice, "autonomy": _said(leave)}
    return Ended(state="done", outcome=outcome, result=handle.fix.model_copy(update=update))


def _said(leave: Leave | None) -> str:
    return f"{leave.stage.value}: {leave.why}" if leave else ""


def _proving_begun(context: Context, wanted: Prescription, sha: str, url: str) -> Ongoing:
    handle = _handle(context, wanted, Phase.PROVE)
    branch = branch_of(wanted.failure.pipeline.id, context.request.id)
    handle = handle.model_copy(update={"sha": sha, "fix": handle.fix.model_copy(update={"branch": branch})})
    steps = _steps(wanted.remedy.summary, _proving(handle), "Open a merge request")
    return _ongoing(handle, _complete(steps, 0, context.now, url=url))


def _handle(context: Context, wanted: Prescription, phase: Phase) -> Mending:
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
        autonomy=_said(_leave(context, wanted)) if wanted.remedy.kind != "advise" else "",
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
        return _ongoing(_handle(context, wanted, Phase.RETRY), _steps(f"Run {', '.join(wanted.jobs)} again"))
    made = context.use(Repositories).revision(project, branch_of(number, context.request.id))
    return _proving_begun(context, wanted, made.id, made.url) if made else None


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
        found = pipelines.run(project, branch, marker=f"{running.request.id}/{len(known) + 1}")
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


def description(fix: Fix, request: str) -> str:
    """The merge request's text: why it failed, the lines that prove it, what is different, and how it was proven."""
    proof = "\n".join(f"{line.number:>6}  {line.text}" for line in fix.diagnosis.lines)
    diffs = "\n".join(f"{change.path}\n{change.diff}\n" for change in fix.changes)
    runs = ", ".join(f"[#{run.id}]({run.url})" if run.url else f"#{run.id}" for run in fix.proof)
    still = f"\n\nStill failing for other reasons: {', '.join(fix.still_failing)}." if fix.still_failing else ""
    advice = f"\n\n**Mind:** {fix.advice}" if fix.advice else ""
    return (
        f"Pipeline #{fix.pipeline.id} failed in {', '.join(fix.jobs)}. {fix.diagnosis.root_cause}\n\n"
        f"The lines that show it:\n\n{_fenced(proof)}\n\nWhat is different:\n\n{_fenced(diffs, 'diff')}\n\n"
        f"Proven by {runs}: {', '.join(fix.jobs)} passed.{still}{advice}\n\n"
        f"Category {fix.diagnosis.category.value}, confidence {fix.diagnosis.confidence:.0%}, playbook {fix.playbook}, "
        f"fingerprint {fix.diagnosis.fingerprint}, request {request}."
    )


def _fenced(text: str, language: str = "") -> str:
    # What a log says must not end the fence that holds it.
    fence = "`" * max(3, 1 + max((len(run) for run in text.split() if set(run) == {"`"}), default=0))
    return f"{fence}{language}\n{text.replace('```', '` ` `')}\n{fence}"


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


def _steps(*names: str) -> tuple[Step, ...]:
    return tuple(
        Step(name=name[:100], state=StepState.PENDING if at else StepState.RUNNING) for at, name in enumerate(names)
    )


def _complete(steps: tuple[Step, ...], index: int, now: datetime, *, url: str = "") -> tuple[Step, ...]:
    done = [
        step.model_copy(update={"state": StepState.DONE, "ended_at": now, "detail": "", "url": url or step.url})
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
