"""Decides, from the jobs of a pipeline alone, what each job does next and what the pipeline's status is."""

from typing import Any

Job = dict[str, Any]

FINISHED = {"success", "failed", "canceled", "skipped"}
ACTIVE = {"pending", "running"}


def transitions(jobs: list[Job], stages: list[str]) -> list[tuple[Job, str]]:
    """Return which jobs leave `created` now, and for which status (pending, manual or skipped).

    Args:
        jobs: The newest attempt of every job of one pipeline.
        stages: Its stages in their order.
    """
    by_name = {job["name"]: job for job in jobs}
    order = {stage: place for place, stage in enumerate(stages)}
    result = []
    for job in jobs:
        if job["status"] != "created":
            continue
        if job["needs"] is None:
            before = [other for other in jobs if order[other["stage"]] < order[job["stage"]]]
        else:
            before = [by_name[name] for name in job["needs"] if name in by_name]
        if all(_settled(other) for other in before):
            result.append((job, _next(job, before)))
    return result


def _settled(job: Job) -> bool:
    return job["status"] in FINISHED or (job["status"] == "manual" and bool(job["allow_failure"]))


def _next(job: Job, before: list[Job]) -> str:
    broken = any(_broken(other, by_need=job["needs"] is not None) for other in before)
    wanted = {"on_failure": broken, "always": True}.get(job["when"], not broken)
    if not wanted:
        return "skipped"
    return "manual" if job["when"] == "manual" else "pending"


def _broken(job: Job, *, by_need: bool) -> bool:
    if job["status"] == "skipped":
        return by_need
    return job["status"] in {"failed", "canceled"} and not job["allow_failure"]


def status(jobs: list[Job]) -> str:
    """Return the pipeline's status over the newest attempt of every job."""
    found = {job["status"] for job in jobs}
    strict = {job["status"] for job in jobs if not job["allow_failure"]}
    started = found & (FINISHED | {"running"}) - {"skipped"}
    if "running" in found or (found & {"pending", "created"} and started and "manual" not in strict):
        return "running"
    for candidate, where in (
        ("pending", found),
        ("canceled", strict),
        ("failed", strict),
        ("manual", strict),
        ("created", found),
    ):
        if candidate in where:
            return candidate
    if found == {"skipped"}:
        return "skipped"
    return "manual" if found == {"manual"} else "success"
