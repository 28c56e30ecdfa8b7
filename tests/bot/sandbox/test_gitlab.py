"""The GitLab stand-in through python-gitlab."""

from collections.abc import Callable
from typing import Any

import gitlab
import pytest

from bot.sandbox.server import Sandbox

pytestmark = pytest.mark.wheels

Eventually = Callable[[Callable[[], Any]], Any]


def test_the_token_says_who_asks(gitlab_client: gitlab.Gitlab) -> None:
    gitlab_client.auth()
    assert gitlab_client.user is not None
    assert gitlab_client.user.username == "shipmate"


def test_an_unknown_token_is_refused(sandbox: Sandbox) -> None:
    with (
        gitlab.Gitlab(sandbox.gitlab_url, private_token="glpat-nobody") as client,
        pytest.raises(gitlab.GitlabAuthenticationError),
    ):
        client.projects.get("shop/checkout")


def test_checkout_has_its_versions_newest_first(gitlab_client: gitlab.Gitlab) -> None:
    project = gitlab_client.projects.get("shop/checkout")
    tags = [tag.name for tag in project.tags.list(get_all=True)]
    assert tags == ["v1.5.1", "v1.5.0", "v1.4.2", "v1.4.1", "v1.4.0", "v1.3.9"]
    assert [release.tag_name for release in project.releases.list(get_all=True)] == tags
    images = project.repositories.list(get_all=True)[0].tags.list(get_all=True)
    assert sorted(image.name for image in images) == sorted(tags)


def test_lists_come_in_pages(gitlab_client: gitlab.Gitlab) -> None:
    project = gitlab_client.projects.get("shop/checkout")
    first = project.tags.list(per_page=4, iterator=True)
    assert (first.total, first.total_pages, first.next_page) == (6, 2, 2)
    assert len(list(first)) == 6


def test_a_commit_changes_a_file_and_a_revert_takes_it_back(gitlab_client: gitlab.Gitlab) -> None:
    project = gitlab_client.projects.get("shop/manifests")
    path = "apps/checkout/staging/kustomization.yaml"
    before = project.files.get(path, ref="main").decode()
    action = {"action": "update", "file_path": path, "content": before.decode().replace("v1.4.1", "v1.4.2")}
    commit = project.commits.create({"branch": "main", "commit_message": "Deploy v1.4.2", "actions": [action]})
    assert "newTag: v1.4.2  # keep in step" in project.files.raw(path, ref=commit.id).decode()
    assert [change["new_path"] for change in commit.diff(get_all=True)] == [path]
    commit.revert("main")
    assert project.commits.list(get_all=False)[0].title == 'Revert "Deploy v1.4.2"'
    assert project.files.get(path, ref="main").decode() == before


def test_a_commit_to_a_file_that_is_not_there_is_refused(gitlab_client: gitlab.Gitlab) -> None:
    project = gitlab_client.projects.get("shop/manifests")
    action = {"action": "update", "file_path": "apps/nobody.yaml", "content": "x"}
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        project.commits.create({"branch": "main", "commit_message": "x", "actions": [action]})
    assert refused.value.response_code == 400


def test_a_pipeline_runs_the_project_s_own_tests(gitlab_client: gitlab.Gitlab, eventually: Eventually) -> None:
    project = gitlab_client.projects.get("shop/checkout")
    pipeline = project.pipelines.create({"ref": "main"})
    eventually(lambda: project.pipelines.get(pipeline.id).status == "success")
    jobs = {job.name: job for job in pipeline.jobs.list(get_all=True)}
    assert {name: job.status for name, job in jobs.items()} == dict.fromkeys(("compile", "unit", "version"), "success")
    trace = project.jobs.get(jobs["unit"].id).trace().decode()
    assert "$ python3 -m unittest discover -s tests" in trace
    assert "Ran 3 tests" in trace
    assert "Job succeeded" in trace
