"""Polls the operations that are due of a connector, in batches: one lease, one call outside, one transaction."""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from actions.core.action import OUTAGE_LIMIT, Ended, Ongoing, Operation, Progress, Running
from actions.core.context import Tools
from actions.core.errors import ShipmateError, Unreachable
from actions.core.kinds import format_duration
from actions.core.ports.ledger import LEASE, Conflict, Move
from actions.core.request import Request, State
from actions.gate.gate import Gate, Outdated
from actions.gate.progress import recorded

log = logging.getLogger("shipmate.polling")

BATCH = 200
ROUNDS = 8
"""How many batches one job polls before it makes room for others."""
OUTAGE_PAUSE = timedelta(seconds=10)
"""How long to leave a connector alone that did not answer."""

_SILENT_SINCE = "_silent_since"
"""The key of a handle that says since when a connector has not answered; any answer takes it away."""

Poll = Callable[[Sequence[Running], Tools], Sequence[Progress]]


def poll_due(gate: Gate, poller: str) -> int:
    """Poll what is due of a connector, until nothing is.

    Returns:
        How many polls were made.
    """
    count = 0
    for _ in range(ROUNDS):
        now = gate.clock.now()
        due = gate.ledger.lease_due(poller, owner=gate.worker(), now=now, until=now + LEASE, limit=BATCH)
        if not due:
            break
        count += len(due)
        with gate.heartbeat(due):
            _poll(gate, due)
    return count


def _poll(gate: Gate, due: Sequence[Request]) -> None:
    groups: dict[Any, list[tuple[Request, Operation[Any]]]] = defaultdict(list)
    moves: list[Move] = []
    for request in due:
        try:
            action = gate.action_of(request)
        except Outdated as error:
            moves.append(_given_up(gate, request, error.message))
            continue
        if not isinstance(action, Operation):
            moves.append(_given_up(gate, request, f"{request.action} is nothing that goes on by itself any more."))
        elif request.cancel_requested_by is not None:
            moves.append(_cancelled(gate, request, action))
        else:
            # Verbs that inherit one `poll` are polled together.
            groups[type(action).poll.__func__].append((request, action))  # type: ignore[attr-defined]
    for members in groups.values():
        moves += _polled(gate, members)
    answers = gate.ledger.advance_many(moves, now=gate.clock.now())
    for move, answer in zip(moves, answers, strict=True):
        if isinstance(answer, Conflict):
            log.info("an operation moved on while it was polled: %s", answer)
            _cancel_now(gate, move.before)
        elif _is_news(move):
            gate.announce(answer)


def _cancel_now(gate: Gate, polled: Request) -> None:
    """Begin the cancellation that was asked for while this worker polled: the lease is still its own."""
    found = gate.ledger.get(polled.id)
    if found is None or found.cancel_requested_by is None or found.state is not State.WAITING:
        return
    if (found.fence, found.lease_owner) != (polled.fence, gate.worker()):
        return
    action = gate.action_of(found)
    if isinstance(action, Operation):
        with contextlib.suppress(Conflict):
            gate.announce(gate.ledger.advance(_cancelled(gate, found, action), now=gate.clock.now()))


def _is_news(move: Move) -> bool:
    """Whether a card looks different after it; most polls find nothing new."""
    before, after = move.before, move.after
    return (
        before.state is not after.state
        or before.steps != after.steps
        or (before.message, before.outcome) != (after.message, after.outcome)
        or before.cancel_requested_by != after.cancel_requested_by
    )


def _running(gate: Gate, request: Request, action: Operation[Any]) -> Running:
    handle = {key: value for key, value in (request.handle or {}).items() if key != _SILENT_SINCE}
    return Running(request=request, action=action, handle=handle, now=gate.clock.now())


def _polled(gate: Gate, members: list[tuple[Request, Operation[Any]]]) -> list[Move]:
    batch = [_running(gate, request, action) for request, action in members]
    try:
        progress = type(members[0][1]).poll(batch, gate.tools)
        return [_move(gate, request, report) for (request, _), report in zip(members, progress, strict=True)]
    except Unreachable as error:
        log.warning("polling failed: %s", error)
        return [_later(gate, request, error.message) for request, _ in members]
    except Exception as error:
        log.exception("polling %s failed", ", ".join(request.id for request, _ in members[:10]))
        if len(members) == 1:
            return [_later(gate, members[0][0], _reason(error))]
        # One of them must not keep the others from being looked after.
        return [move for member in members for move in _polled(gate, [member])]


def _cancelled(gate: Gate, request: Request, action: Operation[Any]) -> Move:
    by = request.cancel_requested_by or "shipmate"
    try:
        move = _move(gate, request, progress := action.cancel(_running(gate, request, action), gate.tools))
    except Unreachable as error:
        return _later(gate, request, error.message)
    except Exception as error:
        # It will not be cancelled by asking again, so it is looked after as before.
        log.exception("cancelling %s failed", request.id)
        move = _later(gate, request, f"It could not be cancelled: {_reason(error)}")
        return move.model_copy(update={"after": move.after.model_copy(update={"cancel_requested_by": None})})
    if isinstance(progress, Ongoing):
        # Noted: the operation itself now knows that it is being undone.
        move = move.model_copy(update={"after": move.after.model_copy(update={"cancel_requested_by": None})})
    return move.model_copy(update={"by": by})


def _reason(error: Exception) -> str:
    """What a person is told of a failure."""
    if isinstance(error, ShipmateError):
        return error.message
    return "Looking after it failed inside Shipmate; it is tried again."


def _move(gate: Gate, request: Request, progress: Progress) -> Move:
    after, deployment = recorded(request, progress, gate.clock.now())
    return Move(before=request, after=after, by="shipmate", note=after.outcome, deployment=deployment)


def _later(gate: Gate, request: Request, message: str) -> Move:
    """The operation left as it is, with a word about why there is no news; given up after `OUTAGE_LIMIT` of that."""
    now = gate.clock.now()
    since = (request.handle or {}).get(_SILENT_SINCE) or now.isoformat()
    if now - datetime.fromisoformat(str(since)) >= OUTAGE_LIMIT:
        return _given_up(gate, request, f"{message} That has been so for {format_duration(OUTAGE_LIMIT)}.")
    update = {
        "state": State.WAITING,
        "handle": {**(request.handle or {}), _SILENT_SINCE: since},
        "next_poll_at": now + OUTAGE_PAUSE,
        "message": message,
        "lease_owner": None,
        "lease_until": None,
    }
    return Move(before=request, after=request.model_copy(update=update), by="shipmate")


def _given_up(gate: Gate, request: Request, why: str) -> Move:
    """The end of an operation that nothing here knows how to look after, so that it keeps nobody else off."""
    log.error("%s can no longer be looked after: %s", request.id, why)
    ended = Ended(
        state="failed",
        outcome="not known",
        message=f"It was begun, and can no longer be looked after: {why} How it went is not known.",
        remedy="Look at the outside system; what was begun there goes on by itself.",
        steps=request.steps,
    )
    return _move(gate, request, ended)
