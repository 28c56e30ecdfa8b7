"""Applications of Argo CD, through the port Deployer."""

import time
from collections.abc import Callable

import pytest

from actions.connectors.argocd import ArgoCD
from actions.core.errors import NotFound, OutcomeUnknown, Rejected, Unreachable
from actions.core.ports.delivery import Application, Health, ManifestTarget, Sync
from tests.actions.connectors.conftest import Connectors

pytestmark = pytest.mark.wheels


def until(at: Connectors, name: str, holds: Callable[[Application], bool]) -> Application:
    """Poll an application until a condition holds; the cluster has its own time."""
    end = time.monotonic() + 10
    while not holds(found := at.argocd.applications([name])[name]):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def deploy(at: Connectors, service: str, version: str, marker: str) -> str:
    """Commit a version to staging, sync to it and return the commit's id."""
    file = f"apps/{service}/staging/kustomization.yaml"
    target = ManifestTarget(project="shop/manifests", branch="main", file=file)
    commit = at.manifests.write(target, version, marker=marker, message="Deploy", author="dana")
    at.argocd.sync(f"{service}-staging", commit.id)
    return commit.id


def test_applications_are_asked_for_together(at: Connectors) -> None:
    found = at.argocd.applications(["checkout-staging", "search-production", "nobody"])
    assert set(found) == {"checkout-staging", "search-production"}
    checkout = found["checkout-staging"]
    assert (checkout.sync, checkout.health, checkout.versions) == (Sync.SYNCED, Health.HEALTHY, ("v1.4.1",))
    assert checkout.rollout is None
    search = found["search-production"].rollout
    assert search is not None
    assert (search.strategy, search.steps) == ("canary", 4)


def test_a_version_rolls_out(at: Connectors) -> None:
    revision = deploy(at, "ledger-writer", "v2.2.1", "R-20")
    at.argocd.sync("ledger-writer-staging", revision)
    done = until(at, "ledger-writer-staging", lambda found: found.versions == ("v2.2.1",))
    assert (done.revision, done.phase) == (revision, "Succeeded")


def test_a_sync_under_way_for_another_commit_is_told(at: Connectors) -> None:
    first = deploy(at, "payments", "v1.0.0", "R-21")
    with pytest.raises(Rejected, match="another operation is already in progress"):
        at.argocd.sync("payments-staging", f"{first}~1")


def test_an_application_that_syncs_by_itself_needs_no_other_words(at: Connectors) -> None:
    at.sandbox.world.argocd.set_automated("catalog-staging", automated=True)
    revision = deploy(at, "catalog", "v3.2.0", "R-26")
    at.argocd.sync("catalog-staging", revision)
    done = until(at, "catalog-staging", lambda found: found.versions == ("v3.2.0",))
    assert done.revision == revision
    at.argocd.sync("catalog-staging", revision)
    at.sandbox.world.argocd.set_automated("catalog-staging", automated=False)


def test_a_version_that_crashes_turns_degraded_and_says_why(at: Connectors) -> None:
    deploy(at, "checkout", "v1.5.0", "R-22")
    found = until(at, "checkout-staging", lambda found: found.health is Health.DEGRADED)
    assert "CrashLoopBackOff" in found.message
    deploy(at, "checkout", "v1.4.1", "R-22/revert")
    until(at, "checkout-staging", lambda found: found.health is Health.HEALTHY and found.versions == ("v1.4.1",))


def test_a_version_that_never_gets_ready_runs_beside_the_old_one(at: Connectors) -> None:
    deploy(at, "checkout", "v1.5.1", "R-23")
    found = until(at, "checkout-staging", lambda found: found.health is Health.DEGRADED)
    assert found.versions == ("v1.4.1", "v1.5.1")
    assert "progress deadline" in found.message
    deploy(at, "checkout", "v1.4.1", "R-23/revert")


def test_a_blue_green_rollout_waits_until_it_is_let_go_on(at: Connectors) -> None:
    deploy(at, "web-frontend", "v8.1.1", "R-24")
    paused = until(at, "web-frontend-staging", lambda found: found.health is Health.SUSPENDED)
    assert paused.rollout is not None
    assert (paused.rollout.paused, paused.versions) == (True, ("v8.1.0", "v8.1.1"))
    at.argocd.resume_rollout("web-frontend-staging")
    until(at, "web-frontend-staging", lambda found: found.health is Health.HEALTHY and found.versions == ("v8.1.1",))


def test_a_rollout_that_is_not_paused_need_not_be_let_go_on(at: Connectors) -> None:
    at.argocd.resume_rollout("search-development")
    with pytest.raises(Rejected):
        at.argocd.abort_rollout("search-development")


def test_nobody_listening_is_told(at: Connectors) -> None:
    deaf = ArgoCD("http://127.0.0.1:9", "token", sleep=at.waits.append)
    with pytest.raises(Unreachable, match=r"Argo CD does not answer at http://127\.0\.0\.1:9 \(no connection\)"):
        deaf.restart("checkout-staging")
    deaf.close()


def test_a_canary_is_aborted(at: Connectors) -> None:
    deploy(at, "search", "v5.4.1", "R-25")
    until(at, "search-staging", lambda found: found.rollout is not None and found.rollout.weight == 25)
    at.argocd.abort_rollout("search-staging")
    aborted = at.argocd.applications(["search-staging"])["search-staging"]
    assert aborted.rollout is not None
    assert (aborted.health, aborted.rollout.aborted, aborted.rollout.weight) == (Health.DEGRADED, True, 0)
    deploy(at, "search", "v5.4.0", "R-25/revert")
    until(at, "search-staging", lambda found: found.health is Health.HEALTHY and found.versions == ("v5.4.0",))


def test_a_restart_makes_it_progress(at: Connectors) -> None:
    at.argocd.restart("catalog-staging")
    until(at, "catalog-staging", lambda found: found.health is Health.PROGRESSING)
    until(at, "catalog-staging", lambda found: found.health is Health.HEALTHY)


def test_an_application_that_is_not_there_is_named(at: Connectors) -> None:
    with pytest.raises(NotFound, match="no application nobody"):
        at.argocd.restart("nobody")


def test_a_restart_whose_answer_is_lost_is_not_repeated(at: Connectors) -> None:
    at.sandbox.fault("argocd", "cut_headers", method="POST", path="/actions", count=1)
    with pytest.raises(OutcomeUnknown):
        at.argocd.restart("catalog-production")


@pytest.mark.parametrize("kind", ["server_error", "cut_headers", "cut_body", "rate_limited"])
def test_reads_and_syncs_survive_a_fault_that_passes(at: Connectors, kind: str) -> None:
    at.sandbox.fault("argocd", kind, count=2)
    assert at.argocd.applications(["catalog-production"])
    assert len(at.waits) == 2


def test_a_fault_that_stays_is_told(at: Connectors) -> None:
    at.sandbox.fault("argocd", "rate_limited", seconds=120)
    with pytest.raises(Unreachable, match="asks us to wait for 120 s"):
        at.argocd.applications(["catalog-production"])
    assert at.waits == []


def test_a_revoked_token_is_told_with_a_remedy(at: Connectors) -> None:
    at.sandbox.fault("argocd", "token_revoked")
    with pytest.raises(Rejected, match="does not accept Shipmate's token") as refused:
        at.argocd.applications(["catalog-production"])
    assert "ARGOCD_TOKEN" in refused.value.remedy


def test_an_application_is_made_unhealthy(at: Connectors) -> None:
    at.sandbox.fault("argocd", "unhealthy", target="catalog-production")
    assert at.argocd.applications(["catalog-production"])["catalog-production"].health is Health.DEGRADED
