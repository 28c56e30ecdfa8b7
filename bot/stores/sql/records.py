"""Requests as rows, and rows as requests; free text loses its secrets on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from pydantic_core import from_json
from sqlalchemy import RowMapping

from actions.core.plan import Change, Plan
from actions.core.redaction import redact
from actions.core.request import Decision, Request, State

# Fields of a request that are columns of their own; the others are in `snapshot`.
_COLUMNS = frozenset(
    {
        "version",
        "cause",
        "action",
        "service",
        "environment",
        "changes",
        "takes_lock",
        "state",
        "seal",
        "policy_version",
        "poller",
        "next_poll_at",
        "fence",
        "lease_owner",
        "lease_until",
        "expires_at",
        "created_at",
        "updated_at",
        "finished_at",
    }
)
_OUT_OF_SNAPSHOT = {"id", *_COLUMNS}
# What changes without a card looking any different.
_UNSEEN = ("version", "fence", "lease_owner", "lease_until", "next_poll_at", "handle", "updated_at")
# More would not fit the column.
_DIGITS = 18


def prose(text: str) -> str:
    """Free text as it may be stored: secrets masked, and no zero character, which PostgreSQL does not take."""
    return redact(text).replace("\0", "\ufffd")


def number_of(request_id: str) -> int:
    """The number in "R-12", however it is spelt; 0, which no request has, where there is none."""
    prefix, _, digits = request_id.strip().rpartition("-")
    known = prefix.upper() in {"R", ""} and digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS
    return int(digits) if known else 0


def id_of(number: int) -> str:
    """The id that people see."""
    return f"R-{number}"


def clean(request: Request, *, now: datetime) -> Request:
    """The request as it may be stored: secrets masked, no poll due unless it waits, no lease once it is settled."""
    changes: dict[str, Any] = {}
    for field in ("said", "message", "remedy", "outcome"):
        value: str = getattr(request, field)
        if value and (masked := prose(value)) != value:
            changes[field] = masked
    if request.decisions:
        changes["decisions"] = tuple(clean_decision(decision) for decision in request.decisions)
    if any(step.detail for step in request.steps):
        changes["steps"] = tuple(
            step.model_copy(update={"detail": prose(step.detail)}) if step.detail else step for step in request.steps
        )
    if any(verdict.message for verdict in request.verdicts):
        changes["verdicts"] = tuple(
            verdict.model_copy(update={"message": prose(verdict.message)}) for verdict in request.verdicts
        )
    if request.plan is not None:
        changes["plan"] = _clean_plan(request.plan)
    changes["parameters"] = {
        name: _without_secrets(value, sentences_only=True) for name, value in request.parameters.items()
    }
    if request.result is not None:
        changes["result"] = _without_secrets(request.result, sentences_only=False)
    return request.model_copy(update=changes | _coherent(request, now))


def _clean_plan(plan: Plan) -> Plan:
    # Not what is sealed: the target's state is facts and no prose, and altered it would be another plan.
    shown = tuple(
        Change(what=prose(change.what), before=prose(change.before), after=prose(change.after))
        for change in plan.changes
    )
    return plan.model_copy(update={"changes": shown, "warnings": tuple(map(prose, plan.warnings))})


def _coherent(request: Request, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {"finished_at": (request.finished_at or now) if request.state.is_final else None}
    if request.state is not State.WAITING:
        changes["next_poll_at"] = None
    if request.state.is_settled:
        changes |= {"lease_owner": None, "lease_until": None}
    return changes


def clean_decision(decision: Decision) -> Decision:
    """A decision whose reason holds no secret."""
    return decision.model_copy(update={"reason": prose(decision.reason)}) if decision.reason else decision


def _without_secrets(value: JsonValue, *, sentences_only: bool) -> JsonValue:
    # In parameters only sentences are masked: one word is a name or a version that the action has validated, and an altered
    # one would be another action than the one that was approved.
    match value:
        case str():
            return value if sentences_only and not any(map(str.isspace, value)) else prose(value)
        case list():
            return [_without_secrets(item, sentences_only=sentences_only) for item in value]
        case dict():
            return {key: _without_secrets(item, sentences_only=sentences_only) for key, item in value.items()}
        case _:
            return value


def holds_lock(request: Request) -> bool:
    """Whether this snapshot keeps others off its service and environment."""
    return bool(request.takes_lock and request.state.holds_lock and request.service and request.environment)


def looks_alike(before: Request, after: Request) -> bool:
    """Whether a card of the one looks like a card of the other."""
    return before.model_copy(update={name: getattr(after, name) for name in _UNSEEN}) == after


def to_row(request: Request) -> dict[str, Any]:
    """The columns of a request, less `number`, `shown_version` and `drawn_version`."""
    row: dict[str, Any] = {name: getattr(request, name) for name in _COLUMNS}
    row["state"] = request.state.value
    row["requester"] = request.requester.name
    row["surface"] = request.place.surface
    row["place_key"] = request.place.key
    row["holds_lock"] = holds_lock(request)
    row["snapshot"] = request.model_dump_json(exclude=_OUT_OF_SNAPSHOT)
    return row


def to_request(row: RowMapping | Mapping[str, Any]) -> Request:
    """The request of a row."""
    fields: dict[str, Any] = from_json(row["snapshot"])
    fields["id"] = id_of(row["number"])
    for name in _COLUMNS:
        fields[name] = row[name]
    return Request.model_validate(fields)
