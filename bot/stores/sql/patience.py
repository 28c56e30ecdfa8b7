"""A connection to PostgreSQL that does not wait for ever: the driver itself has no limit for an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

V = TypeVar("V")

ANSWER_SECONDS = 20.0
"""How long the server may take for an answer. Statements here take milliseconds; a server that was stopped or whose lock
somebody keeps would otherwise hold whoever asks, and with them their thread, until somebody looks."""
IDLE_SECONDS = 20
"""After how long the server gives up a transaction whose client has fallen silent, and with it the chain's head."""


class PatientConnection(psycopg.Connection[TupleRow]):
    """A connection whose server may take so long for an answer, and no longer."""

    answer_seconds = ANSWER_SECONDS

    @classmethod
    def open(cls, *arguments: Any, **named: Any) -> PatientConnection:
        """Connect, and have the server give up transactions that stand still."""
        connection = cls.connect(*arguments, **named)
        connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        connection.commit()
        return connection

    def wait(self, gen: PQGen[V], interval: float = 0.1, timeout: float | None = None) -> V:
        """Wait for an answer; raises `psycopg.OperationalError` where there is none in time."""
        within = self.answer_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, within)
        except psycopg.OperationalError as error:
            if type(error) is not psycopg.errors._WaitTimeout:  # noqa: SLF001 - the only sign of it that the driver gives
                raise
            # Its answer may still come, so the connection is of no more use.
            self.pgconn.finish()
            message = f"no answer within {within:g} s"
            raise psycopg.OperationalError(message) from None

    @contextmanager
    def as_long_as_it_takes(self) -> Iterator[None]:
        """Wait without a limit, as for a migration that others make."""
        self.answer_seconds = float(10**6)
        try:
            yield
        finally:
            del self.answer_seconds
