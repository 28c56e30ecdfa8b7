"""Versions, manifests and pipelines of GitLab, through the ports."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from actions.connectors.gitlab import GitLab, GitLabPipelines
from actions.core.errors import NotFound, OutcomeUnknown, Rejected, Unreachable
from actions.core.organization import VersionSource
from actions.core.ports.delivery import ManifestTarget
from tests.actions.connectors.conftest import Connectors

pytestmark = pytest.mark.wheels

STAGING = ManifestTarget(project="shop/manifests", branch="main", file="apps/checkout/staging/kustomization.yaml")
HELM = ManifestTarget(project="shop/manifests", branch="main", file="apps/notifications/staging/values.yaml")


@pytest.mark.parametrize("source", list(VersionSource))
def test_versions_exist_or_not_whatever_makes_them_exist(at: Connectors, source: VersionSource) -> None:
    assert at.versions.exists("shop/checkout", source, "v1.4.2")
    assert not at.versions.exists("shop/checkout", source, "v1.4.9")
    assert list(at.versions.newest("shop/checkout", source, limit=2)) == ["v1.5.1", "v1.5.0"]


def test_no_project_is_not_the_same_as_no_version(at: Connectors) -> None:
    with pytest.raises(NotFound, match="shop/nothing"):
        at.versions.exists("shop/nothing", VersionSource.TAGS, "v1.4.2")


def test_a_version_is_asked_for_once_for_its_marker(at: Connectors) -> None:
    assert at.manifests.read(STAGING) == "v1.4.1"
    made = at.manifests.write(STAGING, "v1.4.2", marker="R-1", message="Deploy checkout v1.4.2", author="dana")
    assert at.manifests.read(STAGING) == "v1.4.2"
    assert at.manifests.write(STAGING, "v1.4.0", marker="R-1", message="x", author="dana").id == made.id
    assert at.manifests.read(STAGING) == "v1.4.2"
    found = at.manifests.find(STAGING, "R-1")
    assert found is not None
    assert (found.id, found.url) == (made.id, made.url)
    assert at.manifests.find(STAGING, "R-11") is None


def test_a_version_that_is_asked_for_already_needs_no_commit(at: Connectors) -> None:
    running = at.manifests.read(HELM)
    head = at.manifests.write(HELM, running, marker="R-2", message="x", author="dana")
    assert at.manifests.find(HELM, "R-2") is None
    assert len(head.id) == 40


def test_helm_values(at: Connectors) -> None:
    at.manifests.write(HELM, "v1.2.1", marker="R-3", message="Deploy", author="playbook:weekly for dana")
    assert at.manifests.read(HELM) == "v1.2.1"


def test_a_commit_whose_answer_is_lost_is_found_by_its_marker(at: Connectors) -> None:
    at.sandbox.fault("gitlab", "cut_body", method="POST", path="/repository/commits", count=1)
    made = at.manifests.write(STAGING, "v9.9.3", marker="R-4", message="Deploy checkout v1.4.0", author="dana")
    assert at.manifests.find(STAGING, "R-4") == made.model_copy(update={"version": ""})


def test_a_commit_that_loses_a_race_is_made_anew(at: Connectors) -> None:
    at.sandbox.fault("gitlab", "conflict", method="POST", path="/repository/commits", count=2)
    made = at.manifests.write(HELM, "v9.9.0", marker="R-30", message="Deploy", author="dana")
    assert at.manifests.find(HELM, "R-30") == made.model_copy(update={"version": ""})


def test_a_race_that_is_always_lost_is_told(at: Connectors) -> None:
    at.sandbox.fault("gitlab", "conflict", method="POST", path="/repository/commits")
    with pytest.raises(Rejected, match="being changed by others all the time"):
        at.manifests.write(HELM, "v9.9.1", marker="R-31", message="Deploy", author="dana")


def test_many_deployments_at_once_lose_nothing(at: Connectors) -> None:
    services = ("catalog", "payments", "search", "ledger-writer")
    targets = [STAGING.model_copy(update={"file": f"apps/{name}/staging/kustomization.yaml"}) for name in services]
    with ThreadPoolExecutor(len(targets)) as pool:
        made = list(
            pool.map(
                lambda entry: at.manifests.write(
                    entry[1], "v0.0.1", marker=f"R-4{entry[0]}", message="x", author="dana"
                ),
                enumerate(targets),
            )
        )
    assert len({commit.id for commit in made}) == len(targets)
    assert {at.manifests.read(target) for target in targets} == {"v0.0.1"}


def test_a_commit_whose_answer_is_lost_and_that_is_not_there_is_unknown(at: Connectors) -> None:
    at.sandbox.fault("gitlab", "cut_headers", method="POST", path="/repository/commits", count=1)
    with pytest.raises(OutcomeUnknown):
        at.manifests.write(STAGING, "v9.9.2", marker="R-5", message="x", author="dana")
    assert at.manifests.find(STAGING, "R-5") is None


def test_a_file_that_is_not_there_is_named(at: Connectors) -> None:
    with pytest.raises(NotFound, match=r"apps/checkout/moon/kustomization\.yaml"):
        at.manifests.read(STAGING.model_copy(update={"file": "apps/checkout/moon/kustomization.yaml"}))


def test_a_file_without_a_tag_is_refused_with_a_remedy(at: Connectors) -> None:
    with pytest.raises(Rejected, match=r"has no value at image\.version"):
        at.manifests.read(HELM.model_copy(update={"key": "image.version"}))


@pytest.mark.parametrize("kind", ["server_error", "cut_headers", "cut_body", "rate_limited"])
def test_reads_survive_a_fault_that_passes(at: Connectors, kind: str) -> None:
    at.sandbox.fault("gitlab", kind, count=2, seconds=1)
    assert at.versions.exists("shop/checkout", VersionSource.TAGS, "v1.4.2")
    assert len(at.waits) == 2
    assert kind != "rate_limited" or at.waits == [1.0, 1.0]


def test_a_fault_that_stays_is_told(at: Connectors) -> None:
    at.sandbox.fault("gitlab", "server_error")
    with pytest.raises(Unreachable, match="GitLab answers 500"):
        at.versions.newest("shop/checkout", VersionSource.TAGS)


def test_a_revoked_token_is_told_with_a_remedy(at: Connectors) -> None:
    at.sandbox.fault("gitlab", "token_revoked")
    with pytest.raises(Rejected) as refused:
        at.pipelines.recent("shop/checkout")
    assert "does not accept Shipmate's token" in refused.value.message
    assert "GITLAB_TOKEN" in refused.value.remedy
    assert at.sandbox.gitlab_token not in str(refused.value)


def test_a_pipeline_is_started_once_for_its_marker(at: Connectors) -> None:
    started = at.pipelines.run("shop/catalog", "main", marker="R-6")
    assert at.pipelines.run("shop/catalog", "main", marker="R-6").id == started.id
    assert at.pipelines.find("shop/catalog", "R-7") is None
    both = [("shop/catalog", started.id), ("shop/catalog", "99999")]
    found = at.pipelines.many(both)
    assert list(found) == [("shop/catalog", started.id)]
    assert [job.name for job in found["shop/catalog", started.id].jobs] == ["compile", "unit", "version"]


def test_recent_pipelines_come_newest_first(at: Connectors) -> None:
    found = at.pipelines.recent("shop/checkout", ref="v1.4.2", limit=3)
    assert [(pipeline.ref, pipeline.status, pipeline.is_finished) for pipeline in found] == [
        ("v1.4.2", "success", True)
    ]
    assert at.pipelines.recent("shop/checkout", status="failed") == []
    assert at.pipelines.default_branch("shop/checkout") == "main"


def test_a_pipeline_is_canceled(at: Connectors) -> None:
    started = at.pipelines.run("shop/search", "main", marker="R-8")
    at.pipelines.cancel("shop/search", started.id)
    assert at.pipelines.get("shop/search", started.id).is_finished


def test_a_pipeline_that_cannot_run_says_why(at: Connectors) -> None:
    with pytest.raises(Rejected, match="Reference not found"):
        at.pipelines.run("shop/search", "no-such-branch", marker="R-9")


def test_nobody_listening_is_told_and_a_write_was_not_sent(at: Connectors) -> None:
    deaf = GitLab("http://127.0.0.1:9", "token", sleep=at.waits.append)
    with pytest.raises(Unreachable, match=r"GitLab does not answer at http://127\.0\.0\.1:9 \(no connection\)"):
        GitLabPipelines(deaf).retry("shop/checkout", "1")
    deaf.close()
