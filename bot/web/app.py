"""Puts the web process's parts together as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from actions.core.errors import ShipmateError
from bot.web import errors
from bot.web.api import Api
from bot.web.desk import Desk
from bot.web.health import Health
from bot.web.limits import BodyLimit, Threads
from bot.web.metrics import Metrics
from bot.web.watch import Watch


def build(desk: Desk, *, version: str, routes: Sequence[BaseRoute] = (), doors: Collection[str] = ()) -> Starlette:
    """The application.

    Args:
        desk: the house.
        version: Shipmate's version.
        routes: what surfaces and hooks add.
        doors: those of their paths that bound what is sent to them themselves.
    """
    threads = Threads()
    metrics = Metrics(desk, threads)
    watch = Watch(desk.changes)
    health = Health(desk, threads)
    api = Api(desk, threads, watch, metrics, version=version)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with watch:
            yield

    app = Starlette(
        routes=[
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Route("/metrics", metrics.page),
            *api.routes(),
            *routes,
        ],
        middleware=[Middleware(metrics.middleware), Middleware(BodyLimit, apart=frozenset(doors))],
        exception_handlers={
            ShipmateError: errors.told,
            HTTPException: errors.http,
            Exception: errors.broken,
        },
        lifespan=lifespan,
    )
    app.state.close = watch.close
    return app
