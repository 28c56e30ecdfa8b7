"""The web process: Slack's door at once, and everything else as soon as the house behind it is built, until SIGTERM.

Slack gives a process that starts no time: what it sends meanwhile is to be stored and acknowledged. So nothing is imported here
that the door does not need.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from bot.settings import Settings
from bot.surfaces.slack import entrance
from bot.web.building import Building
from bot.web.front import Front

if TYPE_CHECKING:
    from bot.web.site import Site

_LOG = logging.getLogger(__name__)
_GRACE = 8
"""How long open requests may take to be answered at the end, in seconds."""
_WORD = 300
"""After how many ticks, of a tenth of a second each, a house that is not built yet is worth a word in the log."""
_HALF_BUILT = 4
"""How long what is being built is waited for at the end, in seconds."""


def run(settings: Settings, *, listener: socket.socket | None = None, hand_out: Path | None = None) -> None:
    """Serve until told to end.

    Args:
        settings: where everything is.
        listener: a socket that listens already; one on the settings' host and port otherwise.
        hand_out: write everybody's tokens to this file, which only the sandbox does.

    Raises:
        NotConnected, UnusableRedisUrl: as `entrance.opened`.
        as `site.build`: the house cannot be built.
    """
    door = entrance.opened(settings)

    def build() -> Site:
        from bot.web import site  # noqa: PLC0415 - the house; imported in its thread

        return site.build(settings, door, hand_out=hand_out)

    serve(Front({entrance.PATH: door} if door else {}), build, settings, listener)


def serve(front: Front, build: Callable[[], Site], settings: Settings, listener: socket.socket | None = None) -> None:
    """Serve what stands in front, and have the rest built.

    Args:
        front: what stands at the socket.
        build: builds the rest; called in a thread.
        settings: host and port.
        listener: as `run`.

    Raises:
        what `build` raises.
    """
    config = uvicorn.Config(
        front,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        interface="asgi3",
        http="h11",
        loop="asyncio",
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=75,
    )
    try:
        _Server(config, front, Building(build, front)).run(sockets=[listener] if listener else None)
        if front.failure is not None:
            raise front.failure
    finally:
        if (site := front.site.now) is not None:
            site.house.close()


class _Server(uvicorn.Server):
    """Begins to build once it listens, ends where that fails, and lets nobody wait who would wait in vain."""

    def __init__(self, config: uvicorn.Config, front: Front, building: Building) -> None:
        super().__init__(config)
        self._front = front
        self._building = building
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._building.start()

    async def on_tick(self, counter: int) -> bool:
        if counter and counter % _WORD == 0 and self._front.site.now is None:
            _LOG.warning("the house is not built yet; what Slack sends is stored, and nothing else is answered")
        return await super().on_tick(counter) or self._front.failure is not None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._front.close)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._front.close()
        await super().shutdown(sockets)
        # What is half built, such as the database's newest schema, is finished rather than cut off.
        await asyncio.to_thread(self._building.join, _HALF_BUILT)
