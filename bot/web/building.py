"""Builds the house in a thread while the door serves already."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from bot.web.front import Front

if TYPE_CHECKING:
    from bot.web.site import Site

_LOG = logging.getLogger(__name__)

TURN = 0.0005
"""For how many seconds a thread runs before another one gets its turn: a tenth of the usual, so that the door answers quickly."""


class Building:
    """One house, built once.

    Args:
        build: builds it.
        front: where it is to stand, or that it cannot be built is to be known.
    """

    def __init__(self, build: Callable[[], Site], front: Front) -> None:
        self._build = build
        self._front = front
        self._done = Event()
        self._thread = Thread(target=self._run, name="building", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until it is built, or cannot be, at most so long."""
        self._done.wait(seconds)

    def _run(self) -> None:
        with _others_first():
            site = self._built()
            self._done.set()
            if site is not None:
                site.warm()

    def _built(self) -> Site | None:
        began = time.monotonic()
        try:
            with _uncollected():
                site = self._build()
        except BaseException as error:  # noqa: BLE001 - whatever it is ends the process, in the main thread
            self._front.fail(error)
            return None
        self._front.site.come(site)
        _LOG.info("everything is served; building it took %.1f s", time.monotonic() - began)
        return site


@contextmanager
def _others_first() -> Iterator[None]:
    """Have other threads get their turn soon."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep what is built from the collector of cycles, for good.

    With all that is imported here it takes 60 to 100 ms at a time, in which no thread gets a turn. What is built stays as long
    as the process lives, so later collections need not look through it either.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
