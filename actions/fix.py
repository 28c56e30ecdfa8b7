"""A fix of a failed pipeline: what was tried, what became of it, and how a merge request tells of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from actions.analysis.diagnosis import Diagnosis
from actions.analysis.remedies.remedy import FileChange
from actions.core.ports.autonomy import Stage, Terrain
from actions.core.ports.delivery import Pipeline
from actions.core.ports.repositories import MergeRequest
from actions.core.request import Request


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
        autonomy: how far the playbook may go by itself, and why; empty where a person asked.
        stage: the same in a word.
        terrain: where it takes effect.
        stop: why the loop stopped, in a word; empty where it did not.
        told: the request in which people were told of that already.
        culprit: who made the commit that broke it, by the name in the configuration where there is one.
        seconds: how long it took.
        note: what a second reader of the log came to, where the rules were not sure.
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
    stage: Stage | None = None
    terrain: Terrain = Terrain.DEFAULT
    stop: str = ""
    told: str = ""
    culprit: str = ""
    seconds: float = 0.0
    note: str = ""


def fix_of(request: Request) -> Fix | None:
    """The fix that a request is about; None where it is about none."""
    try:
        return Fix.model_validate(request.result) if request.action == "fix_pipeline" and request.result else None
    except ValidationError:
        return None


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
