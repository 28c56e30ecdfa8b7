"""Finds out why a pipeline failed: gathers what GitLab knows of its failed jobs and has each diagnosed."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict

from actions.analysis.categories import Category, FixRisk
from actions.analysis.diagnosis import Diagnosis, JobEvidence, ProvingLine, diagnose
from actions.analysis.trace import read
from actions.core.context import Context, Tools
from actions.core.errors import NotConnected, OutsideError, Refused
from actions.core.ports.delivery import Job, Pipeline, Pipelines, Trace
from actions.core.ports.repositories import Repositories
from actions.core.redaction import redact
from actions.second_reader import Opinion, SecondReader, is_unsure

MOST_JOBS = 4
"""Of a pipeline in which more jobs failed, the first of them are diagnosed."""
CI_FILE = ".gitlab-ci.yml"
CONFIGURATION = "the pipeline's configuration"
"""Stands in the place of a job where a pipeline failed before it had any."""


class JobFailure(BaseModel):
    """A failed job and why it failed.

    Attributes:
        readable: whether its log could be read.
        took_before: how many seconds it took when it last passed; 0 where that is not known.
        note: what a second reader of the log came to, where the rules were not sure.
    """

    model_config = ConfigDict(frozen=True)

    job: Job
    diagnosis: Diagnosis
    readable: bool = True
    took_before: float = 0.0
    note: str = ""


class Failure(BaseModel):
    """A failed pipeline and why its jobs failed.

    Attributes:
        left_out: how many more jobs failed.
        passed_since: a later pipeline of the same branch or tag that passed.
    """

    model_config = ConfigDict(frozen=True)

    service: str
    pipeline: Pipeline
    jobs: tuple[JobFailure, ...] = ()
    left_out: int = 0
    passed_since: Pipeline | None = None


class NothingFailed(Refused):
    """There is no failure to look into."""

    def __init__(self, service: str, pipeline: Pipeline | None) -> None:
        if pipeline is None:
            super().__init__(f"{service} has no failed pipeline.", remedy=f"“pipelines of {service}” lists the latest.")
        else:
            super().__init__(
                f"Pipeline #{pipeline.id} of {service} has not failed: it is {pipeline.status}.",
                remedy=f"“pipelines of {service}” lists the latest.",
            )


def failed_pipeline(tools: Tools, service: str, number: str | None) -> Pipeline:
    """The named pipeline, else the latest of the service that failed.

    Raises:
        NotConnected: the configuration does not say where the service's pipelines are.
        NothingFailed: it did not fail, or none did.
    """
    project = tools.organization.service(service).project
    pipelines = tools.use(Pipelines)
    if number is None:
        failed = pipelines.recent(project, status="failed", limit=1)
        if not failed:
            raise NothingFailed(service, None)
        number = failed[0].id
    pipeline = pipelines.get(project, number)
    if pipeline.status != "failed" and not failed_jobs(pipeline):
        raise NothingFailed(service, pipeline)
    return pipeline


def failed_jobs(pipeline: Pipeline) -> tuple[Job, ...]:
    """The jobs for which a pipeline failed."""
    return tuple(job for job in pipeline.jobs if job.status == "failed" and not job.allow_failure)


def investigate(tools: Tools, service: str, pipeline: Pipeline) -> Failure:
    """Diagnose the failed jobs of a pipeline.

    Raises:
        OutsideError: GitLab does not show the logs; what else cannot be read only makes the diagnosis less sure.
    """
    failed = failed_jobs(pipeline)
    if not failed and pipeline.fault:
        return Failure(service=service, pipeline=pipeline, jobs=(_of_configuration(pipeline),))
    around = _surroundings(tools, pipeline)
    jobs = tuple(_diagnosed(tools, pipeline, job, around) for job in failed[:MOST_JOBS])
    return Failure(
        service=service,
        pipeline=pipeline,
        jobs=jobs,
        left_out=len(failed) - len(jobs),
        passed_since=around.passed if around.passed and _is_later(around.passed, pipeline) else None,
    )


def _is_later(one: Pipeline, other: Pipeline) -> bool:
    """Whether a pipeline was made after another: GitLab counts them up."""
    return int(one.id) > int(other.id)


def _of_configuration(pipeline: Pipeline) -> JobFailure:
    """The failure of a pipeline whose configuration GitLab could not use, so that it has no job."""
    fault = redact(pipeline.fault[:500])
    diagnosis = Diagnosis(
        category=Category.INVALID_CONFIG,
        root_cause=f"GitLab cannot use {CI_FILE}: {fault}",
        lines=(ProvingLine(number=1, text=fault),),
        confidence=0.95,
        risk=FixRisk.MEDIUM,
        fingerprint=hashlib.sha256(f"{pipeline.project}|{fault}".encode()).hexdigest()[:16],
        playbook="pb-env-002",
        rule="gitlab-yaml-errors",
    )
    return JobFailure(job=Job(id="", name=CONFIGURATION, stage="", status="failed"), diagnosis=diagnosis)


class _Surroundings(BaseModel):
    """What is known of all jobs of a pipeline alike."""

    diff: str | None = None
    ci_config: str | None = None
    passed: Pipeline | None = None


def _surroundings(tools: Tools, pipeline: Pipeline) -> _Surroundings:
    found = _Surroundings()
    try:
        source = tools.use(Repositories)
        found.ci_config = source.read(pipeline.project, pipeline.sha, [CI_FILE]).get(CI_FILE)
        found.diff = source.diff(pipeline.project, pipeline.sha)
    except (OutsideError, Refused):
        pass
    try:
        pipelines = tools.use(Pipelines)
        passed = pipelines.recent(pipeline.project, ref=pipeline.ref, status="success", limit=1)
        found.passed = pipelines.get(pipeline.project, passed[0].id) if passed else None
    except OutsideError:
        pass
    return found


def _diagnosed(tools: Tools, pipeline: Pipeline, job: Job, around: _Surroundings) -> JobFailure:
    trace = tools.use(Pipelines).trace(pipeline.project, job.id)
    evidence = JobEvidence(
        job=job.name,
        project=pipeline.project,
        failure_reason=job.failure_reason or None,
        retry_passed=_passed_before(pipeline, job, around) or None,
        passing_trace=_passing_trace(tools, job, around),
        diff=around.diff,
        ci_config=around.ci_config,
    )
    diagnosis = diagnose(trace.text, evidence=evidence, redact=redact)
    opinion = _second_opinion(tools, job, diagnosis, trace)
    diagnosis = opinion.diagnosis
    if trace.lines_before:
        lines = tuple(ProvingLine(number=line.number + trace.lines_before, text=line.text) for line in diagnosis.lines)
        diagnosis = diagnosis.model_copy(update={"lines": lines})
    twin = _twin(job, around)
    return JobFailure(
        job=job,
        diagnosis=diagnosis,
        readable=bool(trace.text.strip()),
        took_before=seconds_of(twin) if twin else 0.0,
        note=opinion.note,
    )


def _second_opinion(tools: Tools, job: Job, diagnosis: Diagnosis, trace: Trace) -> Opinion:
    """What a language model reads where the rules are not sure, and one is connected."""
    if not (is_unsure(diagnosis) and isinstance(tools, Context)):
        return Opinion(diagnosis=diagnosis)
    try:
        reader = tools.use(SecondReader)
    except NotConnected:
        return Opinion(diagnosis=diagnosis)
    request = tools.request
    person = request.requester.on_behalf_of or request.requester.name
    return reader.opinion(diagnosis, read(trace.text), job=job.name, person=person, cause=request.cause)


def seconds_of(job: Job) -> float:
    """How long a job ran; 0 where that is not known."""
    if job.started_at is None or job.finished_at is None:
        return 0.0
    return (job.finished_at - job.started_at).total_seconds()


def _twin(job: Job, around: _Surroundings) -> Job | None:
    """The same job in the last pipeline that passed."""
    return next((other for other in around.passed.jobs if other.name == job.name), None) if around.passed else None


def _passed_before(pipeline: Pipeline, job: Job, around: _Surroundings) -> bool:
    """Whether the same job passed in another pipeline of the very same commit."""
    return around.passed is not None and around.passed.sha == pipeline.sha and _twin(job, around) is not None


def _passing_trace(tools: Tools, job: Job, around: _Surroundings) -> str | None:
    twin = _twin(job, around)
    if twin is None or around.passed is None:
        return None
    try:
        return tools.use(Pipelines).trace(around.passed.project, twin.id).text or None
    except OutsideError:
        return None
