"""Wakes those who wait for a request to change: one thread listens to the bus for all of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Self

from actions.core.errors import ShipmateError
from actions.core.ports.messaging import Change

_LOG = logging.getLogger(__name__)
_LISTEN = 0.5
"""How long the thread listens before it looks whether it should end, in seconds."""

Changes = Callable[[], AbstractContextManager[Callable[[float], Change | None]]]


class Watch:
    """Turns the bus's changes into events of this loop.

    Args:
        changes: the bus's listening.
        pause: how long to wait before listening again after the bus was lost, in seconds.
    """

    def __init__(self, changes: Changes, *, pause: float = 1.0) -> None:
        self._changes = changes
        self._pause = pause
        self._ending = threading.Event()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await asyncio.to_thread(self._thread.join)

    @property
    def closing(self) -> bool:
        """Whether nobody should begin to wait any more."""
        return self._ending.is_set()

    def close(self) -> None:
        """Wake everybody for good; called from the loop, before the server waits for open connections."""
        self._ending.set()
        self._wake_all()

    @contextmanager
    def on(self, request_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at the request's next change; look at the request after it is made, then wait."""
        event = asyncio.Event()
        self._waiting[request_id].add(event)
        try:
            yield event
        finally:
            self._waiting[request_id].discard(event)
            if not self._waiting[request_id]:
                del self._waiting[request_id]

    def _listen(self) -> None:
        while not self._ending.is_set():
            try:
                with self._changes() as listen:
                    self._post(self._wake_all)  # what changed while nobody listened
                    while not self._ending.is_set():
                        if change := listen(_LISTEN):
                            self._post(self._wake, change.request)
            except ShipmateError as error:
                _LOG.warning("the bus is gone, listening again in %s s: %s", self._pause, error)
                self._ending.wait(self._pause)
            except Exception:  # noqa: BLE001 - those who wait must not wait for ever because of a bug
                _LOG.exception("listening to the bus broke, listening again in %s s", self._pause)
                self._ending.wait(self._pause)

    def _post(self, call: Callable[..., None], *arguments: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _wake(self, request_id: str) -> None:
        for event in self._waiting.get(request_id, ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()
