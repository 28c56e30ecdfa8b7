"""What a broken repository of the tests is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent

PIP = "python3 -m pip install --quiet --disable-pip-version-check --target .packages"
LOUD = PIP.replace("--quiet ", "")
RUN = "PYTHONPATH=.packages python3 app.py"
INDEXED = "--index-url {index}/simple\n"
NPM = "npm ci --no-audit --no-fund"
NPMRC = "registry={npm}/\n"
COUNTED = "n=$(cat {state}/NAME 2>/dev/null || echo 0); echo $((n+1)) > {state}/NAME; "
"""Counts in `n` how often a job ran before; NAME has to be one of its own."""


@dataclass(frozen=True)
class Case:
    """A repository that fails.

    Attributes:
        playbook: the playbook that mends it; empty where people have to.
        ci: its `.gitlab-ci.yml`; `{index}` is the package index, `{npm}` the registry, `{proxy}` both as a proxy for hosts of
            any name, `{state}` a folder that lasts.
        files: its other files, with the same placeholders.
        becomes: what the fix must have in its files, each of these.
        left: what is said where it is left alone.
        value: what a person gives the variable that they are asked for; empty where nobody is asked.
        passes: how many pipelines of the same commit pass before one fails.
        says: what the commit's message says.
        still: the jobs that go on failing for other reasons.
        is_quick: whether it is one of the few that every `make test` mends.
    """

    name: str
    playbook: str
    ci: str
    files: dict[str, str | bytes] = field(default_factory=dict)
    becomes: tuple[str, ...] = ()
    left: str = ""
    value: str = ""
    passes: int = 0
    says: str = "Change something"
    still: tuple[str, ...] = ()
    is_quick: bool = False

    @property
    def branch(self) -> str:
        """The branch on which it stands."""
        return "case/" + "".join(letter if letter.isalnum() else "-" for letter in self.name)

    def filled(self, places: dict[str, str]) -> dict[str, str | bytes]:
        """All its files with the placeholders filled in."""

        def fill(text: str | bytes) -> str | bytes:
            if isinstance(text, bytes):
                return text
            for mark, value in places.items():
                text = text.replace(mark, value)
            return text

        return {path: fill(text) for path, text in {".gitlab-ci.yml": self.ci, **self.files}.items()}


def job(*script: str, more: str = "", name: str = "unit") -> str:
    """A CI file of one job."""
    lines = "\n".join(f"    - {line}" for line in script)
    return f"# What runs at every push.\n{name}:\n  stage: test\n{more}  script:\n{lines}\n"


def text(source: str) -> str:
    """A file's text, which stands indented in the code."""
    return dedent(source).lstrip("\n")
