"""Fixes while GitLab itself is slow, down, or loses its answers: they come out right in the end, once each."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.playbooks.sandbox.cases import MENDED
from tests.playbooks.sandbox.floor import PROJECT, Floor
from tests.playbooks.sandbox.shape import Case

pytestmark = pytest.mark.e2e

CASE = next(case for case in MENDED if case.name == "variable with a harmless example")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "slow", "seconds": 0.3, "count": 20},
        {"kind": "server_error", "method": "GET", "path": "pipelines", "count": 12},
        {"kind": "rate_limited", "method": "GET", "seconds": 1, "count": 3},
        {"kind": "cut_headers", "method": "POST", "path": "repository/commits", "count": 1},
        {"kind": "cut_body", "method": "POST", "path": "repository/commits", "count": 1},
        {"kind": "cut_headers", "method": "POST", "path": "merge_requests", "count": 1},
        {"kind": "server_error", "method": "POST", "path": "merge_requests", "count": 2},
    ],
    ids=lambda fault: " ".join(str(value) for value in fault.values()),
)
def test_a_fix_is_proposed_once_whatever_gitlab_does_in_the_midst(floor: Floor, fault: dict[str, Any]) -> None:
    case = Case(**{**vars(CASE), "name": f"bad day {'-'.join(str(value) for value in fault.values())}"})
    (number,) = floor.failed([case]).values()
    switch = f"{floor.sandbox.url}/_sandbox/faults"
    answer = floor.bot.ask("lena", "fix_pipeline", thread=case.name, service="catalog", pipeline=number)
    if fault.get("method") == "GET":
        floor.bot.work()  # what is only read fails in the midst; what is written has its one chance
    assert httpx.post(switch, json={"system": "gitlab", **fault}, trust_env=False).is_success
    try:
        floor.bot.work()
        floor.until(lambda: floor.bot.request(answer).state.is_final, case.name)
    finally:
        httpx.delete(switch, trust_env=False)
    found = floor.outcome(case, floor.bot.request(answer).id)
    assert found.is_fixed(case), found.card
    assert not found.is_wrong(case), found.files
    project = floor.client.projects.get(PROJECT, lazy=True)
    branches = [each.name for each in project.branches.list(get_all=True) if f"fix-{number}-" in each.name]
    assert len(branches) == 1
    assert len(project.mergerequests.list(source_branch=branches[0], get_all=True)) == 1
    mine = floor.pipelines.recent(PROJECT, ref=branches[0], limit=5)
    assert len(mine) == 1, "one run proves it, and no second one was started"
