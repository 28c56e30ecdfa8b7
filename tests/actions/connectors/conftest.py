"""Connectors to a running sandbox, which is reached as the real systems are."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from actions.connectors.argocd import ArgoCD
from actions.connectors.gitlab import GitLab, GitLabPipelines, GitLabVersions
from actions.connectors.gitlab_manifests import GitLabManifests
from bot.sandbox.argocd.workload import Timings
from bot.sandbox.server import Sandbox, start
from tests.actions.connectors.claude_stub import Stub, serving

QUICK = Timings(pickup=0.02, sync=0.03, rollout=0.1, step=0.04, healthy_spell=0.0, progress_deadline=0.3)


@dataclass
class Connectors:
    """Everything behind the ports of delivery, and what they waited."""

    sandbox: Sandbox
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gitlab = GitLab(self.sandbox.gitlab_url, self.sandbox.gitlab_token, sleep=self.waits.append)
        self.versions = GitLabVersions(self.gitlab)
        self.manifests = GitLabManifests(self.gitlab)
        self.pipelines = GitLabPipelines(self.gitlab)
        self.argocd = ArgoCD(self.sandbox.argocd_url, self.sandbox.argocd_token, sleep=self.waits.append)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start(tmp_path_factory.mktemp("state"), timings=QUICK) as running:
        yield running


@pytest.fixture
def at(company: Sandbox) -> Iterator[Connectors]:
    connectors = Connectors(company)
    yield connectors
    company.clear_faults()
    connectors.gitlab.close()
    connectors.argocd.close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving() as server:
        yield server
