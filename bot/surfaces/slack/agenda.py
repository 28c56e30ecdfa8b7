"""Remembers what is to be done at a later time, such as drawing a card, and has it done then."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Condition, Thread
from typing import Generic, TypeVar

from actions.core.errors import Unreachable
from actions.core.ports.surroundings import Clock

log = logging.getLogger("shipmate.slack")

T = TypeVar("T")

_OUTAGE = timedelta(seconds=2)
_ROUND = 0.2
"""Seconds between two looks where nothing is known to be due sooner."""


class Agenda(Generic[T]):
    """What is to be done later; it is lost with the process.

    Args:
        clock: the time.
        due: does what has come due.
        name_of: tells one thing from another.
        newer: of two items under one name, the one that is kept.
    """

    def __init__(
        self,
        clock: Clock,
        due: Callable[[T], None],
        name_of: Callable[[T], str],
        newer: Callable[[T, T], T] = lambda _, new: new,
    ) -> None:
        self._clock = clock
        self._due = due
        self._name_of = name_of
        self._changed = Condition()
        self._newer = newer
        self._waiting: dict[str, tuple[datetime, T]] = {}
        self._ended = False
        self._thread: Thread | None = None

    def add(self, item: T, when: datetime) -> None:
        """Have something done at a time; of two times for one thing the sooner counts."""
        name = self._name_of(item)
        with self._changed:
            known = self._waiting.get(name)
            if known is not None:
                when, item = min(when, known[0]), self._newer(known[1], item)
            self._waiting[name] = (when, item)
            self._changed.notify()

    def holds(self, name: str) -> bool:
        """Whether something waits for its time."""
        return name in self._waiting

    def drop(self, name: str, when: Callable[[T], bool]) -> None:
        """Forget something that is done at once, where what waits is no more than that."""
        with self._changed:
            known = self._waiting.get(name)
            if known is not None and when(known[1]):
                del self._waiting[name]

    @property
    def waiting(self) -> int:
        """How many things wait for their time."""
        return len(self._waiting)

    def flush(self) -> None:
        """Do what is due."""
        now = self._clock.now()
        with self._changed:
            due = [(name, item) for name, (when, item) in self._waiting.items() if when <= now]
            for name, _ in due:
                del self._waiting[name]
        for name, item in due:
            try:
                self._due(item)
            except Unreachable as error:
                log.warning("%s waits: %s", name, error)
                self.add(item, now + _OUTAGE)
            except Exception:
                log.exception("%s could not be done", name)

    def start(self) -> None:
        """Do what is due from a thread of its own, until closed."""
        self._thread = Thread(target=self._run, name="slack-agenda", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self.flush()
            with self._changed:
                if not self._ended:
                    self._changed.wait(self._pause())

    def _pause(self) -> float | None:
        if not self._waiting:
            return None
        first = min(when for when, _ in self._waiting.values())
        return min(max((first - self._clock.now()).total_seconds(), 0.01), _ROUND)
