"""The listener process: handles what the doors put into the inbox, and keeps the cards of surfaces up to date.

Each surface that needs it brings a `Listening`: the kinds of delivery it handles, and how its cards are drawn.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Protocol

from actions.core.errors import Unreachable
from actions.core.ports.messaging import Change, Delivered
from bot.announcing import draws
from bot.assembly import assemble
from bot.house import House
from bot.settings import Settings

log = logging.getLogger("shipmate.listener")

WAIT = 1.0
"""Seconds that one look into the inbox, or at the bus, waits for something to come."""
HANDS = 8
"""How many deliveries one listener handles at once; a call that stalls outside holds up one of them, and its threads."""
OUTAGE_PAUSE = 2.0
"""Seconds to wait where Redis or the database does not answer."""


class Listening(Protocol):
    """What a surface does in the listener."""

    def handlers(self) -> Mapping[str, Callable[[Delivered], None]]:
        """Kind of delivery → what handles it; a handler that raises leaves the delivery in the inbox."""

    def draw(self, change: Change) -> None:
        """Bring the card of a request that changed up to date, if it is one of this surface's."""

    def redraw_lagging(self) -> None:
        """Draw again the cards that lag behind the ledger; called all the time, and at work only now and then."""

    def close(self) -> None:
        """End what was opened."""


def surfaces(house: House, settings: Settings) -> Iterable[Listening]:
    """The surfaces and hooks that are configured and need a listener.

    Raises:
        FaultyPlaybooks: events are taken in, and a playbook cannot be used; every fault with its place.
    """
    found: list[Listening] = []
    from bot.surfaces.slack import entrance  # noqa: PLC0415 - only a listener pays for it
    from bot.surfaces.slack import surface as slack  # noqa: PLC0415 - as above

    if entrance.is_configured(settings):
        found.append(slack.listening(house, settings))
    if settings.gitlab_webhook_token is not None:
        from bot.hooks.events import Events  # noqa: PLC0415 - as above

        house.playing.names()
        found.append(Events(house))
    return found


def run(settings: Settings) -> None:
    """Listen until told to end."""
    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    house = assemble(settings)
    listening = list(surfaces(house, settings))
    drawer = threading.Thread(target=draw_until, args=(ending, house, listening), name="cards", daemon=True)
    drawer.start()
    me = f"{socket.gethostname()}:{os.getpid()}"
    # Handling waits for the outside, so several threads' deliveries are handled at once; each thread's stay in order.
    hands = [
        threading.Thread(target=handle_until, args=(ending, house, listening, f"{me}:{number}"), name=f"hand-{number}")
        for number in range(HANDS)
    ]
    for hand in hands:
        hand.start()
    try:
        ending.wait()
    finally:
        ending.set()
        for thread in (*hands, drawer):
            thread.join()
        for surface in listening:
            surface.close()
        house.close()


def handle_until(ending: threading.Event, house: House, listening: Iterable[Listening], owner: str) -> None:
    """Handle deliveries in order within a thread, as one owner of streams, until the event is set."""
    handlers = {kind: handle for surface in listening for kind, handle in surface.handlers().items()}
    inbox = house.passing.inbox
    while not ending.is_set():
        try:
            left = False
            for delivered in inbox.take(owner, wait=WAIT):
                if _handle(house, handlers, delivered):
                    inbox.done(delivered, owner)
                else:
                    left = True
                if ending.is_set():
                    return
            if left:
                # What was left in the inbox would be given again at once.
                ending.wait(OUTAGE_PAUSE)
        except Unreachable as error:
            log.warning("the listener waits: %s", error)
            ending.wait(OUTAGE_PAUSE)
        except Exception:
            log.exception("taking from the inbox failed")
            ending.wait(OUTAGE_PAUSE)


def _handle(house: House, handlers: Mapping[str, Callable[[Delivered], None]], delivered: Delivered) -> bool:
    handler = handlers.get(delivered.kind)
    if handler is None:
        level = logging.DEBUG if draws(delivered.kind) else logging.ERROR
        log.log(level, "nothing handles a delivery of the kind %s; it is dropped", delivered.kind)
        return True
    try:
        with house.kept.together(), house.aside.open():
            handler(delivered)
    except Unreachable as error:
        log.warning("handling %s waits: %s", delivered.id, error)
        return False
    except Exception:
        # It would fail again, and what waits behind it in its thread must go on.
        log.exception("handling %s of the kind %s failed", delivered.id, delivered.kind)
    return True


def draw_until(ending: threading.Event, house: House, listening: Iterable[Listening]) -> None:
    """Draw cards as requests change, and those that lag, until the event is set."""
    surfaces_ = list(listening)
    while not ending.is_set():
        try:
            for surface in surfaces_:
                surface.redraw_lagging()
            with house.passing.bus.changes() as following:
                _follow(ending, surfaces_, following)
        except Unreachable as error:
            log.warning("cards wait: %s", error)
            ending.wait(OUTAGE_PAUSE)
        except Exception:
            log.exception("drawing cards failed")
            ending.wait(OUTAGE_PAUSE)


def _follow(
    ending: threading.Event, listening: Iterable[Listening], following: Callable[[float], Change | None]
) -> None:
    while not ending.is_set():
        change = following(WAIT / 2)
        for surface in listening:
            if change is not None:
                surface.draw(change)
            surface.redraw_lagging()
