"""Shows somebody who waits that Shipmate is at it: in an assistant's thread by its status, elsewhere by a reaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Any

from bot.surfaces.slack.client import SlackFailed, Workspaces
from bot.surfaces.slack.posting import STATUS

log = logging.getLogger("shipmate.slack")

SOON = 0.7
"""Seconds of silence after which it is shown."""
_ROUND = 0.1
"""Seconds between two looks at who waits."""


class AtIt:
    """Shows it for whatever takes long, from one thread: one for each message would cost more than most messages do.

    Args:
        workspaces: where Slack is.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, workspaces: Workspaces, now: Callable[[], float] = time.monotonic) -> None:
        self._workspaces = workspaces
        self._now = now
        self._lock = Lock()
        self._under_way: set[_Shown] = set()
        self._ending = Event()
        self._thread: Thread | None = None

    @contextmanager
    def __call__(self, body: Mapping[str, Any]) -> Iterator[None]:
        """Show that Shipmate is at it, from a moment after it began until it is done.

        Args:
            body: what was said.
        """
        shown = _Shown(self._workspaces, body, self._now())
        with self._lock:
            self._under_way.add(shown)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(shown)
            shown.end()

    def look(self) -> None:
        """Show it where somebody has waited long enough."""
        now = self._now()
        with self._lock:
            long = [shown for shown in self._under_way if now - shown.since >= SOON]
        for shown in long:
            shown.show()

    def start(self) -> None:
        """Look all the time from a thread, until closed."""
        self._thread = Thread(target=self._run, name="slack-at-it", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_ROUND):
            self.look()


class _Shown:
    """What is shown of one message that is being answered."""

    def __init__(self, workspaces: Workspaces, body: Mapping[str, Any], since: float) -> None:
        self.since = since
        self._workspaces = workspaces
        self._body = body
        self._lock = Lock()
        self._tried = False
        self._over = False
        self._taken_back: tuple[str, dict[str, Any]] | None = None

    def show(self) -> None:
        """Show it, once, and not where it is over already."""
        with self._lock:
            if self._tried:
                return
            self._tried = True
        for method, arguments, ending, over in self._ways():
            try:
                self._call(method, arguments)
            except SlackFailed as error:
                log.info("it could not be shown that an answer is coming: %s", error)
                continue
            with self._lock:
                if not self._over:
                    self._taken_back = (ending, over)
                    return
            # The answer was there before: whoever gave it did not wait for this.
            self._take_back(ending, over)
            return

    def end(self) -> None:
        """It is over: what is shown is taken back."""
        with self._lock:
            self._tried = self._over = True
            shown = self._taken_back
        if shown is not None:
            self._take_back(*shown)

    def _take_back(self, method: str, arguments: dict[str, Any]) -> None:
        try:
            self._call(method, arguments)
        except SlackFailed as error:
            log.info("that an answer is coming is still shown: %s", error)

    def _call(self, method: str, arguments: dict[str, Any]) -> None:
        self._workspaces.api(self._body["team"]).call(method, **arguments)

    def _ways(self) -> Iterator[tuple[str, dict[str, Any], str, dict[str, Any]]]:
        """How it can be shown, and how that is taken back."""
        body = self._body
        if body["direct"] and body["thread"]:
            method, status = "assistant.threads.setStatus", {"channel_id": body["channel"], "thread_ts": body["thread"]}
            yield method, {**status, "status": STATUS}, method, {**status, "status": ""}
        reaction = {"channel": body["channel"], "timestamp": body["ts"], "name": "eyes"}
        yield "reactions.add", reaction, "reactions.remove", reaction
