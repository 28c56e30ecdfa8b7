"""The sandbox as a program: its files, its faults, its end and its beginning anew."""

import json
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gitlab
import httpx
import pytest

from bot.sandbox.breakages import KINDS, BreakageError
from bot.sandbox.faults import FaultError
from bot.sandbox.server import Sandbox, SandboxError, start
from tests.bot.sandbox.conftest import QUICK

pytestmark = pytest.mark.wheels

Eventually = Callable[[Callable[[], Any]], Any]


def test_a_restart_keeps_everything(tmp_path: Path, eventually: Eventually) -> None:
    with start(tmp_path, timings=QUICK) as first:
        token = first.gitlab_token
        with gitlab.Gitlab(first.gitlab_url, private_token=token) as client:
            project = client.projects.get("shop/checkout")
            project.tags.create({"tag_name": "v1.6.0", "ref": "main"})
            pipeline = project.pipelines.list(ref="v1.6.0", get_all=True)[0]
            eventually(lambda: project.pipelines.get(pipeline.id).status == "success")
    with (
        start(tmp_path, timings=QUICK) as second,
        gitlab.Gitlab(second.gitlab_url, private_token=token) as client,
    ):
        project = client.projects.get("shop/checkout")
        assert project.tags.get("v1.6.0").name == "v1.6.0"
        assert project.pipelines.get(pipeline.id).status == "success"
        assert second.world.gitlab.has_image("registry.lanternshop.example/shop/checkout", "v1.6.0")


def test_jobs_find_their_sources_when_the_state_folder_is_given_relatively(
    founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    shutil.copytree(founded, tmp_path / ".shipmate")
    monkeypatch.chdir(tmp_path)
    with (
        start(Path(".shipmate"), timings=QUICK) as sandbox,
        gitlab.Gitlab(sandbox.gitlab_url, private_token=sandbox.gitlab_token) as client,
    ):
        project = client.projects.get("shop/checkout")
        pipeline = project.pipelines.create({"ref": "main"})
        eventually(lambda: project.pipelines.get(pipeline.id).status in {"success", "failed"})
        assert project.pipelines.get(pipeline.id).status == "success"


def test_a_job_that_was_running_at_the_end_has_failed(tmp_path: Path, eventually: Eventually) -> None:
    with start(tmp_path) as first, gitlab.Gitlab(first.gitlab_url, private_token=first.gitlab_token) as client:
        project = client.projects.get("shop/checkout")
        action = {"action": "update", "file_path": ".gitlab-ci.yml", "content": "a: {script: sleep 60}"}
        project.commits.create({"branch": "main", "commit_message": "Sleep", "actions": [action]})
        eventually(lambda: project.pipelines.list(get_all=False)[0].status == "running")
    with start(tmp_path) as second, gitlab.Gitlab(second.gitlab_url, private_token=second.gitlab_token) as client:
        job = client.projects.get("shop/checkout").jobs.list(get_all=False)[0]
        assert (job.status, job.failure_reason) == ("failed", "runner_system_failure")


def test_it_is_ready_quickly(tmp_path: Path) -> None:
    begin = time.monotonic()
    with start(tmp_path):
        # Measured: 0.3 s with the whole history, 0.01 s the second time; the bound is for a busy machine.
        assert time.monotonic() - begin < 3


def test_a_port_that_is_taken_is_told(fresh: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{fresh.port}"):
        start(tmp_path / "other", port=fresh.port)


def test_other_processes_find_it_by_a_file_of_the_owner_alone(fresh: Sandbox) -> None:
    found = json.loads(fresh.addresses.read_text())
    assert found["gitlab_url"] == fresh.gitlab_url
    assert found["argocd_token"] == fresh.argocd_token
    assert stat.S_IMODE(fresh.addresses.stat().st_mode) == 0o600


@pytest.fixture
def control(fresh: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=fresh.url, trust_env=False)


def argocd(sandbox: Sandbox) -> httpx.Response:
    """Ask Argo CD for its applications."""
    headers = {"authorization": f"Bearer {sandbox.argocd_token}"}
    return httpx.get(f"{sandbox.argocd_url}/api/v1/applications", headers=headers, trust_env=False)


def test_faults_are_switched_on_and_off_over_http(fresh: Sandbox, control: httpx.Client) -> None:
    with control:
        body = {"system": "argocd", "kind": "rate_limited", "count": 1, "seconds": 7}
        assert control.post("/_sandbox/faults", json=body).status_code == 201
        assert control.get("/_sandbox/faults").json()[0]["kind"] == "rate_limited"
        limited = argocd(fresh)
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
        assert argocd(fresh).status_code == 200
        assert control.get("/_sandbox/faults").json() == []
        control.post("/_sandbox/faults", json={"system": "argocd", "kind": "server_error"})
        assert argocd(fresh).status_code == 500
        assert control.delete("/_sandbox/faults").json() == {"cleared": 1}
        assert argocd(fresh).status_code == 200


def test_a_fault_that_makes_no_sense_says_what_would(control: httpx.Client) -> None:
    with control:
        refused = control.post("/_sandbox/faults", json={"system": "argocd", "kind": "grumpy"})
    assert refused.status_code == 400
    assert "must be one of slow, rate_limited" in refused.json()["error"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"system": "moon", "kind": "slow"},
        {"system": "argocd", "kind": "slow", "count": 0},
        {"system": "argocd", "kind": "slow", "path": "("},
        {"system": "argocd", "kind": "slow", "colour": "red"},
        {"system": "gitlab", "kind": "unhealthy", "target": "checkout-staging"},
        {"system": "argocd", "kind": "unhealthy", "target": "nobody"},
    ],
)
def test_what_is_no_fault(fresh: Sandbox, wanted: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        fresh.fault(**wanted)


@pytest.mark.parametrize("kind", ["cut_headers", "cut_body"])
def test_a_connection_is_cut_half_way(fresh: Sandbox, kind: str) -> None:
    fresh.fault("argocd", kind, count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        argocd(fresh)
    assert argocd(fresh).status_code == 200


def test_slow_is_slow(fresh: Sandbox) -> None:
    fresh.fault("argocd", "slow", seconds=0.2, count=1)
    begin = time.monotonic()
    assert argocd(fresh).status_code == 200
    assert time.monotonic() - begin >= 0.2


def test_a_fault_meets_only_its_path_and_method(fresh: Sandbox) -> None:
    fresh.fault("argocd", "server_error", path="/sync", method="POST")
    assert argocd(fresh).status_code == 200


def test_a_revoked_token_is_refused_until_it_is_given_back(fresh: Sandbox) -> None:
    fresh.fault("argocd", "token_revoked")
    fresh.fault("gitlab", "token_revoked", target="sam")
    assert argocd(fresh).status_code == 401
    headers = {"private-token": fresh.gitlab_token_of("sam")}
    answer = httpx.get(f"{fresh.gitlab_url}/api/v4/user", headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    fresh.clear_faults()
    assert argocd(fresh).status_code == 200


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("test", "AssertionError: 'dim' != 'bright'"),
        ("syntax", "SyntaxError"),
        ("module", "No module named 'lantern_colours'"),
        ("command", "pyhton3: command not found"),
        ("configuration", "chosen stage tset does not exist"),
    ],
)
def test_a_colleague_breaks_a_pipeline(
    sandbox: Sandbox, gitlab_client: gitlab.Gitlab, eventually: Eventually, kind: str, says: str
) -> None:
    names = ("checkout", "payments", "catalog", "notifications", "web-frontend", "search", "ledger-writer")
    services = dict(zip(KINDS, names, strict=True))
    with httpx.Client(base_url=sandbox.url, trust_env=False) as control:
        body = {"service": services[kind], "kind": kind}
        pushed = control.post("/_sandbox/breakages", json=body).raise_for_status().json()
        project = gitlab_client.projects.get(pushed["project"])
        pipeline = project.pipelines.list(sha=pushed["commit"], get_all=True)[0]
        eventually(lambda: project.pipelines.get(pipeline.id).status == "failed")
        whole = project.pipelines.get(pipeline.id)
        failed = [job for job in whole.jobs.list(get_all=True) if job.status == "failed"]
        told = project.jobs.get(failed[0].id).trace().decode() if failed else whole.yaml_errors
        assert says in told
        # The links that cards carry lead somewhere.
        for url in [
            whole.web_url,
            project.commits.get("main").web_url,
            project.web_url,
            *(job.web_url for job in failed),
        ]:
            assert control.get(url).status_code == 200, url


def test_pages_of_applications_and_of_nothing(sandbox: Sandbox) -> None:
    with httpx.Client(trust_env=False) as client:
        page = client.get(f"{sandbox.argocd_url}/applications/argocd/checkout-staging")
        assert "checkout-staging" in page.text
        assert "v1.4.1" in page.text
        for nothing in (
            f"{sandbox.argocd_url}/applications/argocd/moon",
            f"{sandbox.gitlab_url}/shop/moon",
            sandbox.url,
        ):
            assert client.get(nothing).status_code == 404


def test_what_cannot_be_broken_is_told(fresh: Sandbox) -> None:
    with pytest.raises(BreakageError, match="must be one of checkout"):
        fresh.push_broken("moon", "test")
    with pytest.raises(BreakageError, match="must be one of test"):
        fresh.push_broken("checkout", "grudge")
