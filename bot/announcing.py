"""Announces that requests changed: to the listeners' inbox where a card is to be drawn, and to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime

from actions.core.ports.messaging import Bus, Change, Inbox


class Announcing:
    """The bus of the gate.

    What has settled is drawn next, so that goes into the inbox from where it changed, and by no detour over whoever
    listens; what goes on is drawn at a pace that a listener sets.

    Args:
        bus: tells who listens.
        inbox: where what is to be drawn goes.
        surfaces: those whose cards are drawn through the inbox.
    """

    def __init__(self, bus: Bus, inbox: Inbox, surfaces: Collection[str]) -> None:
        self._bus = bus
        self._inbox = inbox
        self._surfaces = surfaces

    def changed(self, change: Change) -> None:
        """Announce a change."""
        # The first card of a request is drawn by who made it.
        if change.settled and change.version > 1 and change.surface in self._surfaces:
            have_drawn(self._inbox, change, str(change.version), at=change.at)
        self._bus.changed(change)

    def changes(self) -> AbstractContextManager[Callable[[float], Change | None]]:
        """Listen to changes."""
        return self._bus.changes()


_DRAW = ".draw"


def draws(kind: str) -> bool:
    """Whether a kind of delivery has a card drawn, which is nobody's where its surface is not connected."""
    return kind.endswith(_DRAW)


def have_drawn(inbox: Inbox, change: Change, what: str, *, at: datetime) -> None:
    """Have a card drawn in the order of its thread, once for what is to be seen on it.

    Args:
        inbox: the inbox.
        change: tells whose card it is, and where it stands.
        what: what is new, such as the version.
        at: the time.
    """
    inbox.put(
        key=f"{change.surface}/draw/{change.request}/{what}",
        order=change.order,
        kind=f"{change.surface}{_DRAW}",
        body={"request": change.request},
        at=at,
    )
