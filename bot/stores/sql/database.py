"""Opens the database and turns its failures into words a person can act on."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import Any, NoReturn

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from actions.core.errors import ShipmateError, Unreachable
from actions.core.redaction import redact

log = logging.getLogger("shipmate.database")

_BUSY_SECONDS = 10
_CONNECT_SECONDS = 5
_PATIENCE_MS = 3


class UnusableDatabaseUrl(ShipmateError):
    """The address names no database that Shipmate can keep its ledger in."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"{found} is not a database that Shipmate can use.",
            remedy="Use sqlite:///path/to/shipmate.db or postgresql://user:password@host/database.",
        )


class StoreFault(ShipmateError):
    """The database answered, and would not take a statement: a fault in Shipmate, not in the database."""


@contextmanager
def answering() -> Iterator[None]:
    """Let no error of SQLAlchemy out.

    Raises:
        Unreachable: the database did not answer, or not in time.
        StoreFault: it answered that a statement is wrong.
    """
    try:
        yield
    except SQLAlchemyError as error:
        _explain(error)


def _explain(error: SQLAlchemyError) -> NoReturn:
    said = redact(str(getattr(error, "orig", None) or error).strip().partition("\n")[0])
    if isinstance(error, (ProgrammingError, IntegrityError, DataError)):
        # The database's own words may name its insides, so they are for the log.
        log.error("the database would not take a statement: %s", said)
        raise StoreFault(
            "The database would not take a statement, which is a fault in Shipmate.", remedy="The log says what it was."
        ) from error
    raise Unreachable(
        "the database",
        f"The database does not answer: {said}",
        remedy="Look at the database; Shipmate goes on by itself once it is back.",
    ) from error


class Database:
    """An open database, with one way to read and one to write.

    Args:
        engine: the engine, by `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_postgresql = engine.dialect.name == "postgresql"
        self._writer = engine.execution_options(shipmate_writes=True)
        # A database in memory lives in its one connection, which a write would wait for in vain.
        self._may_hold = not isinstance(engine.pool, QueuePool) or engine.pool.size() > 1
        self._held = local()
        # Reads are single statements: a transaction around one would cost PostgreSQL two more round trips.
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT") if self.is_postgresql else engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for statements that only read, each on its own."""
        held: Connection | None = getattr(self._held, "connection", None)
        with answering():
            if held is not None:
                yield held
                return
            with self._reader.connect() as connection:
                yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """Have what this thread reads within share one connection: taking one costs more than a statement does.

        Each statement still sees what was committed before it.
        """
        if not self._may_hold or getattr(self._held, "connection", None) is not None:
            yield
            return
        with answering():
            connection = self._reader.connect()
        self._held.connection = connection
        try:
            yield
        finally:
            self._held.connection = None
            connection.close()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction, committed at the end and rolled back by an exception."""
        with answering(), self._writer.begin() as connection:
            yield connection

    def insert(self, table: Table) -> Any:
        """An INSERT of the dialect, which knows ON CONFLICT; both dialects speak the same words."""
        return postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)

    def ping(self) -> None:
        """See whether the database answers; raises `Unreachable` where it does not."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_engine(url: str) -> Engine:
    """An engine for an address; nothing is connected yet.

    Args:
        url: `sqlite:///path`, `sqlite://` (in memory, for one process) or `postgresql://…`.

    Raises:
        UnusableDatabaseUrl: it is neither.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        raise UnusableDatabaseUrl(redact(url)) from None
    kind = address.drivername.partition("+")[0]
    try:
        if kind == "sqlite":
            return _open_sqlite(address.set(drivername="sqlite+pysqlite"))
        if kind in {"postgresql", "postgres"}:
            return _open_postgresql(address.set(drivername="postgresql+psycopg"))
    except NoSuchModuleError:
        pass
    raise UnusableDatabaseUrl(address.render_as_string())


def _open_postgresql(address: URL) -> Engine:
    engine = create_engine(
        address,
        pool_size=10,
        max_overflow=20,
        pool_timeout=_BUSY_SECONDS,
        pool_pre_ping=True,
        # A peer that fell silent is noticed by TCP, not by a person who waits.
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "application_name": "shipmate",
        },
    )
    event.listen(engine, "do_connect", _connect_postgresql)
    return engine


def _connect_postgresql(_: Any, __: Any, arguments: Any, named: dict[str, Any]) -> Any:
    from bot.stores.sql.patience import PatientConnection  # noqa: PLC0415 - only PostgreSQL needs its driver

    return PatientConnection.open(*arguments, **named)


def _open_sqlite(address: URL) -> Engine:
    in_memory = not address.database or address.database == ":memory:"
    if address.database and not in_memory and not address.database.startswith("file:"):
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        address,
        poolclass=QueuePool,
        # A database in memory lives in its one connection.
        pool_size=1 if in_memory else 5,
        max_overflow=0 if in_memory else 35,
        pool_timeout=_BUSY_SECONDS,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    del entry
    # Without it the driver begins transactions of its own, later and more weakly than _begin_sqlite does.
    connection.isolation_level = None
    # FULL: what was committed survives the loss of power. With NORMAL the last requests could be forgotten after their
    # work had begun outside, and their ids be given again.
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    # A read that is upgraded to a write fails at once whatever the timeout, so a write says so from the start.
    if not connection.get_execution_options().get("shipmate_writes"):
        return
    driver: Any = connection.connection.driver_connection
    # SQLite waits for the lock by sleeping ever longer, up to 100 ms, and whoever waited longest comes last. Asking anew
    # every few milliseconds cuts the longest waits among several processes to a tenth.
    driver.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
    try:
        for _ in range(_BUSY_SECONDS * 1000 // _PATIENCE_MS):
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            else:
                return
        # Once more by SQLAlchemy, which wraps the error.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
