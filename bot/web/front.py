"""What stands at the socket: doors that need no house at once, everything else as soon as the house stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actions.core.errors import ShipmateError
from bot.web.busy import Busy, Starting
from bot.web.later import Later

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from bot.web.site import Site

PATIENCE = 10.0
"""Seconds for which a request that needs the house waits for it."""
RETRY_AFTER = 2
"""Seconds after which one that waited in vain may come again."""


class Front:
    """The ASGI application of the web process.

    Before the house stands it answers `/healthz` and `/readyz`, hands what is posted to a door to that door, and has the
    rest wait. From then on all goes to the house's application, which has the same doors.

    Attributes:
        site: what everything else is answered by, once it is built.
        failure: why it cannot be built; whoever serves ends with it.

    Args:
        doors: what answers what is posted to a path, from the start.
    """

    def __init__(self, doors: Mapping[str, ASGIApp]) -> None:
        self.site: Later[Site] = Later()
        self.failure: BaseException | None = None
        self._doors = doors
        self._standing: Later[Starlette] = Later()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on to who does."""
        application = self._standing.now
        if application is not None:
            await application(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._answer_early(scope, receive, send)

    def fail(self, error: BaseException) -> None:
        """It cannot be built; from any thread."""
        self.failure = error
        self.site.never()
        self._standing.never()

    def close(self) -> None:
        """Let nobody wait any longer; called from the loop, before the server waits for open connections."""
        self._standing.never()
        if (application := self._standing.now) is not None:
            application.state.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        told_to_end = asyncio.ensure_future(receive())
        built = asyncio.ensure_future(self.site.get(within=None))
        await asyncio.wait({told_to_end, built}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if not told_to_end.done() and built.exception() is None:
                await self._stand(built.result().application, told_to_end)
        except Exception as error:  # noqa: BLE001 - as what cannot be built
            self.fail(error)
        finally:
            built.cancel()
        await told_to_end
        await send({"type": "lifespan.shutdown.complete"})

    async def _stand(self, application: Starlette, told_to_end: asyncio.Future[Any]) -> None:
        async with application.router.lifespan_context(application):
            self._standing.come(application)
            await asyncio.wait({told_to_end})

    async def _answer_early(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["method"] == "POST" and path in self._doors:
            await self._doors[path](scope, receive, send)
        elif path == "/healthz":
            await _respond(send, 200, {"status": "alive"})
        elif path == "/readyz":
            await _respond(send, 503, {"ready": False, "checks": {"house": "it is being built"}})
        else:
            try:
                application = await self._standing.get(within=PATIENCE)
            except (Starting, Busy) as error:
                await _refuse(scope, send, error)
            else:
                await application(scope, receive, send)


async def _refuse(scope: Scope, send: Send, error: ShipmateError) -> None:
    accepts = dict(scope["headers"]).get(b"accept", b"")
    if b"text/html" in accepts:
        await _respond(send, 503, str(error))
    else:
        await _respond(send, 503, {"error": {"message": error.message, "remedy": error.remedy}})


async def _respond(send: Send, status: int, says: str | Mapping[str, Any]) -> None:
    body = (says if isinstance(says, str) else json.dumps(says)).encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8" if isinstance(says, str) else b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
