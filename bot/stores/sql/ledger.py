"""The ledger in SQL: requests, their compare-and-swap, their leases, and an audit row for whatever becomes of them.

A step is recorded if the request still has the version *and* the fencing number of the snapshot it starts from. A lease
takes the next fencing number and leaves the version alone: it changes nothing that a person could see, so no card is
drawn anew for it, yet a worker whose lease was taken over finds another number and cannot write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, and_, bindparam, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from actions.core.ports.ledger import LEASE, Conflict, Draft, LockHeld, Move, RequestQuery
from actions.core.request import Request, State
from bot.stores.sql.chain import Head
from bot.stores.sql.database import Database
from bot.stores.sql.history import accepted, began, is_told_later
from bot.stores.sql.queries import counting, finding
from bot.stores.sql.records import clean, number_of, to_request, to_row
from bot.stores.sql.schema import requests, transitions
from bot.stores.sql.steps import TIME, find_holder, lock_of, record

_AWAITING = (State.AWAITING_CONFIRMATION.value, State.AWAITING_APPROVAL.value)

_by_number = select(requests).where(requests.c.number == bindparam("wanted"))
_by_cause = select(requests).where(requests.c.cause == bindparam("wanted"))
_renew = (
    update(requests)
    .where(
        requests.c.number == bindparam("wanted"),
        requests.c.fence == bindparam("held"),
        requests.c.lease_owner == bindparam("holder"),
    )
    .values(lease_until=bindparam("later", type_=TIME))
)
_add_transition = insert(transitions)


def _is_free(now: Any) -> ColumnElement[bool]:
    return or_(requests.c.lease_until.is_(None), requests.c.lease_until <= now)


_leased = {
    requests.c.fence: requests.c.fence + 1,
    requests.c.lease_owner: bindparam("new_owner"),
    requests.c.lease_until: bindparam("new_until", type_=TIME),
}
_lease = (
    update(requests)
    .where(
        requests.c.number == bindparam("wanted"),
        requests.c.state == State.ACCEPTED.value,
        _is_free(bindparam("by_now", type_=TIME)),
    )
    .values(_leased)
    .returning(requests)
)


class SqlLedger:
    """Requests and their life.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = database.insert(requests).on_conflict_do_nothing().returning(requests.c.number)
        self._lease_due = self._leasing()

    def accept(self, draft: Draft, *, now: datetime) -> tuple[Request, bool]:
        """Record a request, once for its cause; `LockHeld` where it takes a lock that is held."""
        request = clean(draft.request, now=now).model_copy(update={"version": 1, "created_at": now, "updated_at": now})
        row = to_row(request) | {"shown_version": 1, "drawn_version": 0}
        with self._database.write() as connection:
            head = None if is_told_later(request) else Head(connection)
            number = connection.execute(self._insert, row).scalar()
            if number is None:
                return self._standing(connection, request), False
            request = request.model_copy(update={"id": f"R-{number}"})
            connection.execute(_add_transition, began(request, draft.by, number))
            if head is not None:
                head.append([accepted(request, by=draft.by)], now=now)
        return request, True

    def _standing(self, connection: Connection, request: Request) -> Request:
        known = connection.execute(_by_cause, {"wanted": request.cause}).mappings().first()
        if known is not None:
            return to_request(known)
        lock = lock_of(request)
        holder = None if lock is None else find_holder(connection, lock)
        if holder is None:
            raise Conflict(f"The request of {request.cause} could not be recorded.", remedy="Ask again.")
        raise LockHeld(holder)

    def get(self, request_id: str) -> Request | None:
        """The request as it stands."""
        with self._database.read() as connection:
            row = connection.execute(_by_number, {"wanted": number_of(request_id)}).mappings().first()
        return None if row is None else to_request(row)

    def by_cause(self, cause: str) -> Request | None:
        """The request that this cause made."""
        with self._database.read() as connection:
            row = connection.execute(_by_cause, {"wanted": cause}).mappings().first()
        return None if row is None else to_request(row)

    def find(self, query: RequestQuery) -> Sequence[Request]:
        """The requests that match, newest first."""
        statement, values = finding(query)
        with self._database.read() as connection:
            rows = connection.execute(statement, values).mappings().all()
        return [to_request(row) for row in rows]

    def count(self, query: RequestQuery) -> int:
        """How many requests match, counted up to the query's limit."""
        statement, values = counting(query)
        with self._database.read() as connection:
            counted: int = connection.execute(statement, values).scalar_one()
        return counted

    def advance(self, move: Move, *, now: datetime) -> Request:
        """Record a step with its audit row; `Conflict` where somebody was first, `LockHeld` where the lock is."""
        with self._database.write() as connection:
            (answer,) = record(connection, [move], now=now)
            # Raised inside, so that nothing of the transaction stays.
            if isinstance(answer, (Conflict, LockHeld)):
                raise answer
        return answer

    def advance_many(self, moves: Sequence[Move], *, now: datetime) -> Sequence[Request | Conflict]:
        """Record many steps in one transaction; those that conflict are left out and answered as such."""
        if not moves:
            return []
        with self._database.write() as connection:
            answers = record(connection, moves, now=now)
        return [Conflict(str(answer)) if isinstance(answer, LockHeld) else answer for answer in answers]

    def lease(self, request_id: str, *, owner: str, now: datetime, until: datetime) -> Request | None:
        """Claim an accepted request that nobody holds, with the next fencing number."""
        values = {"wanted": number_of(request_id), "by_now": now, "new_owner": owner, "new_until": until}
        with self._database.write() as connection:
            row = connection.execute(_lease, values).mappings().first()
        return None if row is None else to_request(row)

    def lease_due(self, poller: str, *, owner: str, now: datetime, until: datetime, limit: int) -> Sequence[Request]:
        """Claim operations of a poller that are due, most overdue first, each with the next fencing number."""
        values = {"by_poller": poller, "by_now": now, "by_limit": limit, "new_owner": owner, "new_until": until}
        with self._database.write() as connection:
            rows = connection.execute(self._lease_due, values).mappings().all()
        # Neither database promises an order for the rows that an UPDATE returns.
        return [to_request(row) for row in sorted(rows, key=lambda row: (row["next_poll_at"], row["number"]))]

    def _leasing(self) -> Any:
        due = (
            select(requests.c.number)
            .where(requests.c.poller == bindparam("by_poller"), _due(bindparam("by_now", type_=TIME)))
            .order_by(requests.c.next_poll_at, requests.c.number)
            .limit(bindparam("by_limit", type_=Integer))
            .with_for_update(skip_locked=True)
            # PostgreSQL runs a WITH once; a subquery it may run once a row, and then claim more than the limit.
            .cte("due")
        )
        return update(requests).where(requests.c.number.in_(select(due.c.number))).values(_leased).returning(requests)

    def pollers_due(self, now: datetime) -> Sequence[str]:
        """The pollers that have something due."""
        with self._database.read() as connection:
            names = connection.execute(select(requests.c.poller).where(_due(now)).distinct()).scalars().all()
        return sorted(name for name in names if name)

    def renew(self, request: Request, *, until: datetime) -> bool:
        """Prolong a lease; False where it is no longer held."""
        held = {
            "wanted": number_of(request.id),
            "held": request.fence,
            "holder": request.lease_owner,
            "later": until,
        }
        with self._database.write() as connection:
            return connection.execute(_renew, held).rowcount == 1

    def lapsed(self, now: datetime, *, limit: int = 100) -> Sequence[Request]:
        """Requests that run or are accepted and whose lease, or whose time to be picked up, has passed.

        What nobody leases is to be picked up within `LEASE` of its last change.
        """
        late = or_(
            requests.c.lease_until <= now,
            and_(requests.c.lease_until.is_(None), requests.c.updated_at <= now - LEASE),
        )
        states = requests.c.state.in_((State.RUNNING.value, State.ACCEPTED.value))
        # Those that a worker dropped come first: what merely waits in a long queue must not hide them.
        return self._select(states, late, order=(requests.c.state.desc(), requests.c.number), limit=limit)

    def expired(self, now: datetime, *, limit: int = 100) -> Sequence[Request]:
        """Requests that wait for people and whose time has passed."""
        states = requests.c.state.in_(_AWAITING)
        return self._select(states, requests.c.expires_at <= now, order=(requests.c.number,), limit=limit)

    def _select(self, *wanted: ColumnElement[bool], order: tuple[Any, ...], limit: int) -> Sequence[Request]:
        query = select(requests).where(*wanted).order_by(*order).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [to_request(row) for row in rows]


def _due(now: Any) -> ColumnElement[bool]:
    """Waits, as only what waits has a next poll, is due, and is leased by nobody."""
    return and_(requests.c.next_poll_at <= now, _is_free(now))
