"""Records steps of requests: all of a batch in one transaction, those that conflict left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, Integer, bindparam, case, func, insert, select, update

from actions.core.ports.ledger import Conflict, LockHeld, Move
from actions.core.request import Request
from bot.stores.sql.chain import Head
from bot.stores.sql.history import is_noteworthy, moved, told
from bot.stores.sql.records import clean, clean_decision, holds_lock, looks_alike, number_of, to_request, to_row
from bot.stores.sql.schema import decisions, deployments, requests, transitions

TIME = requests.c.next_poll_at.type

_DEPLOYMENT_COLUMNS = ("request", "service", "environment", "version", "healthy", "finished_at")
_MOVING = {column.name for column in requests.c} - {
    *("number", "cause", "action", "requester", "surface", "place_key", "created_at"),
    *("lease_until", "shown_version", "drawn_version"),
}
# SQLite takes a bounded number of parameters in a statement.
_AT_ONCE = 500

_add_transition = insert(transitions)
_add_decision = insert(decisions)
_add_deployment = insert(deployments)
_present = (
    select(requests.c.number, requests.c.version, requests.c.fence)
    .where(requests.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(requests.c.number)
    .with_for_update()
)
_holder = select(requests).where(
    requests.c.service == bindparam("at_service"),
    requests.c.environment == bindparam("at_environment"),
    requests.c.holds_lock,
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
            # A heartbeat may have prolonged the lease since the snapshot was read, so a step of its holder that does
            # not prolong it leaves it as it is.
            requests.c.lease_until: case(
                (bindparam("keeps_lease", type_=Boolean), requests.c.lease_until),
                else_=bindparam("new_lease_until", type_=TIME),
            ),
            requests.c.shown_version: func.coalesce(
                bindparam("new_shown_version", type_=Integer), requests.c.shown_version
            ),
        }
    )
)

Lock = tuple[str, str]
"""The service and the environment that one operation has to itself."""


class AlreadyDecided(Conflict):
    """This person has given their word on this very plan before."""

    def __init__(self, person: str, request: Request) -> None:
        super().__init__(f"{person} has decided on {request.id} already.")


@dataclass(frozen=True)
class _Step:
    """A move that found the request as it expected it, and the snapshot to record."""

    move: Move
    after: Request
    number: int


def record(connection: Connection, moves: Sequence[Move], *, now: datetime) -> list[Request | Conflict | LockHeld]:
    """Record steps in a transaction; for each the next snapshot, or why it was left out."""
    batch = _Batch(connection, moves, now=now)
    answers: list[Request | Conflict | LockHeld] = []
    for move in moves:
        try:
            answers.append(batch.judge(move))
        except (Conflict, LockHeld) as refused:
            answers.append(refused)
    batch.write()
    return answers


def lock_of(request: Request) -> Lock | None:
    """The lock that this snapshot holds."""
    return (request.service or "", request.environment or "") if holds_lock(request) else None


def find_holder(connection: Connection, lock: Lock) -> Request | None:
    """The operation that holds a lock."""
    row = connection.execute(_holder, {"at_service": lock[0], "at_environment": lock[1]}).mappings().first()
    return None if row is None else to_request(row)


class _Batch:
    """Steps on their way into the ledger; each is judged as if those before it were written already.

    The chain's head and the rows of the requests are held from the start, so what is read is so until the commit.
    """

    def __init__(self, connection: Connection, moves: Sequence[Move], *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._head = Head(connection)
        self._present = self._versions(sorted({number_of(move.before.id) for move in moves}))
        self._decided = self._words({number_of(move.before.id) for move in moves if move.decision is not None})
        self._taken: dict[Lock, Request] = {}
        self._released: set[str] = set()
        self._steps: list[_Step] = []

    def judge(self, move: Move) -> Request:
        """Take a step up for writing; the snapshot that will stand. Raises `Conflict` and `LockHeld`."""
        before, number, word = move.before, number_of(move.before.id), move.decision
        self._check_version(before, self._present.get(number))
        if before.state.is_final and move.after.state is not before.state:
            raise Conflict(f"{before.id} is over ({before.state}).")
        if word is not None and (number, word.person, word.seal) in self._decided:
            raise AlreadyDecided(word.person, before)
        after = _successor(before, clean(move.after, now=self._now), now=self._now)
        self._pass_lock(before, after)
        if word is not None:
            self._decided.add((number, word.person, word.seal))
        self._present[number] = (after.version, after.fence)
        self._steps.append(_Step(move, after, number))
        return after

    def write(self) -> None:
        """Write what was taken up."""
        if not self._steps:
            return
        self._connection.execute(_step, [_to_values(step) for step in self._steps])
        noted = [step for step in self._steps if is_noteworthy(step.move, step.after)]
        if noted:
            self._connection.execute(_add_transition, [moved(step.move, step.after, step.number) for step in noted])
        for step in self._steps:
            if (word := step.move.decision) is not None:
                given = clean_decision(word).model_dump(exclude={"roles"})
                self._connection.execute(_add_decision, given | {"request": step.number})
            if (brought := step.move.deployment) is not None:
                kept = {name: getattr(brought, name) for name in _DEPLOYMENT_COLUMNS}
                self._connection.execute(_add_deployment, kept | {"snapshot": brought.model_dump_json()})
        self._head.append([event for step in noted for event in told(step.move, step.after)], now=self._now)

    def _check_version(self, before: Request, present: tuple[int, int] | None) -> None:
        if present is None:
            raise Conflict(f"There is no request {before.id}.")
        version, fence = present
        if version != before.version:
            raise Conflict(f"{before.id} has moved on since (version {version}, not {before.version}).")
        if fence != before.fence:
            raise Conflict(f"The lease on {before.id} was taken over (fence {fence}, not {before.fence}).")

    def _pass_lock(self, before: Request, after: Request) -> None:
        had, wants = lock_of(before), lock_of(after)
        if had == wants:
            return
        if wants is not None:
            holder = self._taken.get(wants) or find_holder(self._connection, wants)
            if holder is not None and holder.id not in self._released:
                raise LockHeld(holder)
        if had is not None:
            self._released.add(before.id)
            self._taken.pop(had, None)
        if wants is not None:
            self._released.discard(before.id)
            self._taken[wants] = after

    def _versions(self, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
        found: dict[int, tuple[int, int]] = {}
        for start in range(0, len(numbers), _AT_ONCE):
            rows = self._connection.execute(_present, {"numbers": numbers[start : start + _AT_ONCE]})
            found |= {number: (version, fence) for number, version, fence in rows}
        return found

    def _words(self, numbers: set[int]) -> set[tuple[int, str, str]]:
        found = set()
        for number in numbers:
            query = select(decisions.c.person, decisions.c.seal).where(decisions.c.request == number)
            found |= {(number, person, seal) for person, seal in self._connection.execute(query)}
        return found


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


def _to_values(step: _Step) -> dict[str, Any]:
    before, after = step.move.before, step.after
    values: dict[str, Any] = {f"new_{name}": value for name, value in to_row(after).items()}
    return values | {
        "at_number": step.number,
        "at_version": before.version,
        "at_fence": before.fence,
        "keeps_lease": _keeps_lease(before, after),
        "new_shown_version": None if looks_alike(before, after) else after.version,
    }


def _keeps_lease(before: Request, after: Request) -> bool:
    if after.lease_owner is None or after.lease_owner != before.lease_owner:
        return False
    return after.lease_until is None or (before.lease_until is not None and after.lease_until <= before.lease_until)
