"""Brings on what stands still: expired waits, leases that lapsed, requests that no worker took up, lost answers.

It judges by the ledger alone, never by the queue's own books, so it may run on any number of machines at once: each step is
a compare-and-swap with one winner.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from actions.core.action import Action, Operation, Risk
from actions.core.errors import OutcomeUnknown, OutsideError, Unreachable
from actions.core.ports.ledger import Conflict, Move, RequestQuery
from actions.core.request import Request, State
from actions.gate.gate import ATTEMPTS, Gate, Outdated

log = logging.getLogger("shipmate.sweep")

LOOK_UP_AGAIN = timedelta(seconds=15)
STALE = timedelta(hours=1)
"""After which nobody expects any more that what was asked for, or approved, begins."""


def sweep(gate: Gate) -> int:
    """Bring on everything that stands still.

    Returns:
        How many requests were brought on.
    """
    now = gate.clock.now()
    steps = [(request, _expire) for request in gate.ledger.expired(now)]
    steps += [(request, _resume) for request in gate.ledger.lapsed(now)]
    lost = gate.ledger.find(RequestQuery(states=(State.UNKNOWN,), limit=100))
    steps += [(request, _look_up) for request in lost if request.updated_at + LOOK_UP_AGAIN <= now]
    count = 0
    for request, step in steps:
        try:
            step(gate, request)
        except Conflict:
            continue
        except Unreachable:
            raise
        except Exception:
            # One that cannot be brought on must not keep the others standing.
            log.exception("%s could not be brought on", request.id)
            continue
        count += 1
    return count


def poll_all_due(gate: Gate) -> None:
    """Have the workers poll every connector of which something is due."""
    for poller in gate.ledger.pollers_due(gate.clock.now()):
        gate.poll_soon(poller)


def _expire(gate: Gate, request: Request) -> None:
    what = "approved" if request.state is State.AWAITING_APPROVAL else "confirmed"
    _end(
        gate,
        request,
        State.EXPIRED,
        "expired",
        message=f"Nobody {what} it in time.",
        remedy="Ask again when somebody is there.",
    )


def _resume(gate: Gate, request: Request) -> None:
    try:
        action = gate.action_of(request)
    except Outdated as error:
        _outdated(gate, request, error)
        return
    if request.state is State.ACCEPTED and request.updated_at + STALE <= gate.clock.now():
        message = "No worker took it up for an hour, so it is no longer done; nothing was changed."
        _end(gate, request, State.EXPIRED, "expired", message=message, remedy="See that workers run, then ask again.")
    elif request.state is State.ACCEPTED and request.lease_owner is None:
        gate.dispatch(request)
    elif request.state is State.ACCEPTED or request.handle is None or action.policy.risk is Risk.READ:
        _again(gate, request)
    elif isinstance(action, Operation):
        _find(gate, request, action)
    else:
        _lost(gate, request, action)


def _again(gate: Gate, request: Request) -> None:
    """Nothing was asked of the outside, so it may be taken up again, a few times."""
    # Where it waited for approval, one more lease was taken to plan it for that.
    if request.fence >= ATTEMPTS + bool(request.seal):
        message = "It was begun again and again and broke off each time; nothing was changed."
        _end(gate, request, State.FAILED, "failed", message=message, remedy="The log says why; then ask again.")
        return
    update = {
        "state": State.ACCEPTED,
        "outcome": "",
        "message": "",
        "remedy": "",
        "handle": None,
        "lease_owner": None,
        "lease_until": None,
    }
    gate.dispatch(_advance(gate, request, request.model_copy(update=update), "a worker stopped in the midst of it"))


def _find(gate: Gate, request: Request, action: Operation[Any]) -> None:
    try:
        progress = action.find(gate.context(request))
    except OutcomeUnknown as error:
        _end(gate, request, State.FAILED, "not known", message=error.message, remedy=error.remedy)
    except OutsideError as error:
        message = f"A worker stopped in the midst of it, and {error.system} does not tell what became of it."
        update = {"state": State.UNKNOWN, "outcome": "not known", "message": message}
        # Asking in vain once more is no news, and the history does not keep it.
        note = "" if request.state is State.UNKNOWN else message
        _advance(gate, request, request.model_copy(update={**update, "lease_owner": None, "lease_until": None}), note)
    except Exception:
        log.exception("looking up %s failed", request.id)
        _end(
            gate,
            request,
            State.FAILED,
            "not known",
            message="Looking it up failed inside Shipmate.",
            remedy="The log has the details.",
        )
    else:
        if progress is None:
            _again(gate, request)
        else:
            gate.record(request, progress)


def _look_up(gate: Gate, request: Request) -> None:
    try:
        action = gate.action_of(request)
    except Outdated as error:
        _outdated(gate, request, error)
        return
    if isinstance(action, Operation):
        _find(gate, request, action)
    else:
        _lost(gate, request, action)


def _outdated(gate: Gate, request: Request, error: Outdated) -> None:
    if request.handle is None and request.state is not State.UNKNOWN:
        _end(gate, request, State.REFUSED, "refused", message=error.message, remedy=error.remedy)
        return
    message = f"It was begun, and what became of it cannot be looked up: {error.message}"
    _end(gate, request, State.FAILED, "not known", message=message, remedy="Look whether it happened.")


def _lost(gate: Gate, request: Request, action: Action[Any]) -> None:
    message = f"A worker stopped while it did {action.policy.name}; it is not known whether it happened."
    _end(
        gate,
        request,
        State.FAILED,
        "not known",
        message=message,
        remedy="Look whether it happened, then ask again if it did not.",
    )


def _end(gate: Gate, request: Request, state: State, outcome: str, *, message: str, remedy: str) -> None:
    update = {
        "state": state,
        "outcome": outcome,
        "message": message,
        "remedy": remedy,
        "lease_owner": None,
        "lease_until": None,
        "next_poll_at": None,
        "finished_at": gate.clock.now(),
    }
    _advance(gate, request, request.model_copy(update=update), outcome)


def _advance(gate: Gate, before: Request, after: Request, note: str) -> Request:
    advanced = gate.ledger.advance(Move(before=before, after=after, by="shipmate", note=note), now=gate.clock.now())
    gate.announce(advanced)
    return advanced
