"""The Argo CD stand-in over HTTP, following commits made through GitLab's API."""

import json
from collections.abc import Callable
from typing import Any

import gitlab
import httpx
import pytest

from bot.sandbox.argocd.workload import Timings
from bot.sandbox.server import Sandbox, start

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


def test_what_is_not_there_is_forbidden_unless_its_project_is_named(argocd_client: httpx.Client) -> None:
    assert argocd_client.get("/api/v1/applications/nobody").status_code == 403
    named = argocd_client.get("/api/v1/applications/nobody", params={"project": "default"})
    assert (named.status_code, named.json()["code"]) == (404, 5)


def test_applications_are_selected_by_labels(argocd_client: httpx.Client) -> None:
    query = {"selector": "team=discovery,environment in (staging, production),service!=catalog"}
    items = argocd_client.get("/api/v1/applications", params=query).json()["items"]
    assert [item["metadata"]["name"] for item in items] == ["search-production", "search-staging"]


def test_without_a_token_only_the_version_is_told(sandbox: Sandbox) -> None:
    with httpx.Client(base_url=sandbox.argocd_url, trust_env=False) as client:
        assert client.get("/api/version").json()["Version"].startswith("v3")
        refused = client.get("/api/v1/applications")
    assert (refused.status_code, refused.json()["message"]) == (401, "no session information")


def test_a_rollback_goes_to_an_entry_of_the_history_and_leaves_it_out_of_sync(
    fresh: Sandbox, argocd_of: Callable[[Sandbox], httpx.Client], eventually: Eventually
) -> None:
    argo = argocd_of(fresh)
    at = "/api/v1/applications/checkout-staging"
    history = argo.get(at).json()["status"]["history"]
    assert [entry["id"] for entry in history] == [0, 1, 2]
    argo.post(f"{at}/rollback", json={"id": 1}).raise_for_status()
    eventually(lambda: status(argo, "checkout-staging") == ("OutOfSync", "Healthy") and len(images(argo, at)) == 1)
    assert images(argo, at) == ["registry.lanternshop.example/shop/checkout:v1.4.0"]
    assert argo.post(f"{at}/rollback", json={"id": 99}).status_code == 400


def images(client: httpx.Client, path: str) -> list[str]:
    """Return what an application runs."""
    found: list[str] = client.get(path).json()["status"]["summary"]["images"]
    return found


def test_an_operation_is_terminated(
    tmp_path_factory: pytest.TempPathFactory, argocd_of: Callable[[Sandbox], httpx.Client]
) -> None:
    slow = Timings(pickup=0.0, sync=60)
    with start(tmp_path_factory.mktemp("slow"), timings=slow) as sandbox:
        argo = argocd_of(sandbox)
        at = "/api/v1/applications/checkout-staging"
        argo.post(f"{at}/sync", json={}).raise_for_status()
        second = argo.post(f"{at}/sync", json={})
        assert (second.status_code, second.json()["message"]) == (400, "another operation is already in progress")
        argo.delete(f"{at}/operation").raise_for_status()
        state = argo.get(at).json()["status"]["operationState"]
        assert (state["phase"], state["message"]) == ("Failed", "Operation terminated")
        assert argo.delete(f"{at}/operation").status_code == 400


def test_manifests_that_make_no_sense_are_a_comparison_error(
    fresh: Sandbox, gitlab_of: Callable[[Sandbox], gitlab.Gitlab], argocd_of: Callable[[Sandbox], httpx.Client]
) -> None:
    action = {"action": "update", "file_path": "apps/checkout/staging/kustomization.yaml", "content": "images: ["}
    project = gitlab_of(fresh).projects.get("shop/manifests")
    project.commits.create({"branch": "main", "commit_message": "Oops", "actions": [action]})
    found = argocd_of(fresh).get("/api/v1/applications/checkout-staging").json()["status"]
    assert (found["sync"]["status"], found["health"]["status"]) == ("Unknown", "Healthy")
    assert found["conditions"][0]["type"] == "ComparisonError"


def test_an_image_that_does_not_exist_never_gets_ready(
    fresh: Sandbox,
    gitlab_of: Callable[[Sandbox], gitlab.Gitlab],
    argocd_of: Callable[[Sandbox], httpx.Client],
    eventually: Eventually,
) -> None:
    argo = argocd_of(fresh)
    ask_for(gitlab_of(fresh), "checkout", "staging", "v9.9.9")
    argo.post("/api/v1/applications/checkout-staging/sync", json={}).raise_for_status()
    eventually(lambda: status(argo, "checkout-staging") == ("Synced", "Degraded"))
    tree = argo.get("/api/v1/applications/checkout-staging/resource-tree").json()["nodes"]
    assert {node["kind"] for node in tree} == {"Service", "Deployment", "ReplicaSet", "Pod"}


def test_the_watch_tells_of_changes(
    fresh: Sandbox, gitlab_of: Callable[[Sandbox], gitlab.Gitlab], argocd_of: Callable[[Sandbox], httpx.Client]
) -> None:
    argo, git = argocd_of(fresh), gitlab_of(fresh)
    with argo.stream("GET", "/api/v1/stream/applications", params={"name": "catalog-staging"}) as stream:
        events = (json.loads(line)["result"] for line in stream.iter_lines())
        first = next(events)
        assert (first["type"], first["application"]["status"]["sync"]["status"]) == ("ADDED", "Synced")
        ask_for(git, "catalog", "staging", "v3.2.0")
        second = next(events)
        assert (second["type"], second["application"]["status"]["sync"]["status"]) == ("MODIFIED", "OutOfSync")


def test_actions_are_those_of_the_workload_and_its_state(argocd_client: httpx.Client) -> None:
    def enabled(service: str, group: str, kind: str) -> set[str]:
        place = {"namespace": "shop-staging", "resourceName": service, "group": group, "kind": kind}
        found = argocd_client.get(f"/api/v1/applications/{service}-staging/resource/actions", params=place)
        return {action["name"] for action in found.raise_for_status().json()["actions"] if not action["disabled"]}

    assert enabled("checkout", "apps", "Deployment") == {"restart"}
    assert enabled("search", "argoproj.io", "Rollout") == {"restart"}


def test_an_application_that_syncs_by_itself(
    fresh: Sandbox,
    gitlab_of: Callable[[Sandbox], gitlab.Gitlab],
    argocd_of: Callable[[Sandbox], httpx.Client],
    eventually: Eventually,
) -> None:
    fresh.world.argocd.set_automated("checkout-staging", automated=True)
    argo = argocd_of(fresh)
    at = "/api/v1/applications/checkout-staging"
    sha = ask_for(gitlab_of(fresh), "checkout", "staging", "v1.4.2")
    eventually(lambda: images(argo, at) == ["registry.lanternshop.example/shop/checkout:v1.4.2"])
    operation = argo.get(at).json()["status"]["operationState"]["operation"]
    assert operation["initiatedBy"] == {"automated": True}
    refused = argo.post(f"{at}/sync", json={"revision": sha})
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        f"Cannot sync to {sha}: auto-sync currently set to main",
    )
    assert argo.post(f"{at}/rollback", json={"id": 0}).status_code == 400
