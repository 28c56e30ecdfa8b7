"""A running sandbox and clients for it."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gitlab
import httpx
import pytest

from bot.sandbox.argocd.workload import Timings
from bot.sandbox.server import Sandbox, start

# A cluster in a hurry: what these tests assert is the order of things, not how long they take.
QUICK = Timings(pickup=0.02, sync=0.03, rollout=0.1, step=0.04, progress_deadline=0.3)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a company that was just founded; a copy of it is quicker than another one."""
    state = tmp_path_factory.mktemp("founded")
    start(state, timings=QUICK).close()
    return state


@pytest.fixture(scope="module")
def sandbox(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    state = tmp_path_factory.mktemp("state")
    shutil.copytree(founded, state, dirs_exist_ok=True)
    with start(state, timings=QUICK) as running:
        yield running


@pytest.fixture
def gitlab_client(sandbox: Sandbox) -> Iterator[gitlab.Gitlab]:
    with gitlab.Gitlab(sandbox.gitlab_url, private_token=sandbox.gitlab_token) as client:
        yield client


@pytest.fixture
def argocd_client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {sandbox.argocd_token}"}
    with httpx.Client(base_url=sandbox.argocd_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def fresh(founded: Path, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that a test may change without the others noticing."""
    shutil.copytree(founded, tmp_path, dirs_exist_ok=True)
    with start(tmp_path, timings=QUICK) as running:
        yield running


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Ask until the answer is true; real processes and real sockets have no clock to turn."""

    def ask(question: Callable[[], Any], timeout: float = 10.0) -> Any:
        end = time.monotonic() + timeout
        while not (found := question()):
            assert time.monotonic() < end, f"still {found!r} after {timeout} s"
            time.sleep(0.005)
        return found

    return ask


@pytest.fixture
def gitlab_of() -> Iterator[Callable[[Sandbox], gitlab.Gitlab]]:
    """Clients of GitLab for other sandboxes than the shared one."""
    clients: list[gitlab.Gitlab] = []

    def connect(sandbox: Sandbox) -> gitlab.Gitlab:
        clients.append(gitlab.Gitlab(sandbox.gitlab_url, private_token=sandbox.gitlab_token))
        return clients[-1]

    yield connect
    for client in clients:
        client.session.close()


@pytest.fixture
def argocd_of() -> Iterator[Callable[[Sandbox], httpx.Client]]:
    """Clients of Argo CD for other sandboxes than the shared one."""
    clients: list[httpx.Client] = []

    def connect(sandbox: Sandbox) -> httpx.Client:
        headers = {"authorization": f"Bearer {sandbox.argocd_token}"}
        clients.append(httpx.Client(base_url=sandbox.argocd_url, headers=headers, trust_env=False))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
