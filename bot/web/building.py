"""Builds the house in a thread while the door serves already."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
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
        self._thread = Thread(target=self._run, name="building", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until it is done, at most so long."""
        self._thread.join(seconds)

    def _run(self) -> None:
        began = time.monotonic()
        try:
            with _others_first():
                site = self._build()
        except BaseException as error:  # noqa: BLE001 - whatever it is ends the process, in the main thread
            self._front.fail(error)
        else:
            self._front.site.come(site)
            _LOG.info("everything is served; building it took %.1f s", time.monotonic() - began)


@contextmanager
def _others_first() -> Iterator[None]:
    """Have other threads interrupt this one soon.

    The collector of cycles interrupts for nobody, and with all that is imported here it takes 60 to 100 ms at a time. What is
    built stays as long as the process lives, so it is kept from the collector for good, and later collections are short too.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
        sys.setswitchinterval(usual)
