"""A bare git repository, read and written by git's own plumbing."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

# The usual places of Linux and macOS; the caller's own PATH is not asked.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
# git shall behave alike on every machine: nobody's ~/.gitconfig, no prompts, English messages.
ENVIRONMENT = {
    "PATH": PATH,
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}
_COMMIT_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01"
_SHA = re.compile(r"[0-9a-f]{40}$")


class GitError(Exception):
    """Git refused; the message is git's own."""


@dataclass(frozen=True)
class Person:
    """Who wrote or committed something."""

    name: str
    email: str


@dataclass(frozen=True)
class Commit:
    """One commit; times are ISO 8601 with their offset."""

    sha: str
    parents: list[str]
    author: Person
    authored: str
    committer: Person
    committed: str
    message: str

    @property
    def first_parent(self) -> str | None:
        """The commit this one was made on; None for a first commit."""
        return self.parents[0] if self.parents else None


@dataclass(frozen=True)
class Tag:
    """A tag, its message ("" when it is a lightweight one) and the commit it stands for."""

    name: str
    message: str
    target: str
    commit: str
    created: str


@dataclass(frozen=True)
class Difference:
    """What changed in one file; `patch` is its hunks without git's header."""

    old_path: str
    new_path: str
    patch: str
    old_mode: str
    new_mode: str


@dataclass(frozen=True)
class Change:
    """One file to write (`content`) or, when that is None, to remove."""

    path: str
    content: bytes | None
    executable: bool = False


class Repository:
    """One bare repository on disk; methods that write expect the caller to hold the stand-in's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None) -> bytes:
        """Run git in this repository and return what it wrote.

        Raises:
            GitError: if git ends with another status than 0.
        """
        done = subprocess.run(  # noqa: S603 - the arguments are ours, none passes a shell
            ["git", "--git-dir", str(self.path), *arguments],  # noqa: S607 - found on the fixed PATH above
            input=stdin,
            capture_output=True,
            check=False,
            env={**ENVIRONMENT, **(environment or {})},
        )
        if done.returncode:
            raise GitError(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def create(self) -> None:
        """Make an empty repository whose default branch is `main`, without starting a process."""
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        (self.path / "HEAD").write_text("ref: refs/heads/main\n")
        (self.path / "config").write_text(
            "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[http]\n\treceivepack = true\n"
            "[receive]\n\tautogc = false\n[gc]\n\tauto = 0\n"
        )

    # -- reading

    def resolve(self, ref: str) -> str | None:
        """Return the commit a branch, tag or commit id stands for, or None."""
        if not ref or ref.startswith("-"):
            return None
        if branch := self._ref(f"refs/heads/{ref}"):
            return branch
        try:
            return self.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()
        except GitError:
            return None

    def branch(self, name: str) -> str | None:
        """Return the commit at the head of a branch, or None."""
        return self._ref(f"refs/heads/{name}")

    def _ref(self, name: str) -> str | None:
        # Reading the file costs microseconds, a process milliseconds; Argo CD asks for HEAD all the time.
        if ".." in name:
            return None
        try:
            return (self.path / name).read_text().strip()
        except OSError:
            pass
        try:
            for line in (self.path / "packed-refs").read_text().splitlines():
                if line.endswith(f" {name}"):
                    return line.split(" ", 1)[0]
        except OSError:
            pass
        return None

    def refs(self) -> dict[str, str]:
        """Return every branch and tag by its full name, tags of tags peeled to their commit."""
        lines = self.git(
            "for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)", "refs/heads", "refs/tags"
        )
        found = (line.split("\0") for line in lines.decode().splitlines())
        return {name: peeled or sha for name, sha, peeled in found}

    def tags(self) -> list[Tag]:
        """Return all tags, newest first."""
        fields = ("refname:short", "objectname", "*objectname", "creatordate:iso-strict", "objecttype", "contents")
        form = "%00".join(f"%({field})" for field in fields) + "%01"
        lines = self.git(
            "for-each-ref", "--sort=-creatordate", "--sort=-version:refname", f"--format={form}", "refs/tags"
        )
        tags = []
        for record in lines.decode().split("\x01"):
            if "\0" not in record:
                continue
            name, target, peeled, created, kind, message = record.lstrip("\n").split("\0", 5)
            tags.append(Tag(name, message.strip() if kind == "tag" else "", target, peeled or target, created))
        return tags

    def commits(self, shas: Iterable[str]) -> dict[str, Commit]:
        """Return the named commits by id, in one run of git."""
        wanted = list(dict.fromkeys(shas))
        if not wanted:
            return {}
        return {commit.sha: commit for commit in self._log("--no-walk=unsorted", *wanted)}

    def commit(self, sha: str) -> Commit:
        """Return one commit.

        Raises:
            KeyError: if there is none.
        """
        return _commit(self.path, sha)

    def log(self, revision: str, path: str = "", limit: int = 1000, since: str = "", until: str = "") -> list[Commit]:
        """Return the commits reachable from `revision` (which may be a range), newest first."""
        bounds = [f"--since={since}"] * bool(since) + [f"--until={until}"] * bool(until)
        return self._log(f"--max-count={limit}", *bounds, revision, "--", *([path] if path else []))

    def _log(self, *arguments: str) -> list[Commit]:
        return _commits(self.git("log", f"--format={_COMMIT_FORMAT}", *arguments).decode(errors="replace"))

    def touching(self, ref: str) -> dict[str, list[Commit]]:
        """Return for every file the commits that changed it, oldest first, in one run of git."""
        files: dict[str, list[Commit]] = {}
        output = self.git("log", "--reverse", "--name-only", f"--format=%x02{_COMMIT_FORMAT}", ref).decode(
            errors="replace"
        )
        for record in output.split("\x02")[1:]:
            commit, _, names = record.partition("\x01")
            for name in names.split():
                files.setdefault(name, []).extend(_commits(commit))
        return files

    def read(self, ref: str, path: str) -> bytes | None:
        """Return a file's content at a ref, or None."""
        return self.read_many(ref, [path])[0]

    def read_many(self, ref: str, paths: list[str]) -> list[bytes | None]:
        """Return several files' contents at a ref, in one run of git."""
        asked = "".join(f"{ref}:{path}\n" for path in paths)
        output = self.git("cat-file", "--batch", stdin=asked.encode())
        contents: list[bytes | None] = []
        for _ in paths:
            head, output = output.split(b"\n", 1)
            kind = head.split(b" ")
            if kind[-1] in {b"missing", b"ambiguous"} or len(kind) != 3:  # noqa: PLR2004 - "<sha> <type> <size>"
                contents.append(None)
                continue
            size = int(kind[2])
            contents.append(output[:size] if kind[1] == b"blob" else None)
            output = output[size + 1 :]
        return contents

    def tree(self, ref: str, path: str = "", *, recursive: bool = False) -> list[tuple[str, str, str, str]]:
        """Return (mode, type, id, path) of what lies under `path`."""
        folder = f"{path.strip('/')}/" if path.strip("/") else ""
        options = ["-r", "-t"] if recursive else []
        output = self.git("ls-tree", "-z", *options, ref, *([folder] if folder else []))
        rows = []
        for line in output.decode().split("\0"):
            if line:
                facts, name = line.split("\t", 1)
                mode, kind, sha = facts.split(" ")
                rows.append((mode, kind, sha, name))
        return rows

    def differences(self, old: str | None, new: str) -> list[Difference]:
        """Return what changed between two commits (None: nothing at all)."""
        arguments = ["diff-tree", "-p", "-r", "-M", "--full-index", *(["--root"] if old is None else [])]
        output = self.git(*arguments, *([old] if old else []), new).decode(errors="replace")
        return [
            _difference(part) for part in re.split(r"(?m)^(?=diff --git )", output) if part.startswith("diff --git ")
        ]

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor, or None."""
        try:
            return self.git("merge-base", one, other).decode().strip()
        except GitError:
            return None

    # -- writing

    def write(
        self,
        branch: str,
        parent: str | None,
        changes: list[Change],
        *,
        message: str,
        author: Person,
        when: datetime,
    ) -> str:
        """Commit `changes` on top of `parent`, move `branch` there and return the new commit's id."""
        stamp = f"{author.name} <{author.email}> {int(when.timestamp())} +0000"
        text = message.encode()
        script = [f"commit refs/heads/{branch}\n".encode(), f"author {stamp}\ncommitter {stamp}\n".encode()]
        script += [f"data {len(text)}\n".encode(), text, b"\n"]
        if parent:
            script.append(f"from {parent}\n".encode())
        for change in changes:
            if change.content is None:
                script.append(f"D {_quoted(change.path)}\n".encode())
            else:
                mode = "100755" if change.executable else "100644"
                script.append(f"M {mode} inline {_quoted(change.path)}\ndata {len(change.content)}\n".encode())
                script += [change.content, b"\n"]
        self.fast_import(b"".join(script), force=True)
        head = self.branch(branch)
        if head is None:
            raise GitError(f"branch {branch} was not written")
        return head

    def fast_import(self, script: bytes, *, force: bool = False) -> None:
        """Feed `git fast-import`."""
        self.git("fast-import", "--quiet", *(["--force"] if force else []), stdin=script)

    def set_branch(self, name: str, sha: str) -> None:
        """Point a branch at a commit, creating it when needed."""
        self.git("update-ref", f"refs/heads/{name}", sha)

    def delete_ref(self, full_name: str) -> None:
        """Remove a branch or tag."""
        self.git("update-ref", "-d", full_name)

    def create_tag(self, name: str, sha: str, message: str, tagger: Person, when: datetime) -> None:
        """Create a tag; an annotated one when it has a message."""
        stamp = f"{int(when.timestamp())} +0000"
        who = {"GIT_COMMITTER_NAME": tagger.name, "GIT_COMMITTER_EMAIL": tagger.email, "GIT_COMMITTER_DATE": stamp}
        self.git("tag", *(["-m", message] if message else []), name, sha, environment=who)

    def revert(self, branch: str, sha: str, author: Person, when: datetime) -> str | None:
        """Undo one commit on a branch and return the new commit's id; None when it does not apply."""
        return self._in_worktree(branch, ["revert", "--no-edit", sha], author, when)

    def merge(self, branch: str, source: str, message: str, author: Person, when: datetime) -> str | None:
        """Merge a commit into a branch and return the merge's id; None on a conflict."""
        return self._in_worktree(branch, ["merge", "--no-ff", "-m", message, source], author, when)

    def _in_worktree(self, branch: str, command: list[str], author: Person, when: datetime) -> str | None:
        stamp = f"{int(when.timestamp())} +0000"
        environment = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_NAME": author.name,
            "GIT_COMMITTER_EMAIL": author.email,
            "GIT_COMMITTER_DATE": stamp,
        }
        with tempfile.TemporaryDirectory(dir=self.path, prefix="worktree-") as folder:
            self.git("worktree", "add", "--quiet", "--detach", folder, f"refs/heads/{branch}")
            try:
                work = [f"--git-dir={folder}/.git", f"--work-tree={folder}", "-C", folder]
                self.git(*work, *command, environment=environment)
                head = self.git(*work, "rev-parse", "HEAD").decode().strip()
            except GitError:
                return None
            finally:
                self.git("worktree", "remove", "--force", folder)
        if head == self.branch(branch):
            return None
        self.set_branch(branch, head)
        return head


@lru_cache(maxsize=4096)
def _commit(path: Path, sha: str) -> Commit:
    # A commit never changes, and every job, release and event tells of one.
    return Repository(path).commits([sha])[sha]


def is_sha(text: str) -> bool:
    """Tell whether `text` is a whole commit id."""
    return bool(_SHA.match(text))


def _commits(output: str) -> list[Commit]:
    commits = []
    for record in output.split("\x01"):
        if "\0" in record:
            sha, parents, an, ae, at, cn, ce, ct, message = record.lstrip("\n").split("\0", 8)
            commits.append(Commit(sha, parents.split(), Person(an, ae), at, Person(cn, ce), ct, message.rstrip("\n")))
    return commits


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _difference(part: str) -> Difference:
    head, _, hunks = part.partition("\n@@")
    lines = head.splitlines()
    old_path, new_path = _paths(lines[0])
    old_mode = new_mode = "100644"
    for line in lines[1:]:
        if line.startswith("new file mode "):
            old_mode, new_mode = "0", line[14:]
        elif line.startswith("deleted file mode "):
            old_mode, new_mode = line[18:], "0"
        elif line.startswith("old mode "):
            old_mode = line[9:]
        elif line.startswith("new mode "):
            new_mode = line[9:]
        elif line.startswith("index ") and line.count(" ") > 1:
            old_mode = new_mode = line.rsplit(" ", 1)[1]
        elif line.startswith("rename from "):
            old_path = line[12:]
        elif line.startswith("rename to "):
            new_path = line[10:]
    return Difference(old_path, new_path, f"@@{hunks}" if hunks else "", old_mode, new_mode)


def _paths(line: str) -> tuple[str, str]:
    # "diff --git a/x b/x": without a rename both halves are equal, whatever spaces they hold.
    names = line.removeprefix("diff --git ")
    half = (len(names) - 1) // 2
    return names[2:half], names[half + 3 :]
