"""A sandbox with a bot beside it, on which many broken repositories are mended at once."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gitlab

from actions.connectors.gitlab import GitLab, GitLabPipelines
from actions.connectors.gitlab_repositories import GitLabRepositories
from actions.connectors.gitlab_variables import GitLabVariables
from actions.connectors.packages import PackageManagers
from actions.core.ports.delivery import Pipelines
from actions.core.ports.packages import Packages
from actions.core.ports.repositories import Repositories
from actions.core.ports.variables import Variables
from actions.core.request import Request
from actions.fix import Fix
from bot.sandbox.server import Sandbox, start
from bot.testing import COMPANY, Bot
from tests.playbooks.sandbox.index import serving
from tests.playbooks.sandbox.shape import Case

PROJECT = "shop/catalog"
PATIENCE = 420.0
"""How long all cases together may take, in seconds of real time."""


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        card: what its card says in its title and message.
        files: the changed files, where a fix was proposed.
        tree: all files as they are with the fix, where one was proposed.
        is_green: whether it is green again without a change of files.
    """

    request: Request
    card: str
    files: dict[str, str] = field(default_factory=dict)
    tree: dict[str, str | bytes] = field(default_factory=dict)
    is_green: bool = False

    @property
    def fix(self) -> Fix | None:
        """The fix that was tried."""
        return Fix.model_validate(self.request.result) if self.request.result else None

    def is_fixed(self, case: Case) -> bool:
        """Whether its playbook has mended it."""
        done = self.is_green or self.request.outcome in {"proposed", "green again"}
        return done and self.fix is not None and self.fix.playbook == case.playbook

    def is_wrong(self, case: Case) -> bool:
        """Whether something else was done than a careful engineer would have done."""
        if not case.playbook:
            return bool(self.files) or self.is_green or self.request.outcome in {"proposed", "green again"}
        said = "\n".join(self.files.values())
        still = self.fix.still_failing if self.fix else ()
        return self.is_fixed(case) and not (all(part in said for part in case.becomes) and still == case.still)


class Floor:
    """A sandbox with a bot beside it, whose clock is moved as real time passes.

    Args:
        sandbox: the company.
        places: what the placeholders of the cases stand for.
    """

    def __init__(self, sandbox: Sandbox, places: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.places = places
        self.connection = GitLab(sandbox.gitlab_url, sandbox.gitlab_token)
        self.pipelines = GitLabPipelines(self.connection)
        self.repositories = GitLabRepositories(self.connection)
        self.variables = GitLabVariables(self.connection)
        packages = PackageManagers(shutil.which("npm"))
        self.bot = Bot(
            {**COMPANY, "limits": {"changes_per_minute": 1000, "open_operations": 1000}},
            outside={
                Pipelines: lambda: self.pipelines,
                Repositories: lambda: self.repositories,
                Packages: lambda: packages,
                Variables: lambda: self.variables,
            },
        )
        self.client = gitlab.Gitlab(sandbox.gitlab_url, private_token=sandbox.gitlab_token)

    def close(self) -> None:
        """Let go of the connections."""
        self.connection.close()
        self.client.session.close()

    def push(self, case: Case) -> str:
        """Push a case's branch, of exactly its files, and return the commit."""
        present = set(self.repositories.files(PROJECT, "main"))
        files = case.filled(self.places)
        actions: list[dict[str, str]] = [
            {
                "action": "update" if path in present else "create",
                "file_path": path,
                "content": base64.b64encode(content if isinstance(content, bytes) else content.encode()).decode(),
                "encoding": "base64",
            }
            for path, content in files.items()
        ]
        actions += [{"action": "delete", "file_path": path} for path in present - set(files)]
        made = self._project().commits.create(
            {"branch": case.branch, "start_branch": "main", "commit_message": case.says, "actions": actions}
        )
        return str(made.id)

    def _project(self) -> Any:
        return self.client.projects.get(PROJECT, lazy=True)

    def until(self, done: Callable[[], Any], what: str) -> None:
        """Let real time pass until something holds."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
            time.sleep(0.1)
            self.bot.tick(0.5)

    def failed(self, cases: Sequence[Case]) -> dict[str, str]:
        """Push cases, and wait until a pipeline of each has failed; its numbers by their names."""
        commits = {case.name: self.push(case) for case in cases}
        numbers: dict[str, str] = {}

        def all_failed() -> bool:
            for case in cases:
                if case.name in numbers:
                    continue
                found = [
                    each
                    for each in self.pipelines.recent(PROJECT, ref=case.branch, limit=5)
                    if each.sha == commits[case.name]
                ]
                ended = sum(each.is_finished for each in found)
                if len(found) != ended or not found:
                    continue
                if len(found) <= case.passes:
                    self._project().pipelines.create({"ref": case.branch})
                    continue
                assert found[0].status == "failed", f"{case.name} did not fail"
                numbers[case.name] = found[0].id
            return len(numbers) == len(cases)

        self.until(all_failed, "the pipelines fail")
        return numbers

    def outcome(self, case: Case, request_id: str) -> Outcome:
        """What became of a case."""
        request, card = self.bot.request(request_id), self.bot.card(request_id)
        found = Outcome(request, f"{card.title} {request.message}")
        fix = found.fix
        if fix is None or fix.merge_request is None:
            return found
        paths = [change.path for change in fix.changes]
        files = dict(self.repositories.read(PROJECT, fix.merge_request.source, paths))
        return Outcome(request, found.card, files, {**case.filled(self.places), **files})

    def answered(self, case: Case, asked: Outcome) -> Outcome:
        """What becomes of a case once a person has given the variable its value."""
        number = asked.fix.pipeline.id if asked.fix else ""
        page = self.bot.press("lena", self.bot.card(asked.request.id), f"Set {asked.fix.variable}" if asked.fix else "")
        self.bot.work()
        self.variables.create(PROJECT, asked.fix.variable if asked.fix else "", case.value)
        self.until(lambda: self.bot.request(page).state.is_final, "the variable is set")
        again = self.bot.ask("lena", "retry_pipeline", thread=case.name, service="catalog", pipeline=number)
        self.until(lambda: self.bot.request(again).state.is_final, "the pipeline runs again")
        return Outcome(asked.request, asked.card, is_green=self.pipelines.get(PROJECT, number).status == "success")


def outcomes_of(floor: Floor, cases: Sequence[Case]) -> dict[str, Outcome]:
    """Break and mend all cases at once: several pipelines and fixes are under way beside each other, as on a bad day."""
    numbers = floor.failed(cases)
    answers = {
        name: floor.bot.ask("lena", "fix_pipeline", thread=name, service="catalog", pipeline=number)
        for name, number in numbers.items()
    }
    floor.bot.work()
    floor.until(lambda: not floor.bot.open(), "the fixes end")
    found = {}
    for case in cases:
        answer = answers[case.name]
        outcome = floor.outcome(case, answer.request.id if answer.request else "")
        found[case.name] = floor.answered(case, outcome) if case.value else outcome
    return found


@contextmanager
def floor_in(folder: Path) -> Iterator[Floor]:
    """A floor with the package index beside it."""
    state = folder / "lasting"
    state.mkdir()
    with serving() as index, start(folder / "state") as sandbox:
        floor = Floor(sandbox, {"{index}": index, "{npm}": f"{index}/npm", "{proxy}": index, "{state}": str(state)})
        try:
            yield floor
        finally:
            floor.close()
