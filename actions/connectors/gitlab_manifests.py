"""The manifests repository at GitLab: which version the cluster is asked to run, changed by commits found by a marker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from actions.connectors import image_tag
from actions.connectors.gitlab import PAGE, SYSTEM, GitLab
from actions.connectors.retrying import Safety
from actions.core.errors import OutcomeUnknown, Rejected
from actions.core.ports.delivery import Commit, ManifestTarget

if TYPE_CHECKING:
    from gitlab.v4.objects import Project, ProjectCommit

T = TypeVar("T")

TRAILER = "Shipmate-Request"
_RACE_LOST = ("has changed since", "Please refresh and try again")
"""How GitLab says that the file, or the branch, is no longer what it was."""
RACES = 5
"""How often a commit is tried while others change the same file."""


class Stale(Exception):
    """Somebody changed the file or moved the branch between the reading and the commit."""


class GitLabManifests:
    """Reads and writes image tags; a commit names its request in a trailer."""

    def __init__(self, connection: GitLab) -> None:
        self._connection = connection

    def read(self, target: ManifestTarget) -> str:
        """The version that the file asks for now.

        Raises:
            NotFound: no such project, branch or file.
            Rejected: the file has no image tag where it should be; says what was looked for.
        """
        return self._tag(target, self._file(target)[0])

    def write(self, target: ManifestTarget, version: str, *, marker: str, message: str, author: str) -> Commit:
        """Ask for a version with a commit that keeps the file's comments and order, once for its marker.

        Args:
            target: where.
            version: which.
            marker: what the commit is found by later.
            message: the commit's subject.
            author: on whose behalf, for a trailer.
        """
        if known := self.find(target, marker):
            return known
        for _ in range(RACES):
            text, last = self._file(target)
            if self._tag(target, text) == version:
                return self._head(target, version)
            body = f"{message}\n\n{TRAILER}: {marker}\nRequested-by: {' '.join(author.split())}"
            try:
                return self._commit(target, self._replaced(target, text, version), last, body, version)
            except OutcomeUnknown:
                if known := self.find(target, marker):
                    return known
                raise
            except Stale:
                continue
        raise Rejected(
            SYSTEM, f"{target.file} is being changed by others all the time.", remedy="Try again in a moment."
        )

    def find(self, target: ManifestTarget, marker: str) -> Commit | None:
        """The commit that carries a marker, among the newest that changed the file."""

        def ask(where: Project) -> list[ProjectCommit]:
            # `path` is a word of the library's own, so the query is given as one.
            query = {"ref_name": target.branch, "path": target.file, "per_page": PAGE}
            return list(where.commits.list(query_parameters=query, get_all=False))

        wanted = f"{TRAILER}: {marker}"
        for commit in self._call(f"the history of {target.file} in {target.project}", target, ask):
            if wanted in str(commit.message).splitlines():
                return Commit(id=str(commit.id), url=str(commit.web_url))
        return None

    def _file(self, target: ManifestTarget) -> tuple[str, str]:
        what = f"the file {target.file} on {target.branch} of {target.project}"
        found = self._call(what, target, lambda where: where.files.get(target.file, ref=target.branch))
        return found.decode().decode(), str(found.last_commit_id)

    def _head(self, target: ManifestTarget, version: str) -> Commit:
        what = f"the branch {target.branch} of {target.project}"
        head = self._call(what, target, lambda where: where.branches.get(target.branch)).commit
        return Commit(id=str(head["id"]), url=str(head.get("web_url", "")), version=version)

    def _commit(self, target: ManifestTarget, text: str, last: str, message: str, version: str) -> Commit:
        # GitLab refuses the commit where the file is no longer the one that was read.
        action = {"action": "update", "file_path": target.file, "content": text, "last_commit_id": last}
        wanted = {"branch": target.branch, "commit_message": message, "actions": [action]}
        try:
            made = self._call(
                f"a commit to {target.file} in {target.project}",
                target,
                lambda where: where.commits.create(wanted),
                Safety.ONCE,
            )
        except Rejected as error:
            if any(words in error.message for words in _RACE_LOST):
                raise Stale from error
            raise
        return Commit(id=str(made.id), url=str(made.web_url), version=version)

    def _tag(self, target: ManifestTarget, text: str) -> str:
        try:
            return image_tag.read(text, target.file, image=target.image, key=target.key)
        except image_tag.NoImageTag as error:
            raise _unusable(target, error) from error

    def _replaced(self, target: ManifestTarget, text: str, version: str) -> str:
        try:
            return image_tag.replace(text, target.file, version, image=target.image, key=target.key)
        except image_tag.NoImageTag as error:
            raise _unusable(target, error) from error

    def _call(
        self, what: str, target: ManifestTarget, function: Callable[[Project], T], safety: Safety = Safety.READ
    ) -> T:
        return self._connection.call(
            what, lambda client: function(self._connection.project(target.project, client)), safety
        )


def _unusable(target: ManifestTarget, error: image_tag.NoImageTag) -> Rejected:
    remedy = f"Mend the file in {target.project}, or `manifests:` in shipmate.yaml."
    return Rejected(SYSTEM, f"{error}.", remedy=remedy)
