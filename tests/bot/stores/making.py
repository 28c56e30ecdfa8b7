"""Requests and drafts for the tests of the stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from actions.core.people import Requester
from actions.core.places import Place
from actions.core.ports.ledger import Draft, Move
from actions.core.request import Origin, Request, State
from bot.stores.open import SqlStores

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_causes = count()


def request(**fields: Any) -> Request:
    """A deployment that dana asked for in a thread."""
    given: dict[str, Any] = {
        "id": "",
        "action": "deploy",
        "parameters": {"service": "checkout", "version": "v1.4.2", "environment": "staging"},
        "requester": Requester(name="dana", roles=frozenset({"devops"})),
        "place": Place(surface="slack", channel="C1", thread="17.1"),
        "cause": f"slack/{next(_causes)}",
        "origin": Origin.GRAMMAR,
        "service": "checkout",
        "environment": "staging",
        "changes": True,
        "state": State.ACCEPTED,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Request(**(given | fields))


def accept(stores: SqlStores, *, now: datetime = NOW, **fields: Any) -> Request:
    """Record a new request."""
    made, new = stores.ledger.accept(Draft(request=request(**fields), by="dana"), now=now)
    assert new
    return made


def move(before: Request, *, by: str = "shipmate", **changes: Any) -> Move:
    """A step that changes some fields; what the ledger wants beside the snapshot is told by its name."""
    beside = {name: changes.pop(name) for name in ("note", "decision", "deployment") if name in changes}
    return Move(before=before, after=before.model_copy(update=changes), by=by, **beside)


def waiting(stores: SqlStores, *, due: datetime = NOW, **fields: Any) -> Request:
    """Record an operation that waits for its poll."""
    given: dict[str, Any] = {"state": State.WAITING, "poller": "argocd", "next_poll_at": due}
    return accept(stores, **(given | fields))
