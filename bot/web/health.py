"""`/healthz` and `/readyz`: whether this process lives, and whether what it needs is there."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from actions.core.errors import ShipmateError
from bot.web.desk import Desk
from bot.web.limits import Threads

_LOG = logging.getLogger(__name__)


class Health:
    """The two pages."""

    def __init__(self, desk: Desk, threads: Threads) -> None:
        self._desk = desk
        self._threads = threads
        self._known: dict[str, str] = {}

    async def alive(self, _: Request) -> Response:
        """200 as long as the process answers at all."""
        return JSONResponse({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        """200 where everything needed is there, else 503 that names what is gone."""
        found = {name: await self._threads.call(self._told, name, check) for name, check in self._desk.checks().items()}
        ready = all(state == "ok" for state in found.values())
        return JSONResponse({"ready": ready, "checks": found}, status_code=200 if ready else 503)

    def _told(self, name: str, check: Callable[[], object]) -> str:
        """How a check stands; the log hears of it when that changes, since probes ask many times a minute."""
        try:
            check()
        except ShipmateError as error:
            # Anybody may ask. After the colon stand a driver's own words, which may name addresses and accounts.
            if self._known.get(name) != error.message:
                _LOG.warning("the check of %s failed: %s", name, error)
            self._known[name] = error.message
            return f"gone: {error.message.partition(': ')[0]}"
        except Exception:  # noqa: BLE001 - readiness must answer whatever breaks
            _LOG.exception("the check of %s broke", name)
            return "gone: see the log"
        if self._known.pop(name, None) is not None:
            _LOG.info("the check of %s passes again", name)
        return "ok"
