"""Figures of the web process in OpenMetrics."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Metrics:
    """The figures; each app has its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._taken = Histogram(
            "shipmate_http_request_seconds", "Time to answer an HTTP request.", labels, registry=self._registry
        )
        self._open = Gauge("shipmate_http_requests_open", "HTTP requests being answered.", registry=self._registry)
        self.accepted = Counter(
            "shipmate_http_asked", "What came in for the gate, by door.", ("door",), registry=self._registry
        )

    async def page(self, _: Request) -> Response:
        """`GET /metrics`."""
        text = generate_latest(self._registry)  # type: ignore[no-untyped-call] # the library's stubs lack it
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Measure every request by its route, so that ids in paths make no new series."""

        async def measured(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status, began = "500", time.perf_counter()

            async def noted(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = str(message["status"])
                await send(message)

            self._open.inc()
            try:
                await app(scope, receive, noted)
            finally:
                self._open.dec()
                route = getattr(scope.get("route"), "path", "none")
                self._taken.labels(scope["method"], route, status).observe(time.perf_counter() - began)

        return measured
