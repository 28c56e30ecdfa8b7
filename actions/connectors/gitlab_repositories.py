"""The source of GitLab projects: files at a commit, and changes proposed on a branch of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from actions.connectors.gitlab import PAGE, GitLab, at_once
from actions.connectors.retrying import Safety
from actions.core.errors import NotFound, OutcomeUnknown, Rejected
from actions.core.ports.repositories import MergeRequest, Revision

if TYPE_CHECKING:
    from gitlab.v4.objects import Project

T = TypeVar("T")

MOST_FILES = 5_000
LARGEST_FILE = 4 * 2**20
"""In bytes: a larger file is not read."""
LONGEST_DIFF = 200_000
"""In characters: of a longer diff the rest is left out."""


class GitLabRepositories:
    """Reads and proposes changes to projects' source."""

    def __init__(self, connection: GitLab) -> None:
        self._connection = connection

    def files(self, project: str, ref: str) -> Sequence[str]:
        """The paths of all files, at most some thousands."""

        def ask(where: Project) -> list[str]:
            paths: list[str] = []
            for entry in where.repository_tree(ref=ref, recursive=True, iterator=True, per_page=PAGE):
                if entry["type"] == "blob":
                    paths.append(str(entry["path"]))
                if len(paths) >= MOST_FILES:
                    break
            return paths

        return self._call(f"the files of {project} at {ref}", ask, project)

    def read(self, project: str, ref: str, paths: Sequence[str]) -> Mapping[str, str]:
        """These files' texts; what does not exist or is no text is left out."""

        def one(path: str) -> tuple[str, str | None]:
            try:
                found = self._call(
                    f"the file {path} of {project} at {ref}", lambda where: where.files.raw(path, ref=ref), project
                )
            except NotFound:
                return path, None
            data = found if isinstance(found, bytes) else b""
            if len(data) > LARGEST_FILE:
                return path, None
            try:
                return path, data.decode()
            except UnicodeDecodeError:
                return path, None

        return {path: text for path, text in at_once(one, list(dict.fromkeys(paths))) if text is not None}

    def revision(self, project: str, ref: str) -> Revision | None:
        """The commit that a branch or hash names; None where there is none."""
        try:
            found = self._call(f"the commit {ref} of {project}", lambda where: where.commits.get(ref), project)
        except NotFound:
            return None
        return _revision(found.attributes)

    def is_protected(self, project: str, branch: str) -> bool:
        """Whether not everybody may push to a branch."""
        found = self._call(f"the branch {branch} of {project}", lambda where: where.branches.get(branch), project)
        return bool(found.attributes.get("protected", True))

    def diff(self, project: str, sha: str) -> str:
        """What a commit changed, as unified diffs."""

        def ask(where: Project) -> list[dict[str, Any]]:
            return list(where.commits.get(sha, lazy=True).diff(get_all=False, per_page=PAGE))

        parts = [
            f"--- a/{entry['old_path']}\n+++ b/{entry['new_path']}\n{entry['diff']}"
            for entry in self._call(f"the changes of {sha} of {project}", ask, project)
        ]
        return "\n".join(parts)[:LONGEST_DIFF]

    def propose(self, project: str, branch: str, base: str, files: Mapping[str, str], *, message: str) -> Revision:
        """Make a branch with one commit on top of `base`, once for its name."""
        if known := self.revision(project, branch):
            return known
        present = self.read(project, base, list(files))
        actions = [
            {"action": "update" if path in present else "create", "file_path": path, "content": text}
            for path, text in files.items()
        ]
        wanted = {"branch": branch, "start_sha": base, "commit_message": message, "actions": actions}
        what = f"a commit on {branch} of {project}"
        try:
            made = self._call(what, lambda where: where.commits.create(wanted), project, Safety.ONCE)
        except OutcomeUnknown:
            if known := self.revision(project, branch):
                return known
            raise
        return _revision(made.attributes)

    def open_merge_request(
        self, project: str, source: str, target: str, *, title: str, description: str
    ) -> MergeRequest:
        """Ask for a branch to be merged; an open request for the same two branches is returned as it is."""
        if known := self._opened(project, source, target):
            return known
        wanted = {
            "source_branch": source,
            "target_branch": target,
            "title": title,
            "description": description,
            "remove_source_branch": True,
        }
        what = f"a merge request of {source} in {project}"
        try:
            made = self._call(what, lambda where: where.mergerequests.create(wanted), project, Safety.ONCE)
        except OutcomeUnknown:
            if known := self._opened(project, source, target):
                return known
            raise
        return _merge_request(project, made.attributes)

    def _opened(self, project: str, source: str, target: str) -> MergeRequest | None:
        def ask(where: Project) -> list[Any]:
            return list(
                where.mergerequests.list(state="opened", source_branch=source, target_branch=target, get_all=False)
            )

        found = self._call(f"the merge requests of {project}", ask, project)
        return _merge_request(project, found[0].attributes) if found else None

    def merge_request(self, project: str, number: str) -> MergeRequest:
        """A merge request as it stands."""
        what = f"the merge request !{number} of {project}"
        found = self._call(what, lambda where: where.mergerequests.get(int(number)), project)
        return _merge_request(project, found.attributes)

    def merge(self, project: str, number: str, *, sha: str) -> MergeRequest:
        """Merge it, if the head of its source branch is still this commit, and remove the branch."""

        def ask(where: Project) -> None:
            where.mergerequests.get(int(number), lazy=True).merge(sha=sha, should_remove_source_branch=True)

        try:
            self._call(f"the merge of !{number} of {project}", ask, project, Safety.ONCE)
        except (OutcomeUnknown, Rejected):
            # Merged already, by the call whose answer was lost or by somebody else, is what was asked for.
            if (found := self.merge_request(project, number)).state == "merged":
                return found
            raise
        return self.merge_request(project, number)

    def close(self, project: str, number: str) -> MergeRequest:
        """Close it without merging."""

        def ask(where: Project) -> None:
            where.mergerequests.update(int(number), {"state_event": "close"})

        found = self.merge_request(project, number)
        if found.state != "opened":
            return found
        self._call(f"the closing of !{number} of {project}", ask, project, Safety.REPEATABLE)
        return self.merge_request(project, number)

    def delete_branch(self, project: str, branch: str) -> None:
        """Remove a branch; harmless where it is gone."""
        try:
            self._call(
                f"the removal of {branch} from {project}",
                lambda where: where.branches.delete(branch),
                project,
                Safety.REPEATABLE,
            )
        except NotFound:
            return

    def _call(self, what: str, function: Callable[[Project], T], project: str, safety: Safety = Safety.READ) -> T:
        return self._connection.call(what, lambda client: function(self._connection.project(project, client)), safety)


def _revision(facts: Mapping[str, Any]) -> Revision:
    return Revision(
        id=facts["id"],
        title=facts.get("title") or "",
        author=facts.get("author_name") or "",
        email=facts.get("author_email") or "",
        message=facts.get("message") or "",
        url=facts.get("web_url") or "",
        at=facts.get("committed_date") or facts.get("created_at"),
    )


def _merge_request(project: str, facts: Mapping[str, Any]) -> MergeRequest:
    return MergeRequest(
        id=str(facts["iid"]),
        project=project,
        title=facts["title"],
        state=facts["state"],
        source=facts["source_branch"],
        target=facts["target_branch"],
        sha=facts.get("sha") or "",
        merge_sha=facts.get("merge_commit_sha") or "",
        url=facts.get("web_url") or "",
    )
