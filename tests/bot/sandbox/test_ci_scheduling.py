"""What jobs do next, and what a pipeline is, told from its jobs alone."""

from typing import Any

import pytest

from bot.sandbox.ci.scheduling import status, transitions

STAGES = ["build", "test", "deploy"]


def job(name: str, stage: str, state: str = "created", **more: Any) -> dict[str, Any]:
    """Return a job."""
    facts = {"needs": None, "when": "on_success", "allow_failure": False}
    return {"name": name, "stage": stage, "status": state, **facts, **more}


def moves(*jobs: dict[str, Any]) -> dict[str, str]:
    """Return what jobs do next."""
    return {moved["name"]: state for moved, state in transitions(list(jobs), STAGES)}


def test_a_stage_waits_for_the_one_before() -> None:
    assert moves(job("a", "build", "running"), job("b", "test")) == {}
    assert moves(job("a", "build", "success"), job("b", "test")) == {"b": "pending"}


def test_needs_do_not_wait_for_the_rest_of_the_stage() -> None:
    slow, quick = job("slow", "build", "running"), job("quick", "build", "success")
    assert moves(slow, quick, job("b", "test", needs=["quick"]), job("c", "deploy", needs=[])) == {
        "b": "pending",
        "c": "pending",
    }


def test_after_a_failure_only_the_faithful_run() -> None:
    failed = job("a", "build", "failed")
    later = [job(name, "test", when=name) for name in ("on_success", "on_failure", "always")]
    assert moves(failed, *later) == {"on_success": "skipped", "on_failure": "pending", "always": "pending"}


def test_a_failure_that_is_allowed_is_none() -> None:
    failed = job("a", "build", "failed", allow_failure=True)
    assert moves(failed, job("b", "test"), job("c", "test", when="on_failure")) == {"b": "pending", "c": "skipped"}


def test_a_manual_job_holds_up_what_follows_unless_it_may_fail() -> None:
    assert moves(job("a", "build", when="manual")) == {"a": "manual"}
    assert moves(job("a", "build", "manual"), job("b", "test")) == {}
    assert moves(job("a", "build", "manual", allow_failure=True), job("b", "test")) == {"b": "pending"}


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (["created"], "created"),
        (["pending", "created"], "pending"),
        (["success", "created"], "running"),
        (["success", "running"], "running"),
        (["success", "success"], "success"),
        (["success", "skipped"], "success"),
        (["failed", "skipped"], "failed"),
        (["canceled", "failed"], "canceled"),
        (["skipped"], "skipped"),
        (["success", "manual"], "manual"),
    ],
)
def test_a_pipeline_s_status(states: list[str], whole: str) -> None:
    assert status([job(str(index), "build", state) for index, state in enumerate(states)]) == whole


def test_a_pipeline_passes_with_a_failure_that_is_allowed() -> None:
    assert status([job("a", "build", "success"), job("b", "test", "failed", allow_failure=True)]) == "success"
