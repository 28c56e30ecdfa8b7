"""The audit chain: each row carries the SHA-256 of the hash before it and of what it says itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping, insert, select, update

from actions.core.ports.ledger import AuditEntry
from bot.stores.sql.database import Database
from bot.stores.sql.schema import audit, audit_head

_HEAD_ID = 1
_BATCH = 1000

_lock_head = select(audit_head.c.number, audit_head.c.hash).where(audit_head.c.id == _HEAD_ID).with_for_update()
_move_head = update(audit_head).where(audit_head.c.id == _HEAD_ID)
_append = insert(audit)


@dataclass(frozen=True)
class Event:
    """Something to be written into the chain.

    Attributes:
        at: when it happened, where that was before it is written.
    """

    actor: str
    action: str
    request: str
    event: str
    service: str | None = None
    environment: str | None = None
    detail: dict[str, JsonValue] = field(default_factory=dict)
    at: datetime | None = None


class Head:
    """The end of the chain, taken for the length of a transaction.

    Take it before any other row: every writer does, so writers of the chain wait for each other here, and never in a
    circle.

    Args:
        connection: the transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._number, self._hash = connection.execute(_lock_head).one()

    def append(self, events: Sequence[Event], *, now: datetime) -> None:
        """Write events at the end of the chain."""
        if not events:
            return
        rows = []
        for event in events:
            self._number += 1
            row: dict[str, Any] = {
                "number": self._number,
                "at": event.at or now,
                "actor": event.actor,
                "action": event.action,
                "request": event.request,
                "service": event.service,
                "environment": event.environment,
                "event": event.event,
                "detail": canonical(event.detail),
            }
            self._hash = row["hash"] = link(self._hash, row)
            rows.append(row)
        self._connection.execute(_append, rows if len(rows) > 1 else rows[0])
        self._connection.execute(_move_head, {"number": self._number, "hash": self._hash})


def canonical(value: JsonValue) -> str:
    """JSON with one spelling: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def link(previous: str, row: RowMapping | dict[str, Any]) -> str:
    """The hash of a row that follows the row with the hash `previous`."""
    said = [
        row["number"],
        row["at"].isoformat(),
        row["actor"],
        row["action"],
        row["request"],
        row["service"],
        row["environment"],
        row["event"],
        row["detail"],
    ]
    return hashlib.sha256((previous + canonical(said)).encode()).hexdigest()


class SqlAuditTrail:
    """Reads and verifies the chain.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self, *, person: str | None = None, service: str | None = None, since: datetime | None = None, limit: int = 50
    ) -> Sequence[AuditEntry]:
        """Entries, newest first."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        if person is not None:
            query = query.where(audit.c.actor == person)
        if service is not None:
            query = query.where(audit.c.service == service)
        if since is not None:
            query = query.where(audit.c.at >= since)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [AuditEntry.model_validate({**row, "detail": json.loads(row["detail"])}) for row in rows]

    def verify(self, *, newest: int | None = None) -> int | None:
        """The number of the first row that does not follow, or is missing; None where the chain holds.

        It reads up to the head it found at the start, so rows that are written meanwhile do not disturb it.

        Args:
            newest: how many rows at the end to check; every row by default.
        """
        with self._database.read() as connection:
            last, expected = connection.execute(select(audit_head.c.number, audit_head.c.hash)).one()
            number, previous = 0, ""
            if newest is not None and last > newest:
                number = last - newest
                before = select(audit.c.hash).where(audit.c.number == number)
                previous = connection.execute(before).scalar() or ""
            while True:
                batch = select(audit).where(audit.c.number > number, audit.c.number <= last)
                rows = connection.execute(batch.order_by(audit.c.number).limit(_BATCH)).mappings().all()
                for row in rows:
                    if row["number"] != number + 1 or row["hash"] != link(previous, row):
                        return number + 1
                    number, previous = row["number"], row["hash"]
                if len(rows) < _BATCH:
                    break
        return None if (number, previous) == (last, expected) else number + (number != last)
