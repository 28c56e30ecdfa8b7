"""One running Shipmate a module; the module's tests share it, each in threads and services of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Shipmate


@pytest.fixture(scope="session")
def bare_environment() -> dict[str, str]:
    """What the processes need of the environment, and nothing that would set Shipmate up."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}  # noqa: TID251 (what a child needs to start)


@pytest.fixture(scope="module")
def shipmate(tmp_path_factory: pytest.TempPathFactory, bare_environment: dict[str, str]) -> Iterator[Shipmate]:
    """A running Shipmate on SQLite and an embedded Valkey."""
    running = Shipmate(tmp_path_factory.mktemp("state"), bare_environment)
    yield running.start()
    assert running.stop() == 0
