"""The ledger in SQL: requests, their compare-and-swap, their leases, and an audit row for whatever becomes of them.

A step is recorded if the request still has the version *and* the fencing number of the snapshot it starts from. A lease
takes the next fencing number and leaves the version alone: it changes nothing that a person could see, so no card is
drawn anew for it, yet a worker whose lease was taken over finds another number and cannot write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, Integer, and_, bindparam, case, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from actions.core.ports.ledger import LEASE, Conflict, Draft, LockHeld, Move, RequestQuery
from actions.core.request import Request, State
from bot.stores.sql.chain import Head
from bot.stores.sql.database import Database
from bot.stores.sql.history import accepted, began, is_noteworthy, moved, told
from bot.stores.sql.records import clean, clean_decision, holds_lock, looks_alike, number_of, to_request, to_row
from bot.stores.sql.schema import decisions, deployments, requests, transitions

_DEPLOYMENT_COLUMNS = ("request", "service", "environment", "version", "healthy", "finished_at")
_POLLED = (State.WAITING.value, State.UNKNOWN.value)
_AWAITING = (State.AWAITING_CONFIRMATION.value, State.AWAITING_APPROVAL.value)
_MOVING = {column.name for column in requests.c} - {
    *("number", "cause", "action", "requester", "surface", "place_key", "created_at"),
    *("lease_until", "shown_version", "drawn_version"),
}
_TIME = requests.c.next_poll_at.type
# SQLite takes a bounded number of parameters in a statement.
_BATCH = 500

_by_number = select(requests).where(requests.c.number == bindparam("wanted"))
_by_cause = select(requests).where(requests.c.cause == bindparam("wanted"))
_holder = select(requests).where(
    requests.c.service == bindparam("at_service"),
    requests.c.environment == bindparam("at_environment"),
    requests.c.holds_lock,
)
_present = (
    select(requests.c.number, requests.c.version, requests.c.fence)
    .where(requests.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(requests.c.number)
    .with_for_update()
)
_renew = (
    update(requests)
    .where(
        requests.c.number == bindparam("wanted"),
        requests.c.fence == bindparam("held"),
        requests.c.lease_owner == bindparam("holder"),
    )
    .values(lease_until=bindparam("later", type_=_TIME))
)
_step = (
    update(requests)
    .where(
        requests.c.number == bindparam("at_number"),
        requests.c.version == bindparam("at_version"),
        requests.c.fence == bindparam("at_fence"),
    )
    .values(
        {column: bindparam(f"new_{column.name}", type_=column.type) for column in requests.c if column.name in _MOVING}
        | {
            # A heartbeat may have prolonged the lease since the snapshot was read, so a step that does not speak of
            # the lease leaves it as it is.
            requests.c.lease_until: case(
                (bindparam("keeps_lease", type_=Boolean), requests.c.lease_until),
                else_=bindparam("new_lease_until", type_=_TIME),
            ),
            requests.c.shown_version: func.coalesce(
                bindparam("new_shown_version", type_=Integer), requests.c.shown_version
            ),
        }
    )
)


class AlreadyDecided(Conflict):
    """This person has given their word on this very plan before."""

    def __init__(self, person: str, request: Request) -> None:
        super().__init__(f"{person} has decided on {request.id} already.")


_add_transition = insert(transitions)
_add_decision = insert(decisions)
_add_deployment = insert(deployments)


@dataclass(frozen=True)
class _Step:
    """A move that found the request as it expected it, and the snapshot to record."""

    move: Move
    after: Request
    number: int


class SqlLedger:
    """Requests and their life.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = database.insert(requests).on_conflict_do_nothing().returning(requests.c.number)
        self._lease = self._leasing()

    def accept(self, draft: Draft, *, now: datetime) -> tuple[Request, bool]:
        """Record a request, once for its cause; `LockHeld` where it takes a lock that is held."""
        request = clean(draft.request, now=now).model_copy(update={"version": 1, "created_at": now, "updated_at": now})
        row = to_row(request) | {"shown_version": 1, "drawn_version": 0}
        with self._database.write() as connection:
            head = Head(connection)
            number = connection.execute(self._insert, row).scalar()
            if number is None:
                return self._standing(connection, request), False
            request = request.model_copy(update={"id": f"R-{number}"})
            connection.execute(_add_transition, began(request, draft.by, number))
            head.append([accepted(request, by=draft.by)], now=now)
        return request, True

    def _standing(self, connection: Connection, request: Request) -> Request:
        known = connection.execute(_by_cause, {"wanted": request.cause}).mappings().first()
        if known is not None:
            return to_request(known)
        holder = _find_holder(connection, request) if holds_lock(request) else None
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
        wanted: list[ColumnElement[bool]] = [
            requests.c[name] == value
            for name in ("service", "environment", "requester", "place_key")
            if (value := getattr(query, name)) is not None
        ]
        if query.states is not None:
            wanted.append(requests.c.state.in_([state.value for state in query.states]))
        if query.actions is not None:
            wanted.append(requests.c.action.in_(query.actions))
        if query.since is not None:
            wanted.append(requests.c.created_at >= query.since)
        return self._select(*wanted, order=requests.c.number.desc(), limit=query.limit)

    def advance(self, move: Move, *, now: datetime) -> Request:
        """Record a step with its audit row; `Conflict` where somebody was first, `LockHeld` where the lock is."""
        with self._database.write() as connection:
            (answer,) = self._advance(connection, [move], now=now)
            # Raised inside, so that nothing of the transaction stays.
            if isinstance(answer, (Conflict, LockHeld)):
                raise answer
        return answer

    def advance_many(self, moves: Sequence[Move], *, now: datetime) -> Sequence[Request | Conflict]:
        """Record many steps in one transaction; those that conflict are left out and answered as such."""
        if not moves:
            return []
        with self._database.write() as connection:
            answers = self._advance(connection, moves, now=now)
        return [Conflict(str(answer)) if isinstance(answer, LockHeld) else answer for answer in answers]

    def _advance(
        self, connection: Connection, moves: Sequence[Move], *, now: datetime
    ) -> list[Request | Conflict | LockHeld]:
        # The head and the rows of the requests are held from here on, so what is read now is so until the commit.
        head = Head(connection)
        present = _versions(connection, {number_of(move.before.id) for move in moves})
        decided = _decided(connection, moves)
        taken: dict[tuple[str | None, str | None], Request] = {}
        released: set[str] = set()
        answers: list[Request | Conflict | LockHeld] = []
        steps: list[_Step] = []
        for move in moves:
            before, number = move.before, number_of(move.before.id)
            if present.get(number) != (before.version, before.fence):
                answers.append(_conflict(before, present.get(number)))
                continue
            word = move.decision
            if word is not None and (number, word.person, word.seal) in decided:
                answers.append(AlreadyDecided(word.person, before))
                continue
            after = _successor(before, clean(move.after, now=now), now=now)
            if holds_lock(after) and not holds_lock(before):
                holder = taken.get(_target(after)) or _find_holder(connection, after)
                if holder is not None and holder.id not in released:
                    answers.append(LockHeld(holder))
                    continue
                taken[_target(after)] = after
                released.discard(before.id)
            elif holds_lock(before) and not holds_lock(after):
                released.add(before.id)
                taken.pop(_target(before), None)
            if word is not None:
                decided.add((number, word.person, word.seal))
            present[number] = (after.version, after.fence)
            steps.append(_Step(move, after, number))
            answers.append(after)
        if steps:
            _write(connection, head, steps, now=now)
        return answers

    def lease_due(self, poller: str, *, owner: str, now: datetime, until: datetime, limit: int) -> Sequence[Request]:
        """Claim operations of a poller that are due, most overdue first, each with the next fencing number."""
        values = {"by_poller": poller, "by_now": now, "by_limit": limit, "new_owner": owner, "new_until": until}
        with self._database.write() as connection:
            rows = connection.execute(self._lease, values).mappings().all()
        # Neither database promises an order for the rows that an UPDATE returns.
        return [to_request(row) for row in sorted(rows, key=lambda row: (row["next_poll_at"], row["number"]))]

    def _leasing(self) -> Any:
        due = (
            select(requests.c.number)
            .where(requests.c.poller == bindparam("by_poller"), _due(bindparam("by_now", type_=_TIME)))
            .order_by(requests.c.next_poll_at, requests.c.number)
            .limit(bindparam("by_limit", type_=Integer))
            .with_for_update(skip_locked=True)
            # PostgreSQL runs a WITH once; a subquery it may run once a row, and then claim more than the limit.
            .cte("due")
        )
        return (
            update(requests)
            .where(requests.c.number.in_(select(due.c.number)))
            .values(
                fence=requests.c.fence + 1,
                lease_owner=bindparam("new_owner"),
                lease_until=bindparam("new_until", type_=_TIME),
            )
            .returning(requests)
        )

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
        return self._select(states, late, order=requests.c.number, limit=limit)

    def expired(self, now: datetime, *, limit: int = 100) -> Sequence[Request]:
        """Requests that wait for people and whose time has passed."""
        states = requests.c.state.in_(_AWAITING)
        return self._select(states, requests.c.expires_at <= now, order=requests.c.number, limit=limit)

    def _select(self, *wanted: ColumnElement[bool], order: Any, limit: int) -> Sequence[Request]:
        query = select(requests).where(*wanted).order_by(order).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [to_request(row) for row in rows]


def _due(now: Any) -> ColumnElement[bool]:
    """Waits, is due, and is leased by nobody."""
    return and_(
        requests.c.state.in_(_POLLED),
        requests.c.next_poll_at <= now,
        or_(requests.c.lease_until.is_(None), requests.c.lease_until <= now),
    )


def _versions(connection: Connection, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
    ordered = sorted(numbers)
    found: dict[int, tuple[int, int]] = {}
    for start in range(0, len(ordered), _BATCH):
        rows = connection.execute(_present, {"numbers": ordered[start : start + _BATCH]})
        found |= {number: (version, fence) for number, version, fence in rows}
    return found


def _decided(connection: Connection, moves: Sequence[Move]) -> set[tuple[int, str, str]]:
    decided = set()
    for number in {number_of(move.before.id) for move in moves if move.decision is not None}:
        query = select(decisions.c.person, decisions.c.seal).where(decisions.c.request == number)
        decided |= {(number, person, seal) for person, seal in connection.execute(query)}
    return decided


def _target(request: Request) -> tuple[str | None, str | None]:
    return request.service, request.environment


def _find_holder(connection: Connection, request: Request) -> Request | None:
    place = {"at_service": request.service, "at_environment": request.environment}
    row = connection.execute(_holder, place).mappings().first()
    return None if row is None else to_request(row)


def _conflict(before: Request, present: tuple[int, int] | None) -> Conflict:
    if present is None:
        return Conflict(f"There is no request {before.id}.")
    version, fence = present
    if version == before.version:
        return Conflict(f"The lease on {before.id} was taken over (fence {fence}, not {before.fence}).")
    return Conflict(f"{before.id} has moved on since (version {version}, not {before.version}).")


def _successor(before: Request, after: Request, *, now: datetime) -> Request:
    leased = after.lease_owner is not None and after.lease_owner != before.lease_owner
    return after.model_copy(
        update={
            "id": before.id,
            "version": before.version + 1,
            "fence": max(after.fence, before.fence + leased),
            "updated_at": now,
        }
    )


def _write(connection: Connection, head: Head, steps: Sequence[_Step], *, now: datetime) -> None:
    connection.execute(_step, [_step_row(step) for step in steps])
    noted = [step for step in steps if is_noteworthy(step.move, step.after)]
    if noted:
        words = [moved(step.move, step.after, step.number) for step in noted]
        connection.execute(_add_transition, words)
    for step in steps:
        if (word := step.move.decision) is not None:
            given = clean_decision(word).model_dump()
            connection.execute(_add_decision, given | {"request": step.number})
        if (brought := step.move.deployment) is not None:
            kept = {name: getattr(brought, name) for name in _DEPLOYMENT_COLUMNS}
            connection.execute(_add_deployment, kept | {"snapshot": brought.model_dump_json()})
    head.append([told(step.move, step.after) for step in noted], now=now)


def _step_row(step: _Step) -> dict[str, Any]:
    before, after = step.move.before, step.after
    row: dict[str, Any] = {f"new_{name}": value for name, value in to_row(after).items()}
    return row | {
        "at_number": step.number,
        "at_version": before.version,
        "at_fence": before.fence,
        "keeps_lease": (after.lease_owner, after.lease_until) == (before.lease_owner, before.lease_until),
        "new_shown_version": None if looks_alike(before, after) else after.version,
    }
