"""Ports to what passes through: the queue, the bus, the inbox and sessions. Losing any of it breaks no promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.request import Request


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Queue(Protocol):
    """Jobs for the workers. A job carries only an id; what is lost is pushed again by a sweep."""

    def perform(self, queue: str, request_id: str, *, timeout: float) -> None:
        """Have a worker take up a request; asking twice is harmless."""

    def poll(self, poller: str) -> None:
        """Have a worker poll what is due of a connector; asking twice is harmless."""


class Change(_Message):
    """What is announced of a request that changed: as much as those who listen need to know to leave it alone.

    Attributes:
        request: its id.
        version: the version that it came to.
        surface: where it was asked for.
        order: the thread in which its card stands, whose cards are drawn in order.
        at: when it changed.
        settled: whether nothing more is about to happen to it by itself.
        words: whether no more changed than the words of an answer that is being written.
    """

    request: str
    version: int
    surface: str
    order: str
    at: datetime
    settled: bool
    words: bool = False

    @classmethod
    def of(cls, request: Request, *, words: bool = False) -> Self:
        """What is announced of a request."""
        place = request.place
        return cls(
            request=request.id,
            version=request.version,
            surface=place.surface,
            order=place.key,
            at=request.updated_at,
            settled=request.state.is_settled,
            words=words,
        )


class Bus(Protocol):
    """Tells who is listening that a request has changed."""

    def changed(self, change: Change) -> None:
        """Announce a change."""

    def changes(self) -> AbstractContextManager[Callable[[float], Change | None]]:
        """Listen: a function that waits at most so many seconds for the next change."""


class Delivered(_Message):
    """Something that a door took in, verified and stored.

    Attributes:
        id: the inbox's own id.
        key: what happened, for de-duplication.
        order: what must be handled in order; the thread.
        kind: which handler takes it, such as "slack.said" or "gitlab.pipeline".
        body: what the door stored of it.
        at: when it came.
    """

    id: str
    key: str
    order: str
    kind: str
    body: dict[str, JsonValue]
    at: datetime


class Inbox(Protocol):
    """What doors took in, in order within a thread, each stored before it is acknowledged and handled once."""

    def put(self, *, key: str, order: str, kind: str, body: dict[str, JsonValue], at: datetime) -> bool:
        """Store a delivery; False where what happened is known already."""

    def take(self, owner: str, *, wait: float, limit: int = 32) -> Iterator[Delivered]:
        """Deliveries of the streams that this owner leases, in order; takes over streams whose lease lapsed."""

    def done(self, delivered: Delivered, owner: str) -> None:
        """Strike a handled delivery off."""


class Turn(_Message):
    """One thing said in a thread and what came of it, redacted.

    Attributes:
        say: the words.
        by: who said them.
        action: the action that came of it; None where nothing was done.
        parameters: its parameters.
        request: the request it made.
        missing: what Shipmate asked back for.
    """

    say: str
    by: str = ""
    action: str | None = None
    parameters: dict[str, JsonValue] = {}
    request: str | None = None
    missing: tuple[str, ...] = ()


class Sessions(Protocol):
    """The last turns of each thread, for a day."""

    def turns(self, place_key: str) -> Sequence[Turn]:
        """The thread's turns, oldest first, at most ten."""

    def add(self, place_key: str, turn: Turn) -> None:
        """Remember a turn."""
