"""Failed pipelines: GitLab's webhook to a card with the diagnosis, and to a proven fix less the pipelines' own time.

Shipmate's processes are real and as `shipmate up` starts them; GitLab is the sandbox, which runs real jobs beside them on the
same machine. The deliveries are sent by hand, so that it is known when each of them began.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gitlab
import httpx

from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.request import Request, State
from bot.instance import running
from bot.sandbox.server import Sandbox, start
from bot.stores.open import open_sql
from tests.bench.measure import line, quantile, title

TOKEN = "a-webhook-token-of-the-benchmark"
ONE_BY_ONE, FIXES, AT_ONCE = 30, 5, 100
SERVICES = ("checkout", "catalog", "search", "web-frontend", "notifications")
PATIENCE = 180.0
OWN = {".gitlab-ci.yml": "unit:\n  script:\n    - bash run.sh\n", "run.sh": "echo 'E   assert 1 == 2'\nexit 1\n"}
MENDABLE = {
    ".gitlab-ci.yml": "unit:\n  script:\n    - python3 app.py\n",
    ".env.example": "SHOP_LOCALE=en_GB\n",
    "app.py": "import os\n\nprint(os.environ['SHOP_LOCALE'])\n",
}


@dataclass(frozen=True)
class Broken:
    """A pipeline that has failed."""

    project: str
    number: int
    facts: dict[str, Any]


class Bench:
    """A Shipmate and its GitLab.

    Args:
        sandbox: the GitLab.
        url: Shipmate's address.
        ledger: what it keeps.
    """

    def __init__(self, sandbox: Sandbox, url: str, ledger: Ledger) -> None:
        self._client = gitlab.Gitlab(sandbox.gitlab_url, private_token=sandbox.gitlab_token)
        self._http = httpx.Client(base_url=url, headers={"X-Gitlab-Token": TOKEN}, trust_env=False)
        self._ledger = ledger

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()
        self._client.session.close()

    def broken(self, files: dict[str, str], count: int, services: Sequence[str] = SERVICES) -> list[Broken]:
        """Pipelines that have failed, spread over services; nobody was told of them."""
        made = [self._push(f"shop/{services[number % len(services)]}", files, number) for number in range(count)]
        return [self._failed(project, sha) for project, sha in made]

    def _push(self, project: str, files: dict[str, str], number: int) -> tuple[str, str]:
        there = self._client.projects.get(project, lazy=True)
        actions = [
            {"action": "update" if path == ".gitlab-ci.yml" else "create", "file_path": path, "content": content}
            for path, content in {**files, "number.txt": f"{number}\n"}.items()
        ]
        branch = f"bench-{time.monotonic_ns()}"
        asked = {"branch": branch, "start_branch": "main", "commit_message": "Break it", "actions": actions}
        return project, str(there.commits.create(asked).id)

    def _failed(self, project: str, sha: str) -> Broken:
        there = self._client.projects.get(project, lazy=True)
        while True:
            found = there.pipelines.list(sha=sha, get_all=True)
            if found and found[0].status == "failed":
                facts = {key: found[0].attributes[key] for key in ("id", "ref", "sha", "status", "source")}
                return Broken(project, found[0].id, {**facts, "tag": False})
            time.sleep(0.05)

    def deliver(self, broken: Broken) -> float:
        """Send GitLab's webhook of a failure; the moment before."""
        at = datetime.now(UTC)
        body = {
            "object_kind": "pipeline",
            "object_attributes": {**broken.facts, "finished_at": at.strftime("%Y-%m-%d %H:%M:%S UTC")},
            "project": {"path_with_namespace": broken.project},
            "user": {"username": "sam"},
        }
        assert self._http.post("/webhooks/gitlab", json=body).status_code == httpx.codes.ACCEPTED
        return at.timestamp()

    def requests(self) -> dict[str, Request]:
        """Pipeline → the request about it."""
        found = self._ledger.find(RequestQuery(actions=("fix_pipeline",), limit=1000))
        return {str(each.parameters["pipeline"]): each for each in found}

    def diagnosed(self, broken: Broken) -> Request:
        """The request about a failure, as soon as its card can tell why it failed."""
        return self._until(broken, lambda request: bool(request.handle) or request.state.is_final)

    def ended(self, broken: Broken) -> Request:
        """The request about a failure, once it has ended."""
        return self._until(broken, lambda request: request.state.is_final)

    def _until(self, broken: Broken, done: Any) -> Request:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            request = self.requests().get(str(broken.number))
            if request is not None and done(request):
                return request
            time.sleep(0.1)  # what is measured are the times in the ledger
        raise TimeoutError(f"nothing came of pipeline {broken.number} in {PATIENCE:.0f} s")

    def ran(self, project: str, numbers: Sequence[str]) -> float:
        """How long pipelines were there until they ended, in seconds."""
        there = self._client.projects.get(project, lazy=True)
        found = [there.pipelines.get(int(number)) for number in numbers]
        return sum(_instant(each.finished_at) - _instant(each.created_at) for each in found)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@contextmanager
def shipmate(folder: Path) -> Iterator[Bench]:
    """Shipmate as `up` starts it, with the sandbox for its GitLab."""
    with start(folder / "company") as sandbox:
        reached = {
            "SHIPMATE_STATE_DIR": str(folder / "state"),
            "SHIPMATE_CONFIG": str(sandbox.configuration),
            "SHIPMATE_GITLAB_WEBHOOK_TOKEN": TOKEN,
            "GITLAB_URL": sandbox.gitlab_url,
            "GITLAB_TOKEN": sandbox.gitlab_token,
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        }
        with (folder / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", "up", "--port", "0"],
                cwd=Path.cwd(),
                env=reached,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            while not _is_ready(folder / "state"):
                assert process.poll() is None, (folder / "up.log").read_text()
                time.sleep(0.05)
            here = running(folder / "state")
            kept = open_sql(f"sqlite:///{folder}/state/shipmate.db")
            bench = Bench(sandbox, here.url if here else "", kept.ledger)
            try:
                yield bench
            finally:
                bench.close()
                kept.close()
        finally:
            process.terminate()
            process.wait(60)


def _is_ready(state: Path) -> bool:
    here = running(state)
    try:
        return here is not None and httpx.get(f"{here.url}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _one_by_one(bench: Bench) -> None:
    title(f"Failed pipelines: webhook to a card with the diagnosis, {ONE_BY_ONE} one at a time")
    taken = []
    for broken in bench.broken(OWN, ONE_BY_ONE):
        begun = bench.deliver(broken)
        request = bench.diagnosed(broken)
        taken.append(request.updated_at.timestamp() - begun)
        bench.ended(broken)
    line("p50", f"{quantile(taken, 0.5):.2f} s")
    line("p99", f"{quantile(taken, 0.99):.2f} s", "target < 60 s")


def _fixes(bench: Bench) -> None:
    title(f"Webhook to a proven fix with its merge request, less the pipeline's own time, {FIXES} one at a time")
    taken = []
    for number in range(FIXES):
        # Each in a service of its own: four fixes an hour are enough for one.
        broken = bench.broken(MENDABLE, 1, [SERVICES[number % len(SERVICES)]])[0]
        begun = bench.deliver(broken)
        request = bench.ended(broken)
        assert request.outcome == "proposed", f"{request.outcome} {request.message}"
        result: Any = request.result
        proof = [str(run["id"]) for run in result["proof"]]
        ended = request.finished_at or request.updated_at
        taken.append(ended.timestamp() - begun - bench.ran(broken.project, proof))
    line("median", f"{quantile(taken, 0.5):.2f} s")
    line("longest", f"{max(taken):.2f} s")


def _at_once(bench: Bench) -> None:
    title(f"{AT_ONCE} failures at once, over {len(SERVICES)} services")
    broken = bench.broken(OWN, AT_ONCE)
    with ThreadPoolExecutor(20) as pool:
        begun = list(pool.map(bench.deliver, broken))
    ended = [bench.ended(each) for each in broken]
    taken = [
        (request.finished_at or request.updated_at).timestamp() - at for request, at in zip(ended, begun, strict=True)
    ]
    looked_into = sum(request.state is State.DONE for request in ended)
    line("looked into", f"{looked_into} of {AT_ONCE}", "target all")
    line("p50", f"{quantile(taken, 0.5):.2f} s")
    line("p99", f"{quantile(taken, 0.99):.2f} s", "target < 60 s")


def run() -> None:
    """All three in turn."""
    with tempfile.TemporaryDirectory() as name, shipmate(Path(name)) as bench:
        _one_by_one(bench)
        _fixes(bench)
        _at_once(bench)
