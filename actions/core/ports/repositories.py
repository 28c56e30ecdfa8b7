"""Port to a project's source: read it at a commit, and propose a change to it on a branch of its own.

Every method may raise `Unreachable`, `OutcomeUnknown` (a write was sent and its answer lost), `Rejected` or `NotFound`,
all of `actions.core.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Revision(_Model):
    """A commit of a project's source.

    Attributes:
        id: its full hash.
        title: the first line of its message.
        author: the author's name.
        email: the author's e-mail address.
        message: the whole message.
    """

    id: str
    title: str = ""
    author: str = ""
    email: str = ""
    message: str = ""
    url: str = ""
    at: datetime | None = None


class MergeRequest(_Model):
    """A change that is proposed for a branch.

    Attributes:
        id: its number within the project.
        state: GitLab's own word.
        sha: the head of its source branch.
        merge_sha: the commit by which it was merged; empty where it was not.
    """

    id: str
    project: str
    title: str
    state: Literal["opened", "closed", "merged", "locked"]
    source: str
    target: str
    sha: str = ""
    merge_sha: str = ""
    url: str = ""


class Repositories(Protocol):
    """The source of projects."""

    def files(self, project: str, ref: str) -> Sequence[str]:
        """The paths of all files at a commit or branch, at most some thousands."""

    def read(self, project: str, ref: str, paths: Sequence[str]) -> Mapping[str, str]:
        """These files' texts at a commit or branch; what does not exist or is no text is left out."""

    def revision(self, project: str, ref: str) -> Revision | None:
        """The commit that a branch or hash names; None where there is none."""

    def is_protected(self, project: str, branch: str) -> bool:
        """Whether not everybody may push to a branch."""

    def diff(self, project: str, sha: str) -> str:
        """What a commit changed, as unified diffs."""

    def propose(self, project: str, branch: str, base: str, files: Mapping[str, str], *, message: str) -> Revision:
        """Make a branch with one commit on top of `base`; once for its name.

        A branch of that name that exists already is returned as it is, and nothing is written.

        Args:
            project: where.
            branch: the new branch's name.
            base: the commit it starts from.
            files: path → the whole new text.
            message: the commit's message.
        """

    def open_merge_request(
        self, project: str, source: str, target: str, *, title: str, description: str
    ) -> MergeRequest:
        """Ask for a branch to be merged; an open request for the same two branches is returned as it is."""

    def merge_request(self, project: str, number: str) -> MergeRequest:
        """A merge request as it stands."""

    def merge(self, project: str, number: str, *, sha: str) -> MergeRequest:
        """Merge it, if the head of its source branch is still this commit, and remove the branch."""

    def close(self, project: str, number: str) -> MergeRequest:
        """Close it without merging; harmless where it is closed already."""

    def delete_branch(self, project: str, branch: str) -> None:
        """Remove a branch; harmless where it is gone."""
