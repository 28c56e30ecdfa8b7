"""What a request's history keeps: a transition, and a row of the audit chain, for each noteworthy step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actions.core.ports.ledger import Move
from actions.core.request import Request, State
from bot.stores.sql.chain import Event
from bot.stores.sql.records import prose

_NOTEWORTHY = ("state", "confirmed", "seal", "cancel_requested_by", "service", "environment")


def is_noteworthy(move: Move, after: Request) -> bool:
    """Whether a step belongs into the history: a heartbeat, progress and a poll that found nothing new do not."""
    changed = any(getattr(move.before, name) != getattr(after, name) for name in _NOTEWORTHY)
    # A note that only says again how things stood is no news.
    said = move.note and move.note != move.before.outcome
    return bool(changed or said or move.decision or move.deployment)


def began(request: Request, by: str, number: int) -> dict[str, Any]:
    """The first transition of a request, as a row."""
    return {
        "request": number,
        "version": request.version,
        "before": None,
        "after": request.state.value,
        "by": by,
        "note": "",
        "at": request.updated_at,
    }


def moved(move: Move, after: Request, number: int) -> dict[str, Any]:
    """The transition of a step, as a row."""
    return began(after, move.by, number) | {"before": move.before.state.value, "note": prose(move.note)}


def is_told_later(request: Request) -> bool:
    """Whether the audit trail tells of a request when it comes to something: of a read that a worker is about to do."""
    return not request.changes and request.state is State.ACCEPTED and request.version == 1


def accepted(request: Request, *, by: str) -> Event:
    """What the audit trail says of a new request."""
    detail = _state(request) | {
        "parameters": request.parameters,
        "origin": request.origin.value,
        "requester": request.requester.name,
    }
    if request.requester.on_behalf_of:
        detail["on_behalf_of"] = request.requester.on_behalf_of
    return _event(request, by, request.state.value, detail)


def told(move: Move, after: Request) -> list[Event]:
    """What the audit trail says of a step, and before it of the request where it has not been told of yet."""
    step = _step(move, after)
    if not is_told_later(move.before):
        return [step]
    asked = accepted(move.before, by=move.before.requester.name)
    return [replace(asked, at=move.before.created_at), step]


def _step(move: Move, after: Request) -> Event:
    detail = _state(after) | {"before": move.before.state.value}
    if move.note:
        detail["note"] = prose(move.note)
    if (word := move.decision) is not None:
        detail |= {"person": word.person, "seal": word.seal, "reason": prose(word.reason)}
    if (brought := move.deployment) is not None:
        detail["deployment"] = {"version": brought.version, "healthy": brought.healthy, "outcome": brought.outcome}
    return _event(after, move.by, _name(move, after), detail)


def _name(move: Move, after: Request) -> str:
    if move.decision is not None:
        return "approved" if move.decision.approved else "denied"
    if after.cancel_requested_by and after.cancel_requested_by != move.before.cancel_requested_by:
        return "cancel requested"
    return after.state.value if after.state is not move.before.state else "noted"


def _state(request: Request) -> dict[str, Any]:
    detail: dict[str, Any] = {"state": request.state.value, "version": request.version}
    if request.seal:
        detail["seal"] = request.seal
    if request.state.is_final:
        detail |= {"outcome": request.outcome, "message": request.message}
    refused = next((verdict for verdict in request.verdicts if not verdict.allowed), None)
    if refused is not None:
        detail["rule"] = f"{refused.guard}: {refused.rule}"
    return detail


def _event(request: Request, by: str, event: str, detail: dict[str, Any]) -> Event:
    return Event(
        actor=by,
        action=request.action,
        request=request.id,
        service=request.service,
        environment=request.environment,
        event=event,
        detail=detail,
    )
