"""Something that is not there yet: a thread makes it, requests wait for it."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import Generic, TypeVar

from bot.web.busy import Busy, Starting

T = TypeVar("T")

WAITING = 200
"""How many may wait; more are turned away."""


class Later(Generic[T]):
    """One thing that comes once, or never."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._come: list[T] = []
        self._over = False
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def now(self) -> T | None:
        """The thing; None as long as it is not there."""
        return self._come[0] if self._come else None

    def come(self, thing: T) -> None:
        """It is there; from any thread."""
        self._come.append(thing)
        self._wake()

    def never(self) -> None:
        """It will not come, and nobody is to wait for it any more; from any thread."""
        self._wake()

    async def get(self, *, within: float | None) -> T:
        """The thing, once it is there.

        Args:
            within: for how many seconds to wait; None for as long as it takes.

        Raises:
            Starting: it did not come in that time, or never will.
            Busy: too many wait for it already.
        """
        if not self._come and not self._over:
            await self._wait(within)
        if not self._come:
            raise Starting
        return self._come[0]

    async def _wait(self, seconds: float | None) -> None:
        if len(self._waiting) >= WAITING:
            raise Busy
        coming = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.add(coming)
            if self._over:
                coming.set_result(None)
        try:
            await asyncio.wait_for(coming, seconds)
        except TimeoutError:
            return
        finally:
            with self._lock:
                self._waiting.discard(coming)

    def _wake(self) -> None:
        with self._lock:
            self._over = True
            waiting = list(self._waiting)
        for coming in waiting:
            coming.get_loop().call_soon_threadsafe(_tell, coming)


def _tell(coming: asyncio.Future[None]) -> None:
    if not coming.done():
        coming.set_result(None)
