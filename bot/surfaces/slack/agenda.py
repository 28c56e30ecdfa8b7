"""Remembers which cards are to be drawn at a later time, and has them drawn then."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Condition, Thread

from actions.core.errors import Unreachable
from actions.core.ports.surroundings import Clock
from actions.core.request import Request

log = logging.getLogger("shipmate.slack")

_OUTAGE = timedelta(seconds=2)
_ROUND = 0.2
"""Seconds between two looks where nothing is known to be due sooner."""


class Agenda:
    """Cards to be drawn later; what is lost with the process, the sweep of cards that lag finds.

    Args:
        clock: the time.
        due: what to do with a request's card when its time has come.
    """

    def __init__(self, clock: Clock, due: Callable[[Request], None]) -> None:
        self._clock = clock
        self._due = due
        self._changed = Condition()
        self._waiting: dict[str, tuple[datetime, Request]] = {}
        self._ended = False
        self._thread: Thread | None = None

    def add(self, request: Request, when: datetime) -> None:
        """Have a card drawn at a time; of two times for one card the sooner counts."""
        with self._changed:
            known = self._waiting.get(request.id)
            if known is None or when < known[0]:
                self._waiting[request.id] = (when, request)
                self._changed.notify()

    def holds(self, request_id: str) -> bool:
        """Whether a card waits for its time."""
        return request_id in self._waiting

    def drop(self, request_id: str) -> None:
        """Forget a card: it is drawn at once."""
        with self._changed:
            self._waiting.pop(request_id, None)

    @property
    def waiting(self) -> int:
        """How many cards wait for their time."""
        return len(self._waiting)

    def flush(self) -> None:
        """Do what is due."""
        now = self._clock.now()
        with self._changed:
            due = [request for when, request in self._waiting.values() if when <= now]
            for request in due:
                del self._waiting[request.id]
        for request in due:
            try:
                self._due(request)
            except Unreachable as error:
                log.warning("the card of %s waits: %s", request.id, error)
                self.add(request, now + _OUTAGE)

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
