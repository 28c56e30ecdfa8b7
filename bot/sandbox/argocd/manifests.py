"""Reads what the manifests repository wants of an application at one commit."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.sandbox.documents import Json
from bot.sandbox.repository import Repository

BRANCH = "main"


class ManifestError(Exception):
    """Manifests could not be generated; the message is what Argo CD shows as ComparisonError."""


@dataclass(frozen=True)
class Desired:
    """What one application should run."""

    image: str
    tag: str
    kind: str = "Deployment"
    replicas: int = 2
    strategy: Json = field(default_factory=dict)


class Manifests:
    """The manifests repository; what was read of a commit is remembered, for commits do not change."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._known: dict[tuple[str, str], Desired | ManifestError] = {}
        self._lock = threading.Lock()

    def head(self) -> str:
        """Return the commit that applications follow.

        Raises:
            ManifestError: if the branch is gone.
        """
        sha = self._repository.branch(BRANCH)
        if sha is None:
            raise ManifestError(f"unable to resolve '{BRANCH}' to a commit SHA")
        return sha

    def resolve(self, revision: str) -> str | None:
        """Return the commit a revision stands for, or None."""
        return (
            self._repository.branch(BRANCH) if revision in {"", "HEAD", BRANCH} else self._repository.resolve(revision)
        )

    def author(self, sha: str) -> tuple[str, str, str]:
        """Return a commit's author, time and message."""
        commit = self._repository.commit(sha)
        return f"{commit.author.name} <{commit.author.email}>", commit.authored, commit.message

    def past(self) -> dict[str, list[tuple[str, float]]]:
        """Return for every file the commits that changed it and when (seconds since 1970), oldest first."""
        return {
            path: [(commit.sha, datetime.fromisoformat(commit.committed).timestamp()) for commit in commits]
            for path, commits in self._repository.touching(BRANCH).items()
        }

    def desired(self, sha: str, application: Json) -> Desired:
        """Return what `application` should run at a commit.

        Raises:
            ManifestError: if its files are missing or make no sense.
        """
        key = (sha, application["name"])
        with self._lock:
            if key not in self._known:
                try:
                    self._known[key] = self._read(sha, application)
                except ManifestError as error:
                    self._known[key] = error
            found = self._known[key]
        if isinstance(found, ManifestError):
            raise found
        return found

    def _read(self, sha: str, application: Json) -> Desired:
        if application["values"]:
            return self._read_helm(sha, application["values"])
        overlay, base = self._repository.read_many(
            sha, [f"{application['path']}/kustomization.yaml", application["workload"]]
        )
        kustomization = _mapping(overlay, f"{application['path']}/kustomization.yaml")
        images = kustomization.get("images")
        first = images[0] if isinstance(images, list) and images and isinstance(images[0], dict) else {}
        if not first.get("newTag"):
            raise ManifestError(f"{application['path']}/kustomization.yaml: images[0].newTag is not set")
        workload = _mapping(base, application["workload"])
        spec = workload.get("spec") or {}
        return Desired(
            image=str(first.get("newName") or first.get("name")),
            tag=str(first["newTag"]),
            kind=str(workload.get("kind", "Deployment")),
            replicas=int(spec.get("replicas", 2)),
            strategy=spec.get("strategy") or {},
        )

    def _read_helm(self, sha: str, path: str) -> Desired:
        values = _mapping(self._repository.read(sha, path), path)
        image = values.get("image")
        if not isinstance(image, dict) or not image.get("tag"):
            raise ManifestError(f"{path}: image.tag is not set")
        return Desired(str(image.get("repository")), str(image["tag"]), replicas=int(values.get("replicaCount", 2)))


def _mapping(content: bytes | None, path: str) -> dict[str, Any]:
    if content is None:
        raise ManifestError(f"{path}: no such file")
    try:
        loaded = YAML(typ="safe", pure=True).load(content.decode())
    except (YAMLError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(loaded, dict):
        raise ManifestError(f"{path}: not a mapping")
    return loaded
