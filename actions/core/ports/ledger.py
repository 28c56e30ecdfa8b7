"""Ports to what is kept for good: requests, grants, freezes, deployments, the audit chain, offers and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.deployment import Deployment
from actions.core.errors import ShipmateError
from actions.core.request import Decision, Request, State


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Conflict(ShipmateError):
    """Somebody else advanced the request first: the compare-and-swap found another version, lease or state."""


class LockHeld(ShipmateError):
    """Another operation is under way on the same service and environment.

    Args:
        holder: that operation.
    """

    def __init__(self, holder: Request) -> None:
        self.holder = holder
        super().__init__(
            f"{holder.service} in {holder.environment} is busy with {holder.id} ({holder.action}), "
            f"asked by {holder.requester.name} at {holder.created_at:%H:%M} UTC.",
            remedy=f"Wait for {holder.id}, or cancel it.",
        )


class Draft(_Record):
    """A request about to be recorded; the ledger gives it its id and its first version.

    Attributes:
        request: everything but the id, whose value here is ignored.
        by: who caused it.
    """

    request: Request
    by: str


class Move(_Record):
    """One step of a request, to be recorded if nobody else moved it since.

    Attributes:
        before: the snapshot the step starts from; its `version` must still be the ledger's.
        after: the snapshot to record; `version` and `updated_at` are the ledger's to set.
        by: who caused it: a person's name, `playbook:<name>`, or "shipmate".
        note: what the audit trail should say beyond the states.
        decision: a person's word, recorded in the same transaction, at most once a person and seal.
        deployment: a deployment that ended with it, recorded in the same transaction.
    """

    before: Request
    after: Request
    by: str
    note: str = ""
    decision: Decision | None = None
    deployment: Deployment | None = None


class RequestQuery(_Record):
    """Which requests are wanted; what is None does not narrow. Newest first.

    Attributes:
        changes: only requests that change something (`Request.changes`).
    """

    states: tuple[State, ...] | None = None
    actions: tuple[str, ...] | None = None
    service: str | None = None
    environment: str | None = None
    requester: str | None = None
    place_key: str | None = None
    since: datetime | None = None
    changes: bool | None = None
    limit: int = 50


class Ledger(Protocol):
    """Requests and their life: the truth about what was asked and what became of it.

    Every method raises `Unreachable` where the database does not answer.
    """

    def accept(self, draft: Draft, *, now: datetime) -> tuple[Request, bool]:
        """Record a request, once for its cause.

        Returns:
            The request and whether it is new; for a known cause the recorded one, unchanged.

        Raises:
            LockHeld: it takes the lock (`takes_lock`, and a state that holds it), and another operation is under way.
        """

    def get(self, request_id: str) -> Request | None:
        """The request as it stands."""

    def by_cause(self, cause: str) -> Request | None:
        """The request that this cause made."""

    def find(self, query: RequestQuery) -> Sequence[Request]:
        """The requests that match, newest first."""

    def count(self, query: RequestQuery) -> int:
        """How many requests match, counted up to the query's limit."""

    def advance(self, move: Move, *, now: datetime) -> Request:
        """Record a step: compare-and-swap on the version, the transition and its audit row in one transaction.

        Raises:
            Conflict: the request has moved on since `before`.
            LockHeld: `after` holds the lock and another operation is under way there.
        """

    def advance_many(self, moves: Sequence[Move], *, now: datetime) -> Sequence[Request | Conflict]:
        """Record many steps in one transaction; those that conflict are left out and answered as such."""

    def lease(self, request_id: str, *, owner: str, now: datetime, until: datetime) -> Request | None:
        """Claim an accepted request that nobody holds, with the next fencing number.

        Like every lease it changes nothing that a person could see: no version, no history.

        Returns:
            The request as it stands; None where it is not there to be taken up.
        """

    def lease_due(self, poller: str, *, owner: str, now: datetime, until: datetime, limit: int) -> Sequence[Request]:
        """Claim operations of a poller that wait and are due, most overdue first, each with the next fencing number."""

    def pollers_due(self, now: datetime) -> Sequence[str]:
        """The pollers that have something due."""

    def renew(self, request: Request, *, until: datetime) -> bool:
        """Prolong a lease; False where it is no longer held (its fencing number is not the present one)."""

    def lapsed(self, now: datetime, *, limit: int = 100) -> Sequence[Request]:
        """Requests that run or are accepted and whose lease, or whose time to be picked up, has passed."""

    def expired(self, now: datetime, *, limit: int = 100) -> Sequence[Request]:
        """Requests that wait for people and whose time has passed."""


class Grant(_Record):
    """A role given to a person for a time or for good."""

    id: int = 0
    person: str
    role: str
    until: datetime | None = None
    by: str
    request: str
    at: datetime


class Grants(Protocol):
    """Roles given by people, beside those of the configuration."""

    def give(self, grant: Grant) -> Grant:
        """Record a grant; a longer one in force for the same role stays beside it."""

    def take(self, person: str, role: str, *, now: datetime) -> int:
        """End every grant of this role to this person; how many were in force."""

    def of(self, person: str, *, now: datetime) -> Sequence[Grant]:
        """The grants in force."""


class Freeze(_Record):
    """What may not be changed, until when; what is None is not narrowed.

    Attributes:
        only: "playbooks" or "model": stops what machines, or a model's readings, ask for; people go on.
    """

    id: int = 0
    service: str | None = None
    environment: str | None = None
    verb: str | None = None
    person: str | None = None
    only: str | None = None
    reason: str = ""
    until: datetime | None = None
    by: str
    request: str
    at: datetime


class Freezes(Protocol):
    """The kill switch."""

    def set(self, freeze: Freeze) -> Freeze:
        """Record a freeze."""

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
        """End every freeze in force with exactly this scope; the ended ones. With no scope at all: every one."""

    def in_force(self, now: datetime) -> Sequence[Freeze]:
        """The freezes in force."""


class Deployments(Protocol):
    """What was brought where, and how it went."""

    def find(
        self,
        *,
        service: str | None = None,
        environment: str | None = None,
        since: datetime | None = None,
        limit: int = 20,
    ) -> Sequence[Deployment]:
        """Deployments, newest first."""

    def last_healthy(self, service: str, environment: str, *, other_than: str) -> Deployment | None:
        """The newest deployment there that proved healthy with another version than this one."""


class AuditEntry(_Record):
    """One row of the audit chain."""

    number: int
    at: datetime
    actor: str
    action: str
    request: str
    service: str | None
    environment: str | None
    event: str
    detail: dict[str, JsonValue]
    hash: str


class AuditTrail(Protocol):
    """Who did what; each row carries the hash of the one before."""

    def find(
        self,
        *,
        person: str | None = None,
        service: str | None = None,
        since: datetime | None = None,
        limit: int = 50,
    ) -> Sequence[AuditEntry]:
        """Entries, newest first."""

    def verify(self, *, newest: int | None = None) -> int | None:
        """The number of the first row whose hash does not follow from the one before; None where the chain holds.

        Args:
            newest: how many rows at the end to check; every row by default.
        """


class Offer(_Record):
    """An action behind a button: the button carries `id`, and nothing else of it."""

    id: str
    request: str | None
    action: str
    parameters: dict[str, JsonValue]
    place_key: str = ""
    created_at: datetime


class Offers(Protocol):
    """What buttons hold."""

    def offer(self, offer: Offer) -> str:
        """Keep an offer, once for the same request, action and parameters; the id of the one that stands."""

    def keep(self, some: Sequence[Offer]) -> Mapping[str, str]:
        """Keep offers in one step; where one stood already, its id by the id of the one that was not kept."""

    def of(self, request_id: str) -> Sequence[Offer]:
        """What the buttons of a request hold."""

    def get(self, offer_id: str) -> Offer | None:
        """The offer behind a button."""


class Delivery(_Record):
    """How far a card in a thread has been drawn."""

    request: str
    place_key: str
    surface: str
    reference: dict[str, Any]
    version: int
    failed: str = ""
    updated_at: datetime


class Deliveries(Protocol):
    """Which cards stand where, and at which version of their request."""

    def get(self, request_id: str, place_key: str) -> Delivery | None:
        """The delivery of a request's card to a thread."""

    def note(self, delivery: Delivery, *, holding: Sequence[Offer] = ()) -> bool:
        """Record how far a card has been drawn, and what its new buttons hold, in one step.

        An older version never overwrites a newer one.

        Returns:
            Whether everything was kept; where not, one of these buttons stood already, and the card is to be drawn again.
        """

    def failed(self, surface: str, *, since: datetime, limit: int = 100) -> Sequence[Delivery]:
        """Cards that could be delivered nowhere, the latest first."""

    def lagging(self, surface: str, *, limit: int = 100) -> Sequence[Request]:
        """Requests of a surface whose card is missing or older than the ledger."""


class Token(_Record):
    """A person's own token for the API; only its hash is kept."""

    id: str
    person: str
    label: str = ""
    created_at: datetime
    revoked_at: datetime | None = None


class Tokens(Protocol):
    """Personal tokens."""

    def add(self, token: Token, hashed: str) -> None:
        """Record a token by its hash."""

    def by_hash(self, hashed: str) -> Token | None:
        """The token of this hash, unless it was revoked."""

    def of(self, person: str | None = None) -> Sequence[Token]:
        """The tokens of a person, or of everybody."""

    def revoke(self, token_id: str, *, now: datetime) -> bool:
        """End a token; False where there is none in force."""


class Installation(_Record):
    """That Shipmate is installed in a workspace or tenant; its tokens are sealed.

    Attributes:
        surface: "slack".
        tenant: the workspace's id.
        sealed: what the surface needs to speak there, encrypted.
        installed_by: who installed it.
    """

    surface: str
    tenant: str
    sealed: str
    installed_by: str
    updated_at: datetime


class Installations(Protocol):
    """Where Shipmate is installed, where a surface serves several workspaces."""

    def keep(self, installation: Installation) -> None:
        """Record an installation, in place of the one that was known."""

    def renew(self, installation: Installation) -> None:
        """Record an installation's new tokens; nothing happens where it was removed."""

    def of(self, surface: str, tenant: str) -> Installation | None:
        """The installation in a workspace."""

    def all(self, surface: str) -> Sequence[Installation]:
        """Every installation."""

    def forget(self, surface: str, tenant: str, *, now: datetime) -> None:
        """Delete an installation with its tokens."""

    def claim_renewal(self, surface: str, tenant: str, *, now: datetime, until: datetime) -> bool:
        """Be the one process that renews its tokens, until a time; False where another one is at it."""


LEASE = timedelta(seconds=30)
"""How long a worker holds a request without a heartbeat."""
