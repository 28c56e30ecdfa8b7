"""The only place that builds: what stands behind each port, and how the house hangs together.

`assemble` builds it from the settings for a process; `compose` puts given parts together, for that and for the test kit.
Nothing here connects before it is used, and nothing is used before a worker has forked.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from actions.core.catalog import Catalog
from actions.core.context import Tools
from actions.core.organization import Organization
from actions.core.ports.desk import Desk
from actions.core.ports.ledger import (
    AuditTrail,
    Deliveries,
    Deployments,
    Freezes,
    Grants,
    Ledger,
    Offers,
    Tokens,
)
from actions.core.ports.messaging import Bus, Inbox, Queue, Sessions
from actions.core.ports.surroundings import Clock, Ids
from actions.core.request import Request
from actions.gate.desk import GateDesk
from actions.gate.gate import Gate
from bot.cards import Cards
from bot.conversation import Conversation
from intents.meaning import Understanding


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time, with zone UTC."""
        return datetime.now(UTC)


class RandomIds:
    """Identifiers from the system's source of randomness."""

    def new(self) -> str:
        """A fresh identifier of 128 bits, safe in an address."""
        return secrets.token_urlsafe(16)


class Kept(Protocol):
    """What is kept for good; `bot.stores.open_sql` opens one."""

    @property
    def ledger(self) -> Ledger:
        """Requests."""

    @property
    def grants(self) -> Grants:
        """Roles given by people."""

    @property
    def freezes(self) -> Freezes:
        """The kill switch."""

    @property
    def deployments(self) -> Deployments:
        """What was brought where."""

    @property
    def audit(self) -> AuditTrail:
        """Who did what."""

    @property
    def offers(self) -> Offers:
        """What buttons hold."""

    @property
    def deliveries(self) -> Deliveries:
        """Which cards stand where."""

    @property
    def tokens(self) -> Tokens:
        """Personal tokens."""

    def ping(self) -> None:
        """Raise `Unreachable` where it does not answer."""

    def close(self) -> None:
        """Close every connection."""


class Passing(Protocol):
    """What passes through; `bot.stores.open_redis` opens one."""

    @property
    def sessions(self) -> Sessions:
        """The last turns of each thread."""

    @property
    def inbox(self) -> Inbox:
        """What doors took in."""

    @property
    def bus(self) -> Bus:
        """Tells who listens that a request changed."""

    @property
    def queue(self) -> Queue:
        """Jobs for the workers."""

    def ping(self) -> None:
        """Raise `Unreachable` where it does not answer."""

    def close(self) -> None:
        """Close every connection."""


class Ports(Mapping[type[Any], Any]):
    """Ports by type; what stands behind one is built when it is first used, once.

    Args:
        factories: port → what builds it. A factory may raise `NotConnected`, and is then asked again the next time.
    """

    def __init__(self, factories: Mapping[type[Any], Callable[[], Any]]) -> None:
        self._factories = dict(factories)
        self._built: dict[type[Any], Any] = {}
        self._lock = threading.RLock()

    def __getitem__(self, port: type[Any]) -> Any:
        with self._lock:
            if port not in self._built:
                self._built[port] = self._factories[port]()
            return self._built[port]

    def __iter__(self) -> Iterator[type[Any]]:
        return iter(self._factories)

    def __len__(self) -> int:
        return len(self._factories)

    def get(self, port: type[Any], default: Any = None) -> Any:
        """What stands behind a port; the default where nothing does."""
        return self[port] if port in self._factories else default


@dataclass(frozen=True)
class House:
    """Shipmate, put together.

    Attributes:
        organization: the configuration.
        catalog: every verb.
        kept: the SQL stores.
        passing: the Redis stores.
        gate: where every request goes.
        desk: what people do to requests.
        cards: draws cards.
        conversation: the two ways in for a person.
        clock: the time.
        ids: identifiers.
    """

    organization: Organization
    catalog: Catalog
    kept: Kept
    passing: Passing
    gate: Gate
    desk: GateDesk
    cards: Cards
    conversation: Conversation
    clock: Clock
    ids: Ids

    def close(self) -> None:
        """Close every connection."""
        self.kept.close()
        self.passing.close()


def compose(
    *,
    organization: Organization,
    catalog: Catalog,
    kept: Kept,
    passing: Passing,
    outside: Mapping[type[Any], Callable[[], Any]],
    understanding: Callable[[], Understanding],
    clock: Clock,
    ids: Ids,
    worker: str,
    heartbeat: Callable[[Request], AbstractContextManager[object]] = lambda _: nullcontext(),
) -> House:
    """Put the house together from its parts.

    Args:
        organization: the configuration.
        catalog: every verb.
        kept: the SQL stores.
        passing: the Redis stores.
        outside: port → what builds the connector behind it.
        understanding: what builds the reader of messages.
        clock: the time.
        ids: identifiers.
        worker: this process, as leases name it.
        heartbeat: keeps a lease while work is done.
    """
    inside: dict[type[Any], Callable[[], Any]] = {
        Catalog: lambda: catalog,
        Ledger: lambda: kept.ledger,
        Grants: lambda: kept.grants,
        Freezes: lambda: kept.freezes,
        Deployments: lambda: kept.deployments,
        AuditTrail: lambda: kept.audit,
        Desk: lambda: desk,
    }
    tools = Tools(organization, Ports({**outside, **inside}))
    gate = Gate(
        catalog=catalog,
        tools=tools,
        ledger=kept.ledger,
        grants=kept.grants,
        freezes=kept.freezes,
        queue=passing.queue,
        bus=passing.bus,
        clock=clock,
        worker=worker,
        heartbeat=heartbeat,
    )
    desk = GateDesk(gate)
    cards = Cards(catalog, tools, desk, clock)
    conversation = Conversation(gate, cards, understanding, passing.sessions, kept.offers)
    return House(organization, catalog, kept, passing, gate, desk, cards, conversation, clock, ids)
