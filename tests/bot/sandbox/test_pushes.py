"""git itself, webhooks and the pipelines that a push starts."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gitlab
import pytest

from bot.sandbox.repository import ENVIRONMENT
from bot.sandbox.server import Sandbox

pytestmark = pytest.mark.wheels

Eventually = Callable[[Callable[[], Any]], Any]


class Ear:
    """Listens for webhooks."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], dict[str, Any]]] = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                ear.heard.append((dict(self.headers.items()), json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def kinds(self) -> list[str]:
        return [body["object_kind"] for _, body in self.heard]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    listening = Ear()
    yield listening
    listening.close()


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody with an empty configuration."""
    who = {"GIT_AUTHOR_NAME": "Sam", "GIT_AUTHOR_EMAIL": "sam@lanternshop.example"}
    who |= {"GIT_COMMITTER_NAME": "Sam", "GIT_COMMITTER_EMAIL": "sam@lanternshop.example"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**ENVIRONMENT, **who}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def clone(sandbox: Sandbox, project: str, folder: Path, person: str = "sam") -> Path:
    """Clone a project over HTTP with a person's token."""
    address = urlsplit(sandbox.gitlab_url)
    token = sandbox.gitlab_token_of(person)
    git(folder, "clone", "-q", f"http://{person}:{token}@{address.netloc}{address.path}/{project}.git", "work")
    return folder / "work"


def test_a_push_is_tested_and_told_to_hooks(
    sandbox: Sandbox, gitlab_client: gitlab.Gitlab, tmp_path: Path, ear: Ear, eventually: Eventually
) -> None:
    project = gitlab_client.projects.get("shop/payments")
    project.hooks.create(
        {"url": ear.url, "token": "hush", "push_events": True, "pipeline_events": True, "job_events": True}
    )
    work = clone(sandbox, "shop/payments", tmp_path)
    assert git(work, "tag").split() == ["v0.9.4", "v1.0.0", "v1.0.1"]
    module = work / "payments" / "cards.py"
    module.write_text(module.read_text().replace('"*" *', '"#" *'))
    git(work, "commit", "-qam", "Show card numbers with hashes")
    git(work, "push", "-q", "origin", "HEAD:refs/heads/hashes")
    sha = git(work, "rev-parse", "HEAD").strip()

    assert project.branches.get("hashes").commit["id"] == sha
    pipeline = project.pipelines.list(sha=sha, get_all=True)[0]
    eventually(lambda: project.pipelines.get(pipeline.id).status == "failed")
    jobs = {job.name: job for job in pipeline.jobs.list(get_all=True)}
    assert {name: job.status for name, job in jobs.items()} == {
        "compile": "success",
        "unit": "failed",
        "version": "success",
    }
    assert jobs["unit"].failure_reason == "script_failure"
    trace = project.jobs.get(jobs["unit"].id).trace().decode()
    assert "AssertionError: '############1111' != '************1111'" in trace
    assert "ERROR: Job failed: exit code 1" in trace

    eventually(lambda: ear.heard and ear.heard[-1][1].get("object_attributes", {}).get("status") == "failed")
    headers, push = ear.heard[0]
    assert (push["object_kind"], push["ref"], push["user_username"]) == ("push", "refs/heads/hashes", "sam")
    assert push["commits"][-1]["modified"] == ["payments/cards.py"]
    assert headers["x-gitlab-token"] == "hush"
    assert headers["x-gitlab-event"] == "Push Hook"
    assert len({headers["x-gitlab-event-uuid"] for headers, _ in ear.heard}) == len(ear.heard)
    assert {"push", "pipeline", "build"} == set(ear.kinds())


def test_a_pushed_tag_publishes_an_image(
    sandbox: Sandbox, gitlab_client: gitlab.Gitlab, tmp_path: Path, eventually: Eventually
) -> None:
    project = gitlab_client.projects.get("shop/catalog")
    work = clone(sandbox, "shop/catalog", tmp_path)
    git(work, "tag", "-a", "-m", "Lanterns by colour.", "v3.3.0")
    git(work, "push", "-q", "origin", "v3.3.0")
    images = project.repositories.list(get_all=True)[0]
    eventually(lambda: "v3.3.0" in [tag.name for tag in images.tags.list(get_all=True)])
    pipeline = project.pipelines.list(ref="v3.3.0", get_all=True)[0]
    assert "publish" in {job.stage for job in pipeline.jobs.list(get_all=True)}


def test_without_a_token_there_is_no_clone(sandbox: Sandbox, tmp_path: Path) -> None:
    address = urlsplit(sandbox.gitlab_url)
    done = subprocess.run(
        ["git", "clone", "-q", f"http://sam:wrong@{address.netloc}{address.path}/shop/payments.git"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Authentication failed" in done.stderr


def commit(project: Any, branch: str, configuration: str) -> Any:
    """Commit another pipeline on a branch of its own and return the pipeline it starts."""
    action = {"action": "update", "file_path": ".gitlab-ci.yml", "content": configuration}
    made = project.commits.create(
        {"branch": branch, "start_branch": "main", "commit_message": "Try", "actions": [action]}
    )
    return project.pipelines.list(sha=made.id, get_all=True)[0]


def test_a_job_is_tried_again_as_often_as_configured(gitlab_client: gitlab.Gitlab, eventually: Eventually) -> None:
    project = gitlab_client.projects.get("shop/search")
    pipeline = commit(
        project, "again", "a: {script: exit 3, retry: 1}\nb: {script: exit 4, allow_failure: {exit_codes: 4}}"
    )
    eventually(lambda: project.pipelines.get(pipeline.id).status == "failed")
    assert len(pipeline.jobs.list(include_retried=True, get_all=True)) == 3
    found = {job.name: (job.status, job.allow_failure) for job in pipeline.jobs.list(get_all=True)}
    assert found == {"a": ("failed", False), "b": ("failed", True)}


def test_a_job_that_takes_too_long_is_ended(gitlab_client: gitlab.Gitlab, eventually: Eventually) -> None:
    project = gitlab_client.projects.get("shop/search")
    pipeline = commit(project, "late", "a: {script: sleep 60, timeout: 0.2}")
    eventually(lambda: project.pipelines.get(pipeline.id).status == "failed")
    assert pipeline.jobs.list(get_all=True)[0].failure_reason == "job_execution_timeout"


def test_a_running_job_is_canceled_and_retried(gitlab_client: gitlab.Gitlab, eventually: Eventually) -> None:
    project = gitlab_client.projects.get("shop/search")
    pipeline = commit(project, "cancel", "a: {script: 'test -e /tmp && sleep ${HOW_LONG:-60}'}")
    eventually(lambda: project.pipelines.get(pipeline.id).status == "running")
    pipeline.cancel()
    eventually(lambda: project.pipelines.get(pipeline.id).status == "canceled")
    pipeline.retry()
    eventually(lambda: project.pipelines.get(pipeline.id).status == "running")
    pipeline.cancel()


def test_a_manual_job_waits_until_it_is_played(gitlab_client: gitlab.Gitlab, eventually: Eventually) -> None:
    project = gitlab_client.projects.get("shop/search")
    configuration = "a: {script: 'true', rules: [{when: manual}]}\nb: {stage: deploy, script: 'true'}"
    pipeline = commit(project, "manual", configuration)
    eventually(lambda: project.pipelines.get(pipeline.id).status == "manual")
    project.jobs.get(pipeline.jobs.list(scope="manual", get_all=True)[0].id).play()
    eventually(lambda: project.pipelines.get(pipeline.id).status == "success")


def test_a_variable_that_was_added_since_is_there_for_a_job_that_runs_again(
    gitlab_client: gitlab.Gitlab, eventually: Eventually
) -> None:
    project = gitlab_client.projects.get("shop/search")
    pipeline = commit(project, "asked", "a: {script: 'test \"$SEARCH_KEY\" = open-sesame'}")
    eventually(lambda: project.pipelines.get(pipeline.id).status == "failed")
    project.variables.create({"key": "SEARCH_KEY", "value": "open-sesame", "masked": True})
    pipeline.retry()
    eventually(lambda: project.pipelines.get(pipeline.id).status == "success")


def test_masked_variables_do_not_show_in_a_trace(gitlab_client: gitlab.Gitlab, eventually: Eventually) -> None:
    project = gitlab_client.projects.get("shop/search")
    project.variables.create({"key": "DEPLOY_KEY", "value": "correct-horse-battery", "masked": True})
    pipeline = commit(project, "masked", "a: {script: ['echo \"key is $DEPLOY_KEY\"']}")
    eventually(lambda: project.pipelines.get(pipeline.id).status == "success")
    trace = project.jobs.get(pipeline.jobs.list(get_all=True)[0].id).trace().decode()
    assert "key is [MASKED]" in trace
    assert "correct-horse" not in trace


def test_a_configuration_that_makes_no_sense_fails_with_its_reason(gitlab_client: gitlab.Gitlab) -> None:
    project = gitlab_client.projects.get("shop/search")
    pipeline = project.pipelines.get(commit(project, "broken", "a: {stage: nowhere, script: x}").id)
    assert pipeline.status == "failed"
    assert "chosen stage nowhere does not exist" in pipeline.yaml_errors


def test_a_merge_request_is_merged_and_its_branch_removed(gitlab_client: gitlab.Gitlab) -> None:
    project = gitlab_client.projects.get("shop/notifications")
    action = {"action": "create", "file_path": "NOTES.md", "content": "# Notes\n"}
    project.commits.create({"branch": "notes", "start_branch": "main", "commit_message": "Notes", "actions": [action]})
    request = project.mergerequests.create({"source_branch": "notes", "target_branch": "main", "title": "Notes"})
    changes = request.changes()
    assert isinstance(changes, dict)
    assert [change["new_path"] for change in changes["changes"]] == ["NOTES.md"]
    request.notes.create({"body": "Good."})
    assert [note.body for note in request.notes.list(get_all=True)] == ["Good."]
    request.merge(should_remove_source_branch=True)
    assert project.mergerequests.get(request.iid).state == "merged"
    assert project.files.raw("NOTES.md", ref="main") == b"# Notes\n"
    assert "notes" not in [branch.name for branch in project.branches.list(get_all=True)]


def test_a_merge_request_in_conflict_is_not_merged(gitlab_client: gitlab.Gitlab) -> None:
    project = gitlab_client.projects.get("shop/notifications")
    for branch in ("left", "right"):
        action = {"action": "update", "file_path": "VERSION", "content": f"{branch}\n"}
        start = {"branch": branch, "start_branch": "main", "commit_message": branch, "actions": [action]}
        project.commits.create(start)
    left, right = (
        project.mergerequests.create({"source_branch": branch, "target_branch": "main", "title": branch})
        for branch in ("left", "right")
    )
    left.merge()
    with pytest.raises(gitlab.GitlabMRClosedError, match="Branch cannot be merged"):
        right.merge()
