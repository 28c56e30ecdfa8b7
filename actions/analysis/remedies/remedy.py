"""What mends a failure: an edit of the project's files, another try, or advice to a person."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from actions.analysis.diagnosis import Diagnosis

Ecosystem = Literal["python", "npm"]
SHOWN_LINES = 60


class FileChange(BaseModel):
    """What is different in one file afterwards, as a unified diff of a few lines around each change."""

    model_config = ConfigDict(frozen=True)

    path: str
    diff: str


class Remedy(BaseModel):
    """What is to be done about one failed job.

    Attributes:
        kind: "edit" changes files on a branch, "retry" runs the job again, "advise" leaves it to a person.
        playbook: the playbook that says so.
        summary: what is done, as the subject of a commit; for advice, why nothing is.
        advice: what a person should do, or should know before they merge.
        files: path → the whole new text, for an edit.
        runs: how often the job must be green before it counts as mended.
        variable: the CI variable whose value only a person can give.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["edit", "retry", "advise"]
    playbook: str
    summary: str
    advice: str = ""
    files: dict[str, str] = {}
    runs: int = 1
    variable: str | None = None


class Source(Protocol):
    """A project's files at the commit that failed."""

    @property
    def paths(self) -> Sequence[str]:
        """Every path."""

    def texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        """The texts of these files; those that do not exist are left out."""


Versions = Callable[[Ecosystem, str, Mapping[str, str]], Sequence[str]]
"""The versions of a package, newest first, that pip or npm themselves find under the project's own configuration (given as
path → text); none where there is no such package."""


@dataclass(frozen=True)
class Case:
    """One failed job, and all that a remedy may look at.

    Attributes:
        diagnosis: why it failed.
        job: its name.
        source: the project's files.
        versions: asks pip or npm.
        lock: has npm write its lock file anew from the given files (path → text); None where it cannot.
        log: the job's log, cleaned.
        took: how many seconds the job ran before it failed; 0 where it is not known.
        took_before: how many it took when it last passed; 0 where it is not known.
    """

    diagnosis: Diagnosis
    job: str
    source: Source
    versions: Versions
    lock: Callable[[Mapping[str, str]], str | None] = lambda _: None
    log: str = ""
    took: float = 0.0
    took_before: float = 0.0

    def text(self, path: str) -> str | None:
        """One file's text; None where there is none."""
        return self.source.texts([path]).get(path)

    def advise(self, summary: str, advice: str, *, variable: str | None = None) -> Remedy:
        """Leave it to a person, and say why."""
        playbook = self.diagnosis.playbook or ""
        return Remedy(kind="advise", playbook=playbook, summary=summary, advice=advice, variable=variable)

    def edit(self, summary: str, files: Mapping[str, str], *, advice: str = "", runs: int = 1) -> Remedy:
        """Change files."""
        playbook = self.diagnosis.playbook or ""
        return Remedy(kind="edit", playbook=playbook, summary=summary, advice=advice, files=dict(files), runs=runs)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FileChange, ...]:
    """What is different, file by file."""
    found = []
    for path, text in after.items():
        old, new = before.get(path, "").splitlines(), text.splitlines()
        lines = [
            line for line in difflib.unified_diff(old, new, lineterm="", n=1) if not line.startswith(("---", "+++"))
        ]
        if len(lines) > SHOWN_LINES:
            lines = [*lines[:SHOWN_LINES], f"… and {len(lines) - SHOWN_LINES} more lines"]
        found.append(FileChange(path=path, diff="\n".join(lines)))
    return tuple(found)
