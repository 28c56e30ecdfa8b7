"""What is to be done about a failed pipeline: each failed job's remedy, put together by reading alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.analysis.diagnosis import Diagnosis
from actions.analysis.remedies import remedy
from actions.analysis.remedies.remedy import Case, Ecosystem, FileChange, Remedy, Versions, changes
from actions.analysis.trace import read
from actions.core.context import Tools
from actions.core.errors import NotConnected, Refused
from actions.core.ports.delivery import Pipeline, Pipelines
from actions.core.ports.packages import Packages
from actions.core.ports.repositories import Repositories
from actions.core.redaction import redact
from actions.investigation import Failure, JobFailure, seconds_of

BRANCHES = "shipmate/fix-"
"""What the names of the branches begin with on which fixes are tried."""


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
