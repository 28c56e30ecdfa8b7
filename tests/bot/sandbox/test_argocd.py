"""The Argo CD stand-in over HTTP, following commits made through GitLab's API."""

from collections.abc import Callable
from typing import Any

import gitlab
import httpx
import pytest

from bot.sandbox.server import Sandbox

pytestmark = pytest.mark.wheels

Eventually = Callable[[Callable[[], Any]], Any]


def ask_for(client: gitlab.Gitlab, service: str, environment: str, version: str) -> str:
    """Commit a version to the manifests and return the commit's id."""
    project = client.projects.get("shop/manifests")
    path = f"apps/{service}/{environment}/kustomization.yaml"
    lines = project.files.raw(path, ref="main").decode().splitlines()
    text = "\n".join(f"    newTag: {version}" if "newTag: v" in line else line for line in lines)
    action = {"action": "update", "file_path": path, "content": f"{text}\n"}
    commit = {"branch": "main", "commit_message": f"Deploy {service} {version}", "actions": [action]}
    return str(project.commits.create(commit).id)


def status(client: httpx.Client, name: str) -> tuple[str, str]:
    """Return an application's sync status and health."""
    found = client.get(f"/api/v1/applications/{name}").raise_for_status().json()["status"]
    return found["sync"]["status"], found["health"]["status"]


def test_everything_is_synced_and_healthy_at_first(argocd_client: httpx.Client) -> None:
    items = argocd_client.get("/api/v1/applications").json()["items"]
    assert len(items) == 21
    assert {(item["status"]["sync"]["status"], item["status"]["health"]["status"]) for item in items} == {
        ("Synced", "Healthy")
    }


def test_a_commit_makes_it_out_of_sync_and_a_sync_rolls_it_out(
    fresh: Sandbox,
    gitlab_of: Callable[[Sandbox], gitlab.Gitlab],
    argocd_of: Callable[[Sandbox], httpx.Client],
    eventually: Eventually,
) -> None:
    git, argo = gitlab_of(fresh), argocd_of(fresh)
    sha = ask_for(git, "checkout", "staging", "v1.4.2")
    assert status(argo, "checkout-staging") == ("OutOfSync", "Healthy")
    info = [{"name": "request", "value": "R-1"}]
    argo.post("/api/v1/applications/checkout-staging/sync", json={"revision": sha, "infos": info}).raise_for_status()
    eventually(lambda: status(argo, "checkout-staging") == ("Synced", "Progressing"))
    eventually(lambda: status(argo, "checkout-staging") == ("Synced", "Healthy"))
    state = argo.get("/api/v1/applications/checkout-staging").json()["status"]
    assert state["operationState"]["phase"] == "Succeeded"
    assert state["operationState"]["operation"]["info"] == info
    assert state["summary"]["images"] == ["registry.lanternshop.example/shop/checkout:v1.4.2"]
    assert state["history"][-1]["revision"] == sha
