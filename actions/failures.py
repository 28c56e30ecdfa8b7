"""The verbs about failed pipelines: say why one failed, mend it, and merge or drop what was proposed."""

from __future__ import annotations

from pydantic import JsonValue

from actions.analysis.categories import Category, FixRisk
from actions.analysis.diagnosis import Diagnosis, ProvingLine
from actions.analysis.remedies import is_mendable
from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.kinds import PipelineId, ServiceName
from actions.core.ports.delivery import Job, Pipeline
from actions.core.reply import (
    Block,
    Button,
    ButtonStyle,
    Code,
    Link,
    Note,
    Paragraph,
    Preformatted,
    Reply,
    Span,
    Strong,
    Text,
    Tone,
    Weight,
    link,
)
from actions.investigation import Failure, JobFailure, failed_pipeline, investigate

SAMPLE = Failure(
    service="checkout",
    pipeline=Pipeline(
        id="812",
        project="shop/checkout",
        ref="main",
        sha="9f3c2ab1d0c4e5f6",
        status="failed",
        url="https://gitlab.example/shop/checkout/-/pipelines/812",
        jobs=(Job(id="3302", name="unit", stage="test", status="failed"),),
    ),
    jobs=(
        JobFailure(
            job=Job(id="3302", name="unit", stage="test", status="failed"),
            diagnosis=Diagnosis(
                category=Category.DEPENDENCY_MISSING_PYTHON,
                root_cause="The Python package “requests” is not installed.",
                lines=(ProvingLine(number=41, text="ModuleNotFoundError: No module named 'requests'"),),
                confidence=0.97,
                risk=FixRisk.LOW,
                fingerprint="0a1b2c3d4e5f6071",
                subject="requests",
                playbook="pb-dep-001",
                rule="module-not-found",
            ),
        ),
    ),
)


class ExplainFailure(
    Action[Failure],
    name="explain_failure",
    for_playbooks=True,
    group="pipelines",
    phrases=(
        "why did pipeline {pipeline} of {service} fail",
        "why did [the] [last] pipeline of {service} fail",
        "why did the build of {service} fail",
        "explain failure {service} [{pipeline}]",
        "explain [the] failed pipeline of {service}",
        "what broke the build of {service}",
        "diagnose [the] pipeline [{pipeline}] of {service}",
    ),
    examples=(
        "why did pipeline 812 of checkout fail?",
        "what broke the build of search",
        "why is the build of checkout red?",
        "explain the failed pipeline of checkout",
    ),
    paraphrases=(
        "what went wrong in pipeline {pipeline} of {service}",
        "why does {service} not build any more",
        "what is the matter with the build of {service}",
        "what is the cause of the failed pipeline of {service}",
        "which error broke {service}'s pipeline",
        "look at the log of the failed build of {service}",
    ),
):
    """Say why a pipeline failed: the named one, else the service's latest that failed."""

    service: ServiceName
    pipeline: PipelineId | None = None

    def run(self, context: Context) -> Failure:
        """Read the failed jobs' logs and diagnose them."""
        return investigate(context, self.service, failed_pipeline(context, self.service, self.pipeline))

    def reply(self, result: Failure, context: Context) -> Reply:
        """The cause in a sentence, the lines that prove it, and what can be done."""
        pipeline = result.pipeline
        blocks: list[Block] = []
        if result.passed_since:
            later = result.passed_since
            since: Text = (f"{later.ref} has passed since: ", link(f"#{later.id}", later.url), ".")
            blocks.append(Paragraph(text=since, weight=Weight.ESSENTIAL))
        for failure in result.jobs:
            blocks += presented(failure, alone=len(result.jobs) == 1)
        if pipeline.fault:
            blocks.append(
                Paragraph(text=("GitLab could not read its configuration: ", Code(text=pipeline.fault[:500])))
            )
        if result.left_out:
            blocks.append(Note(text=(f"{result.left_out} more jobs failed.",)))
        blocks.append(Note(text=_where(result)))
        return Reply(
            title=_title(result),
            tone=Tone.NEUTRAL if result.passed_since else Tone.BAD,
            blocks=tuple(blocks),
            buttons=tuple(buttons(result)),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A package that is not installed."""
        return Sample(action=cls(service="checkout", pipeline="812"), result=SAMPLE)


def _title(failure: Failure) -> str:
    where = f"Pipeline #{failure.pipeline.id} of {failure.service}"
    if not failure.jobs:
        return f"{where} failed, and no job of it did"
    return f"{where} failed: {failure.jobs[0].diagnosis.root_cause[:150]}"


def _where(failure: Failure) -> Text:
    """The pipeline, the branch and the commit."""
    pipeline = failure.pipeline
    return ("Pipeline ", link(f"#{pipeline.id}", pipeline.url), f" · {pipeline.ref} · ", Code(text=pipeline.sha[:8]))


def presented(failure: JobFailure, *, alone: bool = False) -> list[Block]:
    """What is said of one failed job; where it is the only one, the title has said the cause."""
    job, diagnosis = failure.job, failure.diagnosis
    name: Span = Link(text=job.name, url=job.url) if job.url else Code(text=job.name)
    if not failure.readable:
        return [Paragraph(text=("Job ", name, " left no log, so there is nothing to tell its failure by."))]
    cause: Text = () if alone else (": ", Strong(text=diagnosis.root_cause))
    blocks: list[Block] = [Paragraph(text=("Job ", name, *cause), weight=Weight.ESSENTIAL)]
    if diagnosis.lines:
        blocks.append(Preformatted(text=proof(diagnosis)))
    sure: list[Span] = [f"{diagnosis.confidence:.0%} sure · {_category(diagnosis)} · "]
    sure += [Code(text=diagnosis.playbook), " · "] if diagnosis.playbook else []
    if failure.note:
        blocks.append(Paragraph(text=(failure.note,)))
    return [*blocks, Note(text=(*sure, "fingerprint ", Code(text=diagnosis.fingerprint)))]


def proof(diagnosis: Diagnosis) -> str:
    """The proving lines under their numbers."""
    width = max(len(str(line.number)) for line in diagnosis.lines)
    return "\n".join(f"{line.number:>{width}}  {line.text}" for line in diagnosis.lines)


def _category(diagnosis: Diagnosis) -> str:
    if diagnosis.category is Category.NONE:
        return "the code's own failure, or not known; no playbook mends it"
    return diagnosis.category.value


def buttons(failure: Failure) -> list[Button]:
    """What can be done about it, most sensible first; nothing where it has passed since."""
    if failure.passed_since:
        return []
    named: dict[str, JsonValue] = {"service": failure.service, "pipeline": failure.pipeline.id}
    able = any(is_mendable(job.diagnosis) for job in failure.jobs)
    fix = [Button(label="Fix it", action="fix_pipeline", parameters=named, style=ButtonStyle.PRIMARY)] if able else []
    ran = any(each.job.id for each in failure.jobs)
    retry = [Button(label="Retry", action="retry_pipeline", parameters=named)] if ran else []
    log = [Button(label="Show log", action="show_log", parameters=named)] if ran else []
    return [*fix, *retry, *log]
