"""One running Shipmate a module; the module's tests share it, each in threads and services of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NoReturn

import pytest

from tests.bot.stores.conftest import new_database
from tests.bot.stores.postgresql import NoServer, server
from tests.e2e.running import Shipmate


@pytest.fixture(scope="session")
def bare_environment() -> dict[str, str]:
    """What the processes need of the environment, and nothing that would set Shipmate up."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}  # noqa: TID251 (what a child needs to start)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("sqlite", marks=pytest.mark.wheels),
        pytest.param("postgresql", marks=pytest.mark.e2e),
        pytest.param("two workers on postgresql", marks=pytest.mark.e2e),
    ],
)
def stores(request: pytest.FixtureRequest) -> str:
    """Where everything is kept, and who works on it."""
    return str(request.param)


@pytest.fixture(scope="session")
def postgresql(absent: Callable[[str], NoReturn]) -> Iterator[str]:
    """The socket of a private PostgreSQL server."""
    with ExitStack() as stack:
        try:
            yield stack.enter_context(server())
        except NoServer:
            absent("PostgreSQL is not here (Debian: apt-get install postgresql)")


@pytest.fixture(scope="module")
def shipmate(
    request: pytest.FixtureRequest,
    stores: str,
    tmp_path_factory: pytest.TempPathFactory,
    bare_environment: dict[str, str],
) -> Iterator[Shipmate]:
    """A running Shipmate with its sandbox company."""
    with ExitStack() as stack:
        more = {}
        if "postgresql" in stores:
            socket = request.getfixturevalue("postgresql")
            more["SHIPMATE_DATABASE_URL"] = stack.enter_context(new_database(socket, template="template0"))
        running = Shipmate(tmp_path_factory.mktemp("state"), {**bare_environment, **more}).start()
        try:
            if "two workers" in stores:
                running.another("worker")
            yield running
        finally:
            code = running.stop()
        assert code == 0
