"""Stores deliveries from one thread: what comes together is handed over together, which halves what a delivery costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from bot.surfaces.slack.intake import Taken
from bot.web.busy import Busy

WAITING = 1000
"""How many deliveries may wait to be stored; more are not acknowledged, and Slack delivers them again."""
TOGETHER = 64

_Item = tuple[Taken, "asyncio.Future[None]"]


class Storing:
    """A thread that stores, begun with the first delivery.

    Args:
        store: stores one; what it raises is raised where it is waited for.
    """

    def __init__(self, store: Callable[[Taken], object]) -> None:
        self._store = store
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None

    async def put(self, found: Taken) -> None:
        """Return once a delivery is stored.

        Raises:
            Busy: too many wait.
            Unreachable: it could not be stored.
        """
        if self._queue.qsize() >= WAITING:
            raise Busy
        if self._thread is None:
            self._begin()
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put((found, stored))
        await stored

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="slack-storing", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            try:
                while len(batch) < TOGETHER:
                    batch.append(self._queue.get_nowait())
            except Empty:
                pass
            self._work(batch)

    def _work(self, batch: list[_Item]) -> None:
        done = [(stored, self._failure(found)) for found, stored in batch]
        try:
            batch[0][1].get_loop().call_soon_threadsafe(_tell, done)
        except RuntimeError:
            # The loop has ended, and nobody waits for the answer.
            return

    def _failure(self, found: Taken) -> BaseException | None:
        try:
            self._store(found)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            return error
        return None


def _tell(done: list[tuple[asyncio.Future[None], BaseException | None]]) -> None:
    for stored, failure in done:
        if stored.done():
            continue
        if failure is None:
            stored.set_result(None)
        else:
            stored.set_exception(failure)
