"""The verbs about a service's pipelines: list, run, retry."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.action import Action, Ended, Ongoing, Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.errors import Refused
from actions.core.kinds import PipelineId, Ref, ServiceName
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.delivery import Job, Pipeline, Pipelines
from actions.core.reply import Button, Code, Moment, Paragraph, Reply, Step, StepState, Table, Tone, link

PipelineState = Literal["running", "failed", "success"]

_SAMPLE = Pipeline(
    id="812",
    project="shop/checkout",
    ref="main",
    sha="9f3c2ab1d0c4e5f6",
    status="failed",
    url="https://gitlab.example/shop/checkout/-/pipelines/812",
    created_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
    jobs=(
        Job(id="3301", name="lint", stage="test", status="success"),
        Job(id="3302", name="unit", stage="test", status="failed"),
    ),
)


class PipelineList(BaseModel):
    """Pipelines of a service, newest first."""

    model_config = ConfigDict(frozen=True)

    service: str
    pipelines: tuple[Pipeline, ...]
    ref: str = ""
    state: str = ""


class ListPipelines(
    Action[PipelineList],
    name="pipelines",
    phrases=(
        "pipelines [of {service}] [on {ref}]",
        "pipelines of {service}",
        "{state} pipelines of {service} [on {ref}]",
        "show [the] [last] pipelines of {service} [on {ref}]",
        "list pipelines of {service}",
    ),
    examples=(
        "pipelines of checkout",
        "show failed pipelines of checkout on main",
        "is a build of checkout running?",
        "did the last build of checkout pass?",
    ),
    paraphrases=(
        "how are the builds of {service} doing",
        "which builds of {service} are {state}",
        "is the build of {service} green",
        "is ci red for {service}",
        "any {state} builds on {ref} in {service}",
        "what is the state of the pipeline of {service}",
        "latest ci runs for {service}",
    ),
):
    """List the latest pipelines of a service."""

    service: ServiceName
    ref: Ref | None = None
    state: PipelineState | None = None

    def run(self, context: Context) -> PipelineList:
        """Ask GitLab."""
        project = context.organization.service(self.service).project
        found = context.use(Pipelines).recent(project, ref=self.ref, status=self.state)
        return PipelineList(service=self.service, pipelines=tuple(found), ref=self.ref or "", state=self.state or "")

    def reply(self, result: PipelineList, context: Context) -> Reply:
        """A table; or that there are none."""
        narrowed = " ".join(filter(None, (result.state, "pipelines of", result.service)))
        narrowed += f" on {result.ref}" if result.ref else ""
        if not result.pipelines:
            return Reply(title=f"There are no {narrowed}")
        rows = tuple(
            (
                (link(f"#{p.id}", p.url),),
                (p.status,),
                (p.ref,),
                (Code(text=p.sha[:8]),),
                (Moment(at=p.created_at),) if p.created_at else ("",),
            )
            for p in result.pipelines
        )
        newest = result.pipelines[0]
        tone = {"failed": Tone.BAD, "success": Tone.GOOD}.get(newest.status, Tone.NEUTRAL)
        buttons: tuple[Button, ...] = ()
        if newest.status == "failed":
            buttons = _after_failure(result.service, newest.id)
        title = narrowed[:1].upper() + narrowed[1:]
        table = Table(columns=("Pipeline", "Status", "Ref", "Commit", "Started"), rows=rows)
        return Reply(title=title, tone=tone, blocks=(table,), buttons=buttons)

    @classmethod
    def sample(cls) -> Sample:
        """One failed pipeline."""
        return Sample(action=cls(service="checkout"), result=PipelineList(service="checkout", pipelines=(_SAMPLE,)))


class _PipelineOperation(
    Operation[Pipeline], ABC, risk=Risk.CHANGE, needs=Role.DEVELOPER, queue="deploy", poller="gitlab"
):
    """Base of the verbs that set a pipeline going and wait for its end."""

    service: str

    @staticmethod
    def _begun(pipeline: Pipeline) -> Ongoing:
        handle: dict[str, JsonValue] = {"project": pipeline.project, "pipeline": pipeline.id}
        return Ongoing(handle=handle, steps=_steps(pipeline))

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """Ask for all pipelines together."""
        wanted = [(str(r.handle["project"]), str(r.handle["pipeline"])) for r in batch]
        found = tools.use(Pipelines).many(wanted)
        return [cls._progress(running, found.get(key)) for running, key in zip(batch, wanted, strict=True)]

    @staticmethod
    def _progress(running: Running, pipeline: Pipeline | None) -> Progress:
        if pipeline is None:
            return Ended(
                state="failed",
                outcome="gone",
                message=f"Pipeline #{running.handle['pipeline']} does not exist any more.",
                remedy=f"Run a new one: run pipeline {running.request.service}.",
                steps=running.request.steps,
            )
        if not pipeline.is_finished:
            return Ongoing(handle=running.handle, steps=_steps(pipeline))
        if pipeline.status == "success":
            return Ended(state="done", outcome="success", result=pipeline, steps=_steps(pipeline))
        failed = [job.name for job in pipeline.jobs if job.status == "failed" and not job.allow_failure]
        jobs = f"; failed: {', '.join(failed)}" if failed else ""
        return Ended(
            state="cancelled" if pipeline.status == "canceled" else "failed",
            outcome=pipeline.status,
            message=f"Pipeline #{pipeline.id} ended as {pipeline.status}{jobs}.",
            remedy=f"Ask “why did pipeline {pipeline.id} of {running.request.service} fail?”",
            result=pipeline,
            steps=_steps(pipeline),
        )

    def cancel(self, running: Running, tools: Tools) -> Progress:
        """Stop the pipeline."""
        pipeline = tools.use(Pipelines).cancel(str(running.handle["project"]), str(running.handle["pipeline"]))
        by = running.request.cancel_requested_by or "somebody"
        message = f"{by} cancelled pipeline #{pipeline.id}."
        return Ended(state="cancelled", outcome="cancelled", message=message, result=pipeline, steps=_steps(pipeline))

    def reply(self, result: Pipeline, context: Context) -> Reply:
        """How it ended, and the way to it."""
        good = result.status == "success"
        where = Paragraph(
            text=(f"{result.ref} · ", Code(text=result.sha[:8]), " · ", link(f"#{result.id}", result.url))
        )
        buttons = () if good else _after_failure(self.service, result.id)
        return Reply(
            title=f"Pipeline #{result.id} of {self.service}: {result.status}",
            tone=Tone.GOOD if good else Tone.BAD,
            blocks=(where,),
            buttons=buttons,
        )


def _after_failure(service: str, pipeline: str) -> tuple[Button, ...]:
    """Try again, or look why."""
    named: dict[str, JsonValue] = {"service": service, "pipeline": pipeline}
    return (
        Button.of("Retry", RetryPipeline(service=service, pipeline=pipeline)),
        Button(label="Why?", action="explain_failure", parameters=named),
        Button(label="Show log", action="show_log", parameters=named),
    )


class RunPipeline(
    _PipelineOperation,
    name="run_pipeline",
    phrases=(
        "run pipeline {service} [on {ref}]",
        "run [a] [new] [the] pipeline of {service} [on {ref}]",
        "start [a] pipeline of {service} [on {ref}]",
        "trigger [a] pipeline for {service} [on {ref}]",
        "build {service} [on {ref}]",
    ),
    examples=("run pipeline checkout on main", "trigger a build of checkout", "kick off ci for checkout on feature/x"),
    paraphrases=(
        "start a new build of {service} from {ref}",
        "can we have a fresh pipeline on {ref} of {service}",
        "build {ref} of {service}",
        "i need a new ci run for {service}",
        "please run the tests of {service} on {ref}",
    ),
):
    """Run a new pipeline of a service, on its default branch or another ref."""

    service: ServiceName
    ref: Ref | None = None

    def plan(self, context: Context) -> Plan:
        """Find out the ref."""
        project = context.organization.service(self.service).project
        ref = self.ref or context.use(Pipelines).default_branch(project)
        return Plan(
            changes=(Change(what=f"a pipeline of {self.service}", after=f"runs on {ref}"),),
            target_state={"project": project, "ref": ref},
        )

    def start(self, context: Context, plan: Plan) -> Progress:
        """Ask GitLab for a pipeline."""
        project, ref = str(plan.target_state["project"]), str(plan.target_state["ref"])
        return self._begun(context.use(Pipelines).run(project, ref, marker=context.request.marker))

    def find(self, context: Context) -> Progress | None:
        """Look for the pipeline that carries the request's marker."""
        project = context.organization.service(self.service).project
        pipeline = context.use(Pipelines).find(project, context.request.marker)
        return self._begun(pipeline) if pipeline else None

    @classmethod
    def sample(cls) -> Sample:
        """A pipeline that passed."""
        return Sample(action=cls(service="checkout"), result=_SAMPLE.model_copy(update={"status": "success"}))


class RetryPipeline(
    _PipelineOperation,
    name="retry_pipeline",
    phrases=(
        "retry pipeline {pipeline} of {service}",
        "retry [the] [last] pipeline of {service}",
        "rerun pipeline {pipeline} of {service}",
        "retry {service} pipeline [{pipeline}]",
        "restart pipeline {pipeline} of {service}",
    ),
    examples=(
        "retry pipeline 812 of checkout",
        "rerun the pipeline of checkout",
        "retry the failed build of checkout",
        "run pipeline 812 of checkout again",
    ),
    paraphrases=(
        "give build {pipeline} of {service} another go",
        "try the failed pipeline of {service} again",
        "re-run the failed jobs of {service}",
        "the build of {service} was a flake, rerun it",
        "once more pipeline {pipeline} for {service}",
    ),
):
    """Run the failed jobs of a pipeline again: of the named one, else of the service's latest that failed."""

    service: ServiceName
    pipeline: PipelineId | None = None

    def plan(self, context: Context) -> Plan:
        """Find out which pipeline, and whether it can be retried."""
        project = context.organization.service(self.service).project
        port = context.use(Pipelines)
        if self.pipeline is not None:
            pipeline = port.get(project, self.pipeline)
        else:
            failed = port.recent(project, status="failed", limit=1)
            if not failed:
                raise Refused(
                    f"{self.service} has no failed pipeline to retry.",
                    remedy=f"To start a new one: run pipeline {self.service}.",
                )
            pipeline = failed[0]
        if pipeline.status not in {"failed", "canceled"}:
            raise Refused(
                f"Pipeline #{pipeline.id} of {self.service} is {pipeline.status}; only a failed or cancelled one is retried.",
                remedy=f"To start a new one: run pipeline {self.service}.",
            )
        return Plan(
            changes=(
                Change(what=f"pipeline #{pipeline.id} of {self.service}", before=pipeline.status, after="retried"),
            ),
            target_state={"project": project, "pipeline": pipeline.id},
            links={f"#{pipeline.id}": pipeline.url} if pipeline.url else {},
        )

    def start(self, context: Context, plan: Plan) -> Progress:
        """Ask GitLab to retry it."""
        project, pipeline = str(plan.target_state["project"]), str(plan.target_state["pipeline"])
        return self._begun(context.use(Pipelines).retry(project, pipeline))

    def find(self, context: Context) -> Progress | None:
        """A pipeline that was failed when it was planned and is not now has been retried."""
        plan = context.request.plan
        if plan is None:
            return None
        project, number = str(plan.target_state["project"]), str(plan.target_state["pipeline"])
        pipeline = context.use(Pipelines).get(project, number)
        return None if pipeline.status in {"failed", "canceled"} else self._begun(pipeline)

    @classmethod
    def sample(cls) -> Sample:
        """A pipeline that passed at the second try."""
        result = _SAMPLE.model_copy(update={"status": "success"})
        return Sample(action=cls(service="checkout", pipeline="812"), result=result)


_STEP_STATES = {
    "success": StepState.DONE,
    "failed": StepState.FAILED,
    "canceled": StepState.SKIPPED,
    "skipped": StepState.SKIPPED,
    "manual": StepState.SKIPPED,
    "running": StepState.RUNNING,
}


def _steps(pipeline: Pipeline) -> tuple[Step, ...]:
    return tuple(
        Step(
            name=job.name,
            state=_STEP_STATES.get(job.status, StepState.PENDING),
            started_at=job.started_at,
            ended_at=job.finished_at,
            url=job.url,
        )
        for job in pipeline.jobs
    )
