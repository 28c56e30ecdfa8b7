"""Brings the database to the newest schema, safely when several processes start at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from actions.core.errors import ShipmateError
from bot.stores.sql.database import answering
from bot.stores.sql.schema import HEAD

# Any number that no other program uses on the same PostgreSQL database.
_LOCK = 0x5348_4950_4D41_5445
_SCRIPTS = Path(__file__).parent / "migrations"


class NewerDatabase(ShipmateError):
    """The database was brought further by a newer Shipmate than this one."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The database is at migration {found}, which this Shipmate ({HEAD}) does not know.",
            remedy="Start the newer Shipmate, or give this one a database of its own.",
        )


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; whoever comes first does it and the others wait.

    On PostgreSQL an advisory lock of the transaction keeps the others out, with SQLite a lock on a file beside the
    database. Either is let go by itself when its holder dies, and the schema changes in one transaction or not at all.

    Raises:
        Unreachable: the database does not answer.
        NewerDatabase: a newer Shipmate has been here.
    """
    with answering():
        with engine.connect() as connection:
            if _present(connection) == HEAD:
                return
        _bring(engine)


def _bring(engine: Engine) -> None:
    with _alone(engine):
        if engine.dialect.name == "sqlite":
            _use_wal(engine)
        with engine.execution_options(shipmate_writes=True).begin() as connection, _unhurried(connection):
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            # Whoever held the lock before may have done it.
            if (found := _present(connection)) != HEAD:
                _upgrade(connection, found)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        yield
        return
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unhurried(connection: Connection) -> AbstractContextManager[None]:
    """Wait for others' migrations, and for one's own, as long as they take."""
    if connection.dialect.name != "postgresql":
        return nullcontext()
    driver: Any = connection.connection.driver_connection
    waiting: AbstractContextManager[None] = driver.as_long_as_it_takes()
    return waiting


def _use_wal(engine: Engine) -> None:
    # The database remembers it. Readers and the one writer then do not wait for each other.
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def _present(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, found: str | None) -> None:
    # Alembic takes a quarter of a second to import, and most starts find nothing to do.
    from alembic import command  # noqa: PLC0415 (see above)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NewerDatabase(found)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
