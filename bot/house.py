"""What the house is, and how it hangs together from given parts: the same for a process and for the test kit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from actions.core.catalog import Catalog
from actions.core.context import Tools
from actions.core.organization import Organization
from actions.core.ports.answers import Answers, Drafts, Found, Reads
from actions.core.ports.autonomy import Autonomy
from actions.core.ports.desk import Desk
from actions.core.ports.language import LanguageModel, Unavailable
from actions.core.ports.ledger import (
    AuditTrail,
    Deliveries,
    Deployments,
    Freezes,
    Grants,
    Installations,
    Ledger,
    Offers,
    Tokens,
)
from actions.core.ports.messaging import Bus, Inbox, Queue, Sessions
from actions.core.ports.opinions import Opinions
from actions.core.ports.playbooks import Playbooks
from actions.core.ports.surroundings import Clock, Ids
from actions.core.ports.usage import Uses
from actions.core.request import Request
from actions.gate.desk import GateDesk
from actions.gate.gate import Gate, Heartbeat
from actions.gate.reads import GateReads
from actions.second_reader import SecondReader
from bot.announcing import Announcing
from bot.aside import Aside
from bot.cards import Cards
from bot.conversation import Conversation
from bot.feedback import Feedback
from bot.playing import Playing
from bot.ports import Ports, once
from intents.meaning import Understanding
from playbooks.autonomy import EarnedAutonomy
from playbooks.loader import load as load_playbooks
from playbooks.playbook import Playbook

DRAWN = frozenset({"slack"})
"""The surfaces whose cards a listener draws."""


class Kept(Protocol):
    """What is kept for good; `bot.stores.open_sql` opens one."""

    def migrate(self) -> None:
        """Bring the database to the newest schema."""

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

    @property
    def installations(self) -> Installations:
        """Where Shipmate is installed."""

    @property
    def uses(self) -> Uses:
        """What language models were used for."""

    @property
    def opinions(self) -> Opinions:
        """What people thought of how they were understood."""

    def together(self) -> AbstractContextManager[None]:
        """Have what this thread reads within share one connection."""

    def ping(self) -> None:
        """Raise `Unreachable` where it does not answer."""

    def close(self) -> None:
        """Close every connection."""


class Passing(Protocol):
    """What passes through; `bot.stores.open_redis` opens one."""

    @property
    def drafts(self) -> Drafts:
        """What is being written of answers."""

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

    def tended(self) -> None:
        """Raise `Unreachable` where no worker listens to a queue."""

    def close(self) -> None:
        """Close every connection."""


class NoAnswers:
    """Stands where no language model is connected that could put answers into words."""

    def answer(self, request: Request, question: str, tell: Callable[[str], None]) -> Found | Unavailable:
        """No answer."""
        del request, question, tell
        return Unavailable(why="No language model is connected")


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
        playing: has playbooks act.
        clock: the time.
        ids: identifiers.
        aside: does beside the work what nobody waits for.
    """

    organization: Organization
    catalog: Catalog
    kept: Kept
    passing: Passing
    gate: Gate
    desk: GateDesk
    cards: Cards
    conversation: Conversation
    playing: Playing
    clock: Clock
    ids: Ids
    aside: Aside

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
    worker: Callable[[], str],
    heartbeat: Heartbeat = lambda _: nullcontext(),
    answers: Callable[[Reads], Answers] = lambda _: NoAnswers(),
    model: Callable[[], LanguageModel] | None = None,
    playbooks: Callable[[], Mapping[str, Playbook]] | None = None,
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
        worker: names this process, for leases.
        heartbeat: keeps a lease while work is done.
        answers: what builds the finder of answers in prose.
        model: what builds the language model that reads logs of which the rules are not sure; none reads none.
        playbooks: gives every playbook by name; the library's by default.
    """
    library = playbooks or once(load_playbooks)
    aside = Aside()
    inside: dict[type[Any], Callable[[], Any]] = {
        Catalog: lambda: catalog,
        Ledger: lambda: kept.ledger,
        Grants: lambda: kept.grants,
        Freezes: lambda: kept.freezes,
        Deployments: lambda: kept.deployments,
        AuditTrail: lambda: kept.audit,
        Autonomy: lambda: EarnedAutonomy(kept.ledger, library, organization.autonomy),
        Desk: lambda: desk,
        Reads: lambda: reads,
        Drafts: lambda: passing.drafts,
        Answers: lambda: answers(reads),
        Playbooks: lambda: playing,
        **({SecondReader: lambda: SecondReader(model())} if model else {}),
        Offers: lambda: kept.offers,
    }
    tools = Tools(organization, Ports({**outside, **inside}))
    gate = Gate(
        catalog=catalog,
        tools=tools,
        ledger=kept.ledger,
        grants=kept.grants,
        freezes=kept.freezes,
        queue=passing.queue,
        bus=Announcing(passing.bus, passing.inbox, DRAWN),
        clock=clock,
        worker=worker,
        heartbeat=heartbeat,
        aside=aside,
    )
    desk = GateDesk(gate)
    reads = GateReads(gate)
    playing = Playing(desk, library)
    cards = Cards(catalog, tools, desk, clock)
    feedback = Feedback(kept.opinions, passing.sessions, gate, clock)
    conversation = Conversation(gate, cards, understanding, passing.sessions, kept.offers, feedback)
    return House(organization, catalog, kept, passing, gate, desk, cards, conversation, playing, clock, ids, aside)
