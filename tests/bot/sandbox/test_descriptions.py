"""What works on the sandbox works on the real systems: every exchange is held against the vendors' descriptions.

What differs is named here one by one, and in docs/sandbox.md for people; a new difference fails the test, and so does one
that is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gitlab
import httpx
import pytest

from actions.connectors.argocd import ArgoCD
from actions.connectors.gitlab import GitLab, GitLabPipelines, GitLabVersions
from actions.connectors.gitlab_manifests import GitLabManifests
from actions.core.organization import VersionSource
from actions.core.ports.delivery import ManifestTarget
from bot.sandbox.server import Sandbox, start
from tests.bot.sandbox.conftest import QUICK
from tests.bot.sandbox.descriptions import Description, Exchange
from tests.bot.sandbox.descriptions import gitlab as gitlab_description

pytestmark = pytest.mark.wheels

STAGING = ManifestTarget(project="shop/manifests", branch="main", file="apps/checkout/staging/kustomization.yaml")


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, Exchange]]]:
    """What passes between the clients, our connectors among them, and a sandbox."""
    seen: list[tuple[str, Exchange]] = []
    with pytest.MonkeyPatch.context() as patch, start(tmp_path_factory.mktemp("state"), timings=QUICK) as sandbox:
        send = httpx.Client.send

        def hear(client: httpx.Client, request: httpx.Request, **more: Any) -> httpx.Response:
            response = send(client, request, **more)
            if not more.get("stream"):
                note("argocd", request.method, str(request.url), request.content, response)
            return response

        def note(system: str, method: str, url: str, body: bytes, answer: Any) -> None:
            parts = urlsplit(url)
            path = parts.path.partition(f"/{system}")[2]
            kind = answer.headers.get("content-type", "")
            answered = json.loads(answer.content) if "json" in kind and answer.content else None
            sent = json.loads(body) if body else None
            seen.append((system, Exchange(method, path, parts.query, sent, answer.status_code, answered)))

        patch.setattr(httpx.Client, "send", hear)

        def listen(session: Any) -> None:
            session.hooks["response"].append(
                lambda answer, *_, **__: note(
                    "gitlab", answer.request.method, answer.request.url, answer.request.body or b"", answer
                )
            )

        use_gitlab(sandbox, listen)
        use_argocd(sandbox)
        use_connectors(sandbox, listen)
        yield seen


def use_gitlab(sandbox: Sandbox, listen: Callable[[Any], None]) -> None:
    """Call everything that the stand-in knows, by python-gitlab."""
    with gitlab.Gitlab(sandbox.gitlab_url, private_token=sandbox.gitlab_token) as client:
        listen(client.session)
        client.auth()
        client.version()
        client.projects.list(search="checkout", get_all=True)
        client.users.list(username="dana", get_all=True)
        project = client.projects.get("shop/checkout")
        for manager in (project.branches, project.tags, project.commits, project.releases, project.hooks, project.jobs):
            manager.list(get_all=True)
        for people in (project.members, project.members_all, project.users, project.protectedbranches):
            people.list(get_all=True)
        project.tags.get("v1.4.2")
        project.releases.get("v1.4.2")
        project.branches.create({"branch": "tidy", "ref": "main"})
        action = {"action": "update", "file_path": "README.md", "content": "# checkout\n"}
        commit = project.commits.create({"branch": "tidy", "commit_message": "Tidy", "actions": [action]})
        project.commits.get(commit.id)
        commit.diff(get_all=True)
        commit.refs(get_all=True)
        project.repository_compare("main", "tidy")
        project.repository_tree(ref="tidy", get_all=True)
        file = project.files.get("README.md", ref="tidy")
        file.content = "# checkout!\n"
        file.save(branch="tidy", commit_message="More")
        project.files.raw("README.md", ref="tidy")
        project.commits.get("tidy").revert("tidy")
        request = project.mergerequests.create({"source_branch": "tidy", "target_branch": "main", "title": "Tidy"})
        project.mergerequests.list(state="opened", get_all=True)
        request.changes()
        request.notes.create({"body": "Fine."})
        request.notes.list(get_all=True)
        number = request.iid
        request.approve()
        project.mergerequests.get(number).merge()
        project.branches.delete("tidy")
        project.tags.create({"tag_name": "v1.4.3", "ref": "v1.4.2", "message": "A patch."})
        use_pipelines(project)
        variable = project.variables.create({"key": "REGION", "value": "north"})
        variable.value = "south"
        variable.save()
        project.variables.list(get_all=True)
        variable.delete()
        hook = project.hooks.create({"url": "http://127.0.0.1:9/hook", "push_events": False})
        project.hooks.get(hook.id)
        hook.delete()
        images = project.repositories.list(get_all=True)[0]
        images.tags.list(get_all=True)
        images.tags.get("v1.4.2")


def use_pipelines(project: Any) -> None:
    """Start, cancel and retry pipelines and jobs."""
    pipeline = project.pipelines.create({"ref": "main", "variables": [{"key": "A", "value": "1"}]})
    pipeline.variables.list(get_all=True)
    pipeline.cancel()
    pipeline.retry()
    pipeline.cancel()
    project.pipelines.list(ref="main", status="canceled", get_all=True)
    project.pipelines.get(pipeline.id)
    project.pipelines.latest(ref="main")
    jobs = pipeline.jobs.list(get_all=True)
    job = project.jobs.get(jobs[0].id)
    job.trace()
    job.retry()
    project.jobs.get(pipeline.jobs.list(get_all=True)[0].id).cancel()


def use_argocd(sandbox: Sandbox) -> None:
    """Call everything that the stand-in knows, by httpx."""
    headers = {"authorization": f"Bearer {sandbox.argocd_token}"}
    with httpx.Client(base_url=sandbox.argocd_url, headers=headers, trust_env=False) as client:
        client.get("/api/version")
        client.get("/api/v1/session/userinfo")
        client.get("/api/v1/applications", params={"selector": "team=payments,environment!=production"})
        for name in ("checkout-staging", "search-staging", "web-frontend-staging", "notifications-staging"):
            at = f"/api/v1/applications/{name}"
            kind = (
                ("argoproj.io", "v1alpha1", "Rollout")
                if name.startswith(("search", "web"))
                else ("apps", "v1", "Deployment")
            )
            place = dict(zip(("group", "version", "kind"), kind, strict=True))
            place |= {"namespace": "shop-staging", "resourceName": name.removesuffix("-staging")}
            client.get(at)
            client.get(f"{at}/resource-tree")
            client.get(f"{at}/managed-resources")
            client.get(f"{at}/resource", params=place)
            client.get(f"{at}/resource/actions", params=place)
            client.post(f"{at}/resource/actions", params=place, json="restart")
            client.post(f"{at}/resource/actions/v2", json={**place, "name": name, "action": "restart"})
            client.post(f"{at}/rollback", json={"name": name, "id": 0})
            client.request("DELETE", f"{at}/operation")
            client.post(f"{at}/sync", json={"name": name, "infos": [{"name": "request", "value": "R-1"}]})
            head = client.get(at).json()["status"]["sync"]["revision"]
            client.get(f"{at}/revisions/{head}/metadata")


def use_connectors(sandbox: Sandbox, listen: Callable[[Any], None]) -> None:
    """Call every method of our own connectors."""
    connection = GitLab(sandbox.gitlab_url, sandbox.gitlab_token)
    connection.call("nothing", lambda client: listen(client.session))
    versions, manifests, pipelines = (
        GitLabVersions(connection),
        GitLabManifests(connection),
        GitLabPipelines(connection),
    )
    for source in VersionSource:
        versions.exists("shop/checkout", source, "v1.4.2")
        versions.newest("shop/checkout", source)
    commit = manifests.write(STAGING, "v1.4.2", marker="R-2", message="Deploy", author="dana")
    manifests.write(STAGING, "v1.4.2", marker="R-3", message="Deploy", author="dana")
    started = pipelines.run("shop/catalog", "main", marker="R-4")
    pipelines.cancel("shop/catalog", started.id)
    pipelines.retry("shop/catalog", started.id)
    pipelines.recent("shop/catalog", ref="main", status="success")
    pipelines.default_branch("shop/catalog")
    connection.close()
    argocd = ArgoCD(sandbox.argocd_url, sandbox.argocd_token)
    argocd.applications(["checkout-production"])
    argocd.applications(["checkout-production", "search-production"])
    argocd.sync("checkout-production", commit.id)
    argocd.restart("search-production")
    argocd.close()


def held(description: Description, system: str, exchanges: list[tuple[str, Exchange]]) -> Description:
    """Hold all exchanges with one system against its description."""
    for name, exchange in exchanges:
        if name == system and exchange.status < 400:
            description.check(exchange)
    return description


def merge_request_types() -> Iterator[str]:
    """A merge request's properties without a type of their own are described as strings."""
    basic = {
        "boolean": "blocking_discussions_resolved draft force_remove_source_branch has_conflicts imported"
        " merge_when_pipeline_succeeds squash work_in_progress",
        "integer": "downvotes source_project_id target_project_id upvotes user_notes_count",
        "array": "labels",
        "object": "task_completion_status",
    }
    whole = {"boolean": "first_contribution subscribed user.can_merge"}
    for holder, kinds in (
        ("MergeRequestBasic", [basic]),
        ("MergeRequest", [basic, whole]),
        ("MergeRequestChanges", [basic, whole, {"boolean": "overflow"}]),
    ):
        for kind, names in (entry for group in kinds for entry in group.items()):
            for name in names.split():
                yield f"API_Entities_{holder}.{name} is described as string, not {kind}"


# python-gitlab and GitLab's own documentation are on our side in each of these.
GITLAB_UNKNOWN = {
    "GET /api/v4/user",
    "GET /api/v4/projects/…/merge_requests/…/notes",
    "POST /api/v4/projects/…/merge_requests/…/notes",
}
GITLAB_DIFFERENCES = {
    *merge_request_types(),
    *(
        f"GET {path}: a list is described as one object"
        for path in (
            "/api/v4/projects/{id}/merge_requests",
            "/api/v4/projects/{id}/repository/tree",
            "/api/v4/projects/{id}/variables",
            "/api/v4/users",
        )
    ),
    *(
        f"API_Entities_{name} is described as object, not array"
        for name in (
            "Approvals.approved_by",
            "Diff.changes",
            "Releases_Evidence.evidences",
            "Releases_Link.links",
            "Releases_Source.sources",
            "UserBasic.assignees",
            "UserBasic.reviewers",
        )
    ),
    *(
        f"API_Entities_{name} is described as string, not integer"
        for name in (
            "Member.access_level",
            "ProjectAccess.access_level",
            "ProjectAccess.notification_level",
            "ProjectHook.id",
            "ProjectHook.project_id",
        )
    ),
    "API_Entities_Ci_Job.project.ci_job_token_scope_enabled is described as string, not boolean",
    "POST /api/v4/projects/{id}/repository/commits: status 201 is not described",
    "POST /api/v4/projects/{id}/repository/commits/{sha}/revert: status 201 is not described",
    # Every property of an action is described as required, for whatever action.
    "postApiV4ProjectsIdRepositoryCommits.execute_filemode is missing",
    "postApiV4ProjectsIdRepositoryCommits.previous_path is missing",
    # python-gitlab repeats in the body what stands in the path.
    "putApiV4ProjectsIdRepositoryFilesFilePath.file_path is not described",
    "putApiV4ProjectsIdVariablesKey.key is not described",
}
# A node embeds a reference to its resource, whose fields the description leaves out.
ARGOCD_DIFFERENCES = {
    f"v1alpha1ResourceNode.{name} is not described" for name in ("group", "kind", "name", "namespace", "uid", "version")
}


def test_gitlab(
    exchanges: list[tuple[str, Exchange]], sample: Callable[[str], Path], pytestconfig: pytest.Config
) -> None:
    keep = pytestconfig.cache.mkdir("descriptions") if pytestconfig.cache else Path()
    document = gitlab_description(sample("specs/gitlab.openapi_v2.yaml"), keep)
    found = held(Description(document), "gitlab", exchanges)
    assert len(found.checked) > 50
    assert found.unknown == GITLAB_UNKNOWN
    assert found.differences == GITLAB_DIFFERENCES


def test_argocd(exchanges: list[tuple[str, Exchange]], sample: Callable[[str], Path]) -> None:
    document = json.loads(sample("specs/argocd-3.6.swagger.json").read_text())
    found = held(Description(document), "argocd", exchanges)
    assert len(found.checked) > 12
    assert found.unknown == set()
    assert found.differences == ARGOCD_DIFFERENCES


def test_a_description_finds_what_is_wrong() -> None:
    thing = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    answer = {"200": {"schema": {"$ref": "#/definitions/Thing"}}}
    parameters = [{"name": "id", "in": "path"}, {"name": "page", "in": "query"}]
    get = {"get": {"parameters": parameters, "responses": answer}}
    description = Description({"paths": {"/api/things/{id}": get}, "definitions": {"Thing": thing}})
    description.check(Exchange("GET", "/api/things/1", "pace=1", None, 200, {"name": 1, "size": 2}))
    description.check(Exchange("GET", "/api/things/1", "page=1", None, 201, {}))
    description.check(Exchange("POST", "/api/things/1", "", None, 200, {}))
    assert description.unknown == {"POST /api/things/…"}
    assert description.differences == {
        "GET /api/things/{id}: query pace is not described",
        "GET /api/things/{id}: status 201 is not described",
        "Thing.name is described as string, not integer",
        "Thing.size is not described",
        "Thing.name is missing",
    }
