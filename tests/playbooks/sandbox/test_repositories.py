"""Every playbook on real broken repositories: pushed to the sandbox, failed there, mended on a branch, proven, proposed."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import gitlab
import pytest

from actions.connectors.gitlab import GitLab, GitLabPipelines
from actions.connectors.gitlab_repositories import GitLabRepositories
from actions.connectors.packages import PackageManagers
from actions.core.ports.delivery import Pipelines
from actions.core.ports.packages import Packages
from actions.core.ports.repositories import Repositories
from actions.core.request import Request
from actions.fix import Fix
from bot.sandbox.server import Sandbox, start
from bot.testing import COMPANY, Bot
from playbooks.loader import load
from tests.playbooks.sandbox.cases import LEFT, MENDED, Case
from tests.playbooks.sandbox.index import serving

pytestmark = [pytest.mark.wheels, pytest.mark.xdist_group("playbooks")]

PROJECT = "shop/catalog"
PATIENCE = 240.0
"""How long all cases together may take, in seconds of real time."""


@dataclass
class Outcome:
    """What became of a case."""

    request: Request
    card: str
    files: dict[str, str]


class Floor:
    """A sandbox with a bot beside it, whose clock is moved as real time passes.

    Args:
        sandbox: the company.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.connection = GitLab(sandbox.gitlab_url, sandbox.gitlab_token)
        self.pipelines = GitLabPipelines(self.connection)
        self.repositories = GitLabRepositories(self.connection)
        packages = PackageManagers(shutil.which("npm"))
        self.bot = Bot(
            {**COMPANY, "limits": {"changes_per_minute": 1000, "open_operations": 1000}},
            outside={
                Pipelines: lambda: self.pipelines,
                Repositories: lambda: self.repositories,
                Packages: lambda: packages,
            },
        )
        self.client = gitlab.Gitlab(sandbox.gitlab_url, private_token=sandbox.gitlab_token)

    def push(self, branch: str, files: dict[str, str | bytes]) -> str:
        """Push a branch of exactly these files beside what main has, and return its commit."""
        actions = []
        present = set(self.repositories.files(PROJECT, "main"))
        for path, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            actions.append(
                {
                    "action": "update" if path in present else "create",
                    "file_path": path,
                    "content": base64.b64encode(data).decode(),
                    "encoding": "base64",
                }
            )
        gone = [path for path in present if path not in files]
        actions += [{"action": "delete", "file_path": path} for path in gone]
        made = self.client.projects.get(PROJECT, lazy=True).commits.create(
            {"branch": branch, "start_branch": "main", "commit_message": "Change something", "actions": actions}
        )
        return str(made.id)

    def until(self, done: Callable[[], Any], what: str) -> None:
        """Let real time pass until something holds."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
            time.sleep(0.1)
            self.bot.tick(0.5)


@pytest.fixture(scope="session")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, absent: Callable[[str], NoReturn]
) -> Iterator[dict[str, Outcome]]:
    """All cases at once: several pipelines and fixes are under way beside each other, as on a bad day."""
    if shutil.which("npm") is None:
        absent("npm is not installed")
    state = tmp_path_factory.mktemp("lasting")
    with serving() as index, start(tmp_path_factory.mktemp("state")) as sandbox:
        floor = Floor(sandbox)
        places = {"{index}": index, "{npm}": f"{index}/npm", "{state}": str(state)}
        shas = {case.name: floor.push(branch_of(case), filled(case, places)) for case in (*MENDED, *LEFT)}
        numbers: dict[str, str] = {}

        def failed() -> bool:
            for name, sha in shas.items():
                if name not in numbers:
                    found = floor.pipelines.recent(PROJECT, ref=branch_of(name), limit=3)
                    ended = [each for each in found if each.sha == sha and each.is_finished]
                    if ended:
                        assert ended[0].status == "failed", f"{name} did not fail"
                        numbers[name] = ended[0].id
            return len(numbers) == len(shas)

        floor.until(failed, "the pipelines fail")
        answers = {
            name: floor.bot.ask("lena", "fix_pipeline", thread=name, service="catalog", pipeline=number)
            for name, number in numbers.items()
        }
        floor.bot.work()
        floor.until(lambda: not floor.bot.open(), "the fixes end")
        found = {}
        for name, answer in answers.items():
            request, card = floor.bot.request(answer), floor.bot.card(answer)
            fix = Fix.model_validate(request.result) if request.result else None
            files = {}
            if fix and fix.merge_request:
                paths = [change.path for change in fix.changes]
                files = dict(floor.repositories.read(PROJECT, fix.merge_request.source, paths))
            found[name] = Outcome(request, f"{card.title} {request.message}", files)
        yield found
        floor.connection.close()
        floor.client.session.close()


def branch_of(case: Case | str) -> str:
    """The branch on which a case stands."""
    name = case if isinstance(case, str) else case.name
    return "case/" + "".join(letter if letter.isalnum() else "-" for letter in name)


def filled(case: Case, places: dict[str, str]) -> dict[str, str | bytes]:
    """A case's files with its placeholders filled in."""

    def fill(text: str | bytes) -> str | bytes:
        if isinstance(text, bytes):
            return text
        for mark, value in places.items():
            text = text.replace(mark, value)
        return text.replace("{{", "{").replace("}}", "}") if mark_only(text) else text

    return {path: fill(text) for path, text in {".gitlab-ci.yml": case.ci, **case.files}.items()}


def mark_only(text: str) -> bool:
    """Whether doubled braces stand for single ones."""
    return "{{" in text and "}}" in text


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.name)
def test_it_is_mended_and_proven(case: Case, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[case.name]
    assert found.request.outcome in {"proposed", "green again"}, found.card
    assert found.request.result["playbook"] == case.playbook  # type: ignore[call-overload,index]
    assert case.becomes in "\n".join(found.files.values())


@pytest.mark.parametrize("case", LEFT, ids=lambda case: case.name)
def test_it_is_left_alone(case: Case, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[case.name]
    assert found.request.outcome in {"left alone", "not proven", "refused"}, found.card
    assert not found.files
    assert case.left in found.card


def test_the_table_in_the_docs_is_what_happened(outcomes: dict[str, Outcome]) -> None:
    lines = ["| Playbook | Cases | Fixed | Left alone | Wrong |", "|---|---|---|---|---|"]
    library = load()
    for name in sorted({case.playbook for case in MENDED}):
        cases = [case for case in MENDED if case.playbook == name]
        good = [case for case in cases if outcomes[case.name].request.outcome in {"proposed", "green again"}]
        wrong = [case for case in good if case.becomes not in "\n".join(outcomes[case.name].files.values())]
        fixed, left = len(good) - len(wrong), len(cases) - len(good)
        lines.append(f"| {name} {library[name].title} | {len(cases)} | {fixed} | {left} | {len(wrong)} |")
    wrongly = sum(bool(outcomes[case.name].files) for case in LEFT)
    lines.append(f"| what must be left alone | {len(LEFT)} | 0 | {len(LEFT) - wrongly} | {wrongly} |")
    assert "\n".join(lines) in Path("docs/playbooks.md").read_text(encoding="utf-8")
