"""What people set for a time or for good: roles they grant, and freezes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Table, bindparam, or_, select, update

from actions.core.ports.ledger import Freeze, Grant
from bot.stores.sql.chain import Event, Head
from bot.stores.sql.database import Database
from bot.stores.sql.records import prose
from bot.stores.sql.schema import freezes, grants

_SCOPE = ("service", "environment", "verb", "person", "only")


def _in_force(table: Table, now: Any) -> ColumnElement[bool]:
    return table.c.ended_at.is_(None) & or_(table.c.until.is_(None), table.c.until > now)


# Every request asks these two, so they are built once.
_grants_of = (
    select(grants)
    .where(grants.c.person == bindparam("by_person"), _in_force(grants, bindparam("by_now", type_=grants.c.until.type)))
    .order_by(grants.c.id)
)
_freezes_in_force = (
    select(freezes).where(_in_force(freezes, bindparam("by_now", type_=freezes.c.until.type))).order_by(freezes.c.id)
)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


class SqlGrants:
    """Roles given by people.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._give = database.insert(grants).returning(grants.c.id)

    def give(self, grant: Grant) -> Grant:
        """Record a grant, and say so in the audit trail."""
        with self._database.write() as connection:
            head = Head(connection)
            number = connection.execute(self._give, grant.model_dump(exclude={"id"})).scalar_one()
            detail: dict[str, JsonValue] = {"person": grant.person, "role": grant.role, "until": _iso(grant.until)}
            event = Event(actor=grant.by, action="grant_role", request=grant.request, event="granted", detail=detail)
            head.append([event], now=grant.at)
        return grant.model_copy(update={"id": number})

    def take(self, person: str, role: str, *, now: datetime) -> int:
        """End every grant of this role to this person; how many were in force."""
        mine = (grants.c.person == person) & (grants.c.role == role)
        with self._database.write() as connection:
            return connection.execute(update(grants).where(mine, _in_force(grants, now)).values(ended_at=now)).rowcount

    def of(self, person: str, *, now: datetime) -> Sequence[Grant]:
        """The grants in force."""
        values = {"by_person": person, "by_now": now}
        with self._database.read() as connection:
            return [Grant.model_validate(dict(row)) for row in connection.execute(_grants_of, values).mappings()]


class SqlFreezes:
    """The kill switch.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._set = database.insert(freezes).returning(freezes.c.id)

    def set(self, freeze: Freeze) -> Freeze:
        """Record a freeze, and say so in the audit trail."""
        clean = freeze.model_copy(update={"reason": prose(freeze.reason)})
        with self._database.write() as connection:
            head = Head(connection)
            number = connection.execute(self._set, clean.model_dump(exclude={"id"})).scalar_one()
            clean = clean.model_copy(update={"id": number})
            head.append([_event(clean, "frozen", by=clean.by)], now=clean.at)
        return clean

    def lift(
        self,
        *,
        service: str | None,
        environment: str | None,
        verb: str | None,
        person: str | None,
        only: str | None,
        by: str,
        now: datetime,
    ) -> Sequence[Freeze]:
        """End every freeze in force with exactly this scope; with no scope at all, every one."""
        scope = dict(zip(_SCOPE, (service, environment, verb, person, only), strict=True))
        statement = update(freezes).where(_in_force(freezes, now)).values(ended_at=now, ended_by=by)
        if any(value is not None for value in scope.values()):
            statement = statement.where(*(freezes.c[name].is_not_distinct_from(value) for name, value in scope.items()))
        with self._database.write() as connection:
            head = Head(connection)
            rows = connection.execute(statement.returning(freezes)).mappings().all()
            lifted = sorted((Freeze.model_validate(dict(row)) for row in rows), key=lambda freeze: freeze.id)
            head.append([_event(freeze, "thawed", by=by) for freeze in lifted], now=now)
        return lifted

    def in_force(self, now: datetime) -> Sequence[Freeze]:
        """The freezes in force."""
        with self._database.read() as connection:
            rows = connection.execute(_freezes_in_force, {"by_now": now}).mappings().all()
        return [Freeze.model_validate(dict(row)) for row in rows]


def _event(freeze: Freeze, event: str, *, by: str) -> Event:
    return Event(
        actor=by,
        action="freeze" if event == "frozen" else "thaw",
        request=freeze.request,
        service=freeze.service,
        environment=freeze.environment,
        event=event,
        detail={
            "freeze": freeze.id,
            "verb": freeze.verb,
            "person": freeze.person,
            "only": freeze.only,
            "reason": freeze.reason,
            "until": _iso(freeze.until),
        },
    )
