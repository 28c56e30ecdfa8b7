"""Bounds on what one process takes on: the size of a body, and how many calls wait for the house."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.busy import Busy
from bot.web.errors import TooLarge, respond

P = ParamSpec("P")
T = TypeVar("T")

MAX_BODY = 1024 * 1024
"""The largest body, in bytes; the longest messages of Slack and the pipelines with the most jobs of GitLab come near it."""


class Threads:
    """Takes calls into the sync house to threads, so many at once and so many waiting.

    Args:
        at_once: how many run.
        waiting: how many may wait for a thread; more are turned away.
    """

    def __init__(self, *, at_once: int = 16, waiting: int = 200) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)
        self._waiting = waiting

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's answer, from a thread.

        Raises:
            Busy: too many wait already.
        """
        if self._limiter.statistics().tasks_waiting >= self._waiting:
            raise Busy
        return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs), limiter=self._limiter)


class BodyLimit:
    """ASGI middleware that refuses bodies beyond a size, by their announced or their real length.

    Args:
        app: what is behind it.
        limit: the size, in bytes.
        apart: paths where what is behind it has a limit of its own.
    """

    def __init__(self, app: ASGIApp, *, limit: int = MAX_BODY, apart: Collection[str] = ()) -> None:
        self._app = app
        self._limit = limit
        self._apart = apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on whose body is counted."""
        if scope["type"] != "http" or scope["path"] in self._apart:
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > self._limit:
            error = TooLarge(self._limit)
            await respond(413, error.message, error.remedy)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise TooLarge(self._limit)
            return message

        await self._app(scope, counted, send)
