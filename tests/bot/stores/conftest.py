"""One suite, two databases: every test of `stores` runs on SQLite, and on PostgreSQL where `make e2e` asks for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import fakeredis
import psycopg
import pytest
import redis

from bot.stores.open import SqlStores, open_sql
from bot.stores.redis.client import open_client
from bot.stores.redis.embedded import start_embedded
from bot.stores.sql.database import Database, open_engine
from tests.bot.stores.postgresql import NoServer, server

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.e2e)]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "shipmate.db"
    open_sql(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgresql_socket(absent: Callable[[str], NoReturn]) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            socket = stack.enter_context(server())
        except NoServer:
            absent("PostgreSQL is not here (Debian: apt-get install postgresql)")
        with psycopg.connect(host=socket, user="postgres", autocommit=True) as admin:
            admin.execute("CREATE DATABASE template")
        open_sql(f"postgresql://postgres@/template?host={socket}").close()
        yield socket


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database of the newest schema."""
    if request.param == "sqlite":
        path = tmp_path / "shipmate.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    with new_database(request.getfixturevalue("postgresql_socket"), template="template") as address:
        yield address


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shipmate.db'}"
        return
    with new_database(request.getfixturevalue("postgresql_socket"), template="template0") as address:
        yield address


@contextmanager
def new_database(socket: str, *, template: str) -> Iterator[str]:
    """A database of a private server, dropped afterwards."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(host=socket, user="postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield f"postgresql://postgres@/{name}?host={socket}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def stores(url: str) -> Iterator[SqlStores]:
    """Stores on a fresh database."""
    stores = SqlStores(Database(open_engine(url)))
    yield stores
    stores.close()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = start_embedded(tmp_path_factory.mktemp("valkey"))
    yield server.url
    server.close()


@pytest.fixture(params=["fake", pytest.param("valkey", marks=pytest.mark.wheels)])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """An empty Redis: in memory, and a real Valkey where `make test` asks for it."""
    if request.param == "fake":
        client: redis.Redis = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    else:
        client = open_client(request.getfixturevalue("valkey_url"))
        client.flushall()
    yield client
    client.close()
    client.connection_pool.disconnect()
