"""Keeps leases up for as long as what they are for goes on: one thread renews them all, and ends where there are none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

log = logging.getLogger("shipmate.leases")

T = TypeVar("T")

_IDLE_ROUNDS = 60


class Keeper(Generic[T]):
    """Renews what is held from one thread: to start one for each piece of work costs more than a quick one does.

    Args:
        renew: renews what belongs together; what it raises is logged, and it is tried again.
        every: seconds between two renewals.
        name: of the thread.
    """

    def __init__(self, renew: Callable[[T], object], every: float, *, name: str) -> None:
        self._renew = renew
        self._every = every
        self._name = name
        self._lock = Lock()
        self._held: dict[int, T] = {}
        self._thread: Thread | None = None

    @contextmanager
    def keeping(self, held: T) -> Iterator[None]:
        """Keep something up until what is done within is over."""
        with self._lock:
            self._held[id(held)] = held
            if self._thread is None:
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._held[id(held)]

    def _run(self) -> None:
        pause, idle = Event(), 0
        while True:
            pause.wait(self._every)
            with self._lock:
                held = list(self._held.values())
                idle = 0 if held else idle + 1
                if idle > _IDLE_ROUNDS:
                    self._thread = None
                    return
            for each in held:
                try:
                    self._renew(each)
                except Exception:
                    log.exception("a lease could not be renewed; trying again")
