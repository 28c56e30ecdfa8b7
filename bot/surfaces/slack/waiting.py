"""Shows somebody who waits that Shipmate is at it: in an assistant's thread by its status, elsewhere by a reaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Timer
from typing import Any

from bot.surfaces.slack.client import SlackFailed, Workspaces

log = logging.getLogger("shipmate.slack")

SOON = 0.7
"""Seconds of silence after which it is shown."""


@contextmanager
def at_it(workspaces: Workspaces, body: Mapping[str, Any], *, after: float = SOON) -> Iterator[None]:
    """Show that Shipmate is at it, from a moment after it began until it is done.

    Args:
        workspaces: where Slack is.
        body: what was said.
        after: seconds of silence before it is shown.
    """
    shown: list[tuple[str, dict[str, Any]]] = []
    status = {"channel_id": body["channel"], "thread_ts": body["thread"]}
    reaction = {"channel": body["channel"], "timestamp": body["ts"], "name": "eyes"}
    ways = [("reactions.add", reaction, "reactions.remove", reaction)]
    if body["direct"] and body["thread"]:
        method = "assistant.threads.setStatus"
        ways.insert(0, (method, {**status, "status": "is on it …"}, method, {**status, "status": ""}))

    def show() -> None:
        for method, arguments, ending, over in ways:
            try:
                workspaces.api(body["team"]).call(method, **arguments)
            except SlackFailed as error:
                log.info("it could not be shown that an answer is coming: %s", error)
            else:
                shown.append((ending, over))
                return

    timer = Timer(after, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for method, arguments in shown:
            try:
                workspaces.api(body["team"]).call(method, **arguments)
            except SlackFailed as error:
                log.info("that an answer is coming is still shown: %s", error)
