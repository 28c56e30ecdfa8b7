"""Ports to what builds and runs services: versions, manifests, the deployer and pipelines.

Every method may raise `Unreachable` (nothing was changed, or the call only read), `OutcomeUnknown` (a write was sent
and its answer lost), `Rejected` or `NotFound`, all of `actions.core.errors`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from actions.core.organization import VersionSource

TRACE_LIMIT = 4 * 2**20
"""How many bytes of a job's log are read, from its end."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class VersionRegistry(Protocol):
    """Knows which versions of a project exist."""

    def exists(self, project: str, source: VersionSource, version: str) -> bool:
        """Whether there is such a version."""

    def newest(self, project: str, source: VersionSource, *, limit: int = 100) -> Sequence[str]:
        """The versions there are, newest first."""


class ManifestTarget(_Model):
    """The place in a repository that says which version runs.

    Attributes:
        project: the repository's project.
        branch: the branch that the cluster follows.
        file: the path: a kustomization or Helm values.
        image: the image's name in a kustomization's `images:`; None where it lists one.
        key: the dotted key of the tag in Helm values.
    """

    project: str
    branch: str
    file: str
    image: str | None = None
    key: str = "image.tag"


class Commit(_Model):
    """A commit that Shipmate made or found."""

    id: str
    url: str = ""
    version: str = ""


class Manifests(Protocol):
    """The GitOps repository: which version the cluster is asked to run."""

    def read(self, target: ManifestTarget) -> str:
        """The version that the file asks for now.

        Raises:
            NotFound: no such project, branch or file.
            Rejected: the file has no image tag where it should be; says what was looked for.
        """

    def write(self, target: ManifestTarget, version: str, *, marker: str, message: str, author: str) -> Commit:
        """Ask for a version with a commit that keeps the file's comments and order, once for its marker.

        A commit that carries the marker already is returned and nothing is written. Where the file asks for the version
        already, the branch's present commit is returned.

        Args:
            target: where.
            version: which.
            marker: what the commit is found by later, in a trailer, such as "R-12" or "R-12/revert".
            message: the commit's subject.
            author: on whose behalf, for a trailer.
        """

    def find(self, target: ManifestTarget, marker: str) -> Commit | None:
        """The commit that carries a marker."""


class Sync(StrEnum):
    """Whether the cluster runs what the repository asks for; Argo CD's own words."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class Health(StrEnum):
    """How what runs is doing; Argo CD's own words."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


class Rollout(_Model):
    """The Argo Rollout of an application, where it has one.

    Attributes:
        name: the resource's name.
        strategy: its own strategy.
        step: how many of its steps are behind it.
        steps: how many it has.
        weight: the share of traffic on the new version, in percent, where it is known.
        paused: whether it waits for somebody to go on.
        aborted: whether it was aborted.
    """

    name: str
    strategy: Literal["canary", "blue-green"]
    step: int = 0
    steps: int = 0
    weight: int | None = None
    paused: bool = False
    aborted: bool = False


class Application(_Model):
    """An application as the deployer sees it.

    Attributes:
        versions: the image tags that run; during a rollout there may be several.
        revision: the commit that it was last synced to.
        phase: the phase of the last sync operation, empty where there was none; Argo CD's own words.
        message: what the deployer says of its health or its last operation.
    """

    name: str
    versions: tuple[str, ...] = ()
    revision: str = ""
    sync: Sync = Sync.UNKNOWN
    health: Health = Health.UNKNOWN
    phase: str = ""
    message: str = ""
    url: str = ""
    rollout: Rollout | None = None


class Deployer(Protocol):
    """Brings what the repository asks for to the cluster, and tells how it is doing."""

    def applications(self, names: Collection[str]) -> Mapping[str, Application]:
        """These applications, in as few calls as can be; those that do not exist are left out."""

    def sync(self, name: str, revision: str) -> None:
        """Ask for an application to be synced to a commit; asking again for the same is harmless.

        A sync that is under way for another commit is Rejected.
        """

    def restart(self, name: str) -> None:
        """Ask for the application's workload to be restarted."""

    def resume_rollout(self, name: str) -> None:
        """Let a paused rollout go on."""

    def abort_rollout(self, name: str) -> None:
        """Stop a rollout and send all traffic to the stable version."""


class Job(_Model):
    """A job of a pipeline."""

    id: str
    name: str
    stage: str
    status: str
    url: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str = ""
    allow_failure: bool = False


class Trace(_Model):
    """The log of a job, or the end of it.

    Attributes:
        text: what is kept, as the job wrote it.
        lines_before: how many lines stand before what is kept.
    """

    text: str
    lines_before: int = 0


class Pipeline(_Model):
    """A pipeline. `status` is GitLab's own word.

    Attributes:
        fault: why its configuration could not be used; empty where it could.
    """

    id: str
    project: str
    ref: str
    sha: str
    status: str
    url: str = ""
    source: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    jobs: tuple[Job, ...] = ()
    fault: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether it will not go on by itself."""
        return self.status in {"success", "failed", "canceled", "skipped", "manual"}


class Pipelines(Protocol):
    """A project's pipelines."""

    def recent(
        self, project: str, *, ref: str | None = None, status: str | None = None, limit: int = 10
    ) -> Sequence[Pipeline]:
        """Pipelines without their jobs, newest first."""

    def get(self, project: str, pipeline: str) -> Pipeline:
        """A pipeline with its jobs."""

    def many(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Pipeline]:
        """Pipelines with their jobs by (project, id), with bounded concurrency; what does not exist is left out."""

    def trace(self, project: str, job: str, *, limit: int = TRACE_LIMIT) -> Trace:
        """A job's log, at most its last `limit` bytes."""

    def default_branch(self, project: str) -> str:
        """The project's default branch."""

    def run(self, project: str, ref: str, *, marker: str) -> Pipeline:
        """Start a pipeline, once for its marker (kept in the pipeline's variable SHIPMATE_REQUEST)."""

    def find(self, project: str, marker: str) -> Pipeline | None:
        """The pipeline that was started with a marker."""

    def retry(self, project: str, pipeline: str) -> Pipeline:
        """Run the failed jobs of a pipeline again."""

    def cancel(self, project: str, pipeline: str) -> Pipeline:
        """Stop a pipeline."""
