"""The clock process: has due operations polled, and sweeps what stands still. Any number may run at once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from actions.core.errors import Unreachable
from actions.gate.gate import Gate
from actions.gate.sweep import poll_all_due, sweep
from bot.assembly import assemble
from bot.settings import Settings

log = logging.getLogger("shipmate.clock")

TICK = 0.25
"""Seconds between looks at what is due to be polled."""
SWEEP_EVERY = 1.0
"""Seconds between sweeps."""
PLAYBOOKS_EVERY = 5.0
"""Seconds between looks at what is due of playbooks."""
OUTAGE_PAUSE = 2.0
"""Seconds to wait where the database does not answer."""


def run(settings: Settings) -> None:
    """Tick until told to end.

    Raises:
        FaultyPlaybooks: a playbook cannot be used; every fault with its place.
    """
    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    house = assemble(settings)
    house.playing.names()
    playing = threading.Thread(
        target=_repeat, args=(ending, PLAYBOOKS_EVERY, "playbooks' clock", house.playing.tick), daemon=True
    )
    playing.start()
    try:
        tick_until(ending, house.gate)
    finally:
        playing.join()
        house.close()


def tick_until(ending: threading.Event, gate: Gate) -> None:
    """Tick until the event is set; an outage is said once and waited for.

    Sweeps ask the outside what became of lost answers. They have a thread of their own, so that an outside that is slow
    to say so holds no poll up.
    """
    sweeper = threading.Thread(target=_repeat, args=(ending, SWEEP_EVERY, "sweep", lambda: sweep(gate)), daemon=True)
    sweeper.start()
    try:
        _repeat(ending, TICK, "clock", lambda: poll_all_due(gate))
    finally:
        sweeper.join()


def _repeat(ending: threading.Event, pause: float, name: str, tick: Callable[[], object]) -> None:
    down = False
    while not ending.wait(OUTAGE_PAUSE if down else pause):
        try:
            tick()
        except Unreachable as error:
            if not down:
                log.warning("the %s stands still: %s", name, error)
            down = True
        except Exception:
            log.exception("a turn of the %s failed", name)
        else:
            if down:
                log.warning("the %s goes on", name)
            down = False
