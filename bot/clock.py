"""The clock process: has due operations polled, and sweeps what stands still. Any number may run at once."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from actions.core.errors import Unreachable
from actions.gate.gate import Gate
from actions.gate.sweep import poll_all_due, sweep
from bot.assembly import assemble
from bot.settings import Settings

log = logging.getLogger("shipmate.clock")

TICK = 0.25
"""Seconds between looks at what is due to be polled."""
SWEEP_EVERY = 4
"""Ticks between sweeps."""
OUTAGE_PAUSE = 2.0
"""Seconds to wait where the database does not answer."""


def run(settings: Settings) -> None:
    """Tick until told to end."""
    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    house = assemble(settings)
    try:
        tick_until(ending, house.gate)
    finally:
        house.close()


def tick_until(ending: threading.Event, gate: Gate) -> None:
    """Tick until the event is set; an outage is said once and waited for."""
    ticks, down = 0, False
    while not ending.wait(OUTAGE_PAUSE if down else TICK):
        try:
            poll_all_due(gate)
            if ticks % SWEEP_EVERY == 0:
                sweep(gate)
        except Unreachable as error:
            if not down:
                log.warning("the clock stands still: %s", error)
            down = True
        except Exception:
            log.exception("a tick failed")
        else:
            if down:
                log.warning("the clock goes on")
            down = False
        ticks += 1
