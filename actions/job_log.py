"""The verb that shows the end of a job's log."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from actions.analysis.trace import read
from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import PipelineId, ServiceName
from actions.core.ports.delivery import Job, Pipeline, Pipelines
from actions.core.redaction import redact
from actions.core.reply import Button, Code, Link, Note, Preformatted, Reply, Span, Tone, Weight
from actions.investigation import failed_jobs, failed_pipeline

_READ = 256 * 1024
"""How many bytes of a log are read, from its end."""
LINES = 60
ROOM = 2_600
"""How much of a log is shown, in characters: what a card shows in one piece on every surface."""


class JobLog(BaseModel):
    """The end of a job's log.

    Attributes:
        text: the last lines, without secrets, colours and time stamps.
        before: how many lines stand before them.
    """

    model_config = ConfigDict(frozen=True)

    service: str
    pipeline: str
    job: Job
    text: str
    before: int = 0


class ShowLog(
    Action[JobLog],
    name="show_log",
    group="pipelines",
    phrases=(
        "show log {service} [{pipeline}]",
        "show [me] the log of pipeline {pipeline} of {service}",
        "show [me] the log of [the] [last] failed pipeline of {service}",
    ),
    examples=("show log checkout 812", "show me the log of pipeline 812 of checkout"),
):
    """Show the end of a failed job's log: of the named pipeline, else of the service's latest that failed."""

    service: ServiceName
    pipeline: PipelineId | None = None

    def run(self, context: Context) -> JobLog:
        """Read the log of the first job that failed."""
        pipeline = failed_pipeline(context, self.service, self.pipeline)
        job = _failed_job(self.service, pipeline)
        trace = context.use(Pipelines).trace(pipeline.project, job.id, limit=_READ)
        kept = read(trace.text)
        # Redacted as a whole: a key goes over several lines.
        lines = redact("\n".join(kept.texts)).split("\n")
        shown = _last(lines)
        before = trace.lines_before + len(lines) - len(shown)
        return JobLog(service=self.service, pipeline=pipeline.id, job=job, text="\n".join(shown), before=before)

    def reply(self, result: JobLog, context: Context) -> Reply:
        """The last lines, and the way to all of them."""
        job = result.job
        title = f"The log of {job.name} in pipeline #{result.pipeline} of {result.service}"
        if not result.text.strip():
            return Reply(title=f"{title} is empty", tone=Tone.WARNING)
        where: Span = Link(text="all of it", url=job.url) if job.url else Code(text=job.name)
        above = f"{result.before} lines stand above; " if result.before else ""
        explain = Button(label="Why?", action="explain_failure", parameters=self.parameters())
        return Reply(
            title=title,
            blocks=(Preformatted(text=result.text, weight=Weight.ESSENTIAL), Note(text=(above, where))),
            buttons=(explain,),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A job whose package is not installed."""
        job = Job(id="3302", name="unit", stage="test", status="failed", url="https://gitlab.example/jobs/3302")
        text = "$ pytest -q\nModuleNotFoundError: No module named 'requests'\nERROR: Job failed: exit code 1"
        result = JobLog(service="checkout", pipeline="812", job=job, text=text, before=38)
        return Sample(action=cls(service="checkout", pipeline="812"), result=result)


def _failed_job(service: str, pipeline: Pipeline) -> Job:
    failed = failed_jobs(pipeline)
    if not failed:
        raise Refused(
            f"No job of pipeline #{pipeline.id} of {service} failed, so there is no log to show.",
            remedy=f"“why did pipeline {pipeline.id} of {service} fail?” tells what is known.",
        )
    return failed[0]


def _last(lines: list[str]) -> list[str]:
    """The last lines for which there is room; of a single long one its end."""
    shown: list[str] = []
    room = ROOM
    for line in reversed(lines[-LINES:]):
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    return shown[::-1] or [lines[-1][-ROOM:]]
