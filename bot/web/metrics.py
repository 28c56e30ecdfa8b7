"""Figures of the web process in OpenMetrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actions.core.errors import ShipmateError
from bot.web.desk import Desk
from bot.web.limits import Threads

_LOG = logging.getLogger(__name__)


class Metrics:
    """The figures; each app has its own.

    Args:
        desk: knows what language models were used for.
        threads: where it is asked.
    """

    def __init__(self, desk: Desk, threads: Threads) -> None:
        self._threads = threads
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._taken = Histogram(
            "shipmate_http_request_seconds", "Time to answer an HTTP request.", labels, registry=self._registry
        )
        self._open = Gauge("shipmate_http_requests_open", "HTTP requests being answered.", registry=self._registry)
        self.accepted = Counter(
            "shipmate_http_asked", "What came in for the gate, by door.", ("door",), registry=self._registry
        )

        self._registry.register(_Models(desk))
        self._registry.register(_Playbooks(desk))

    async def page(self, _: Request) -> Response:
        """`GET /metrics`."""
        text = await self._threads.call(generate_latest, self._registry)
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


class _Models:
    """What language models were used for today, read when somebody looks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterable[Metric]:
        """The figures; none while the database is gone."""
        try:
            spent, used = self._desk.usage()
        except ShipmateError as error:
            _LOG.warning("what language models were used for cannot be told: %s", error)
            return
        yield GaugeMetricFamily(
            "shipmate_model_answers_today", "Answers of language models since midnight UTC.", value=spent.answers
        )
        tokens = GaugeMetricFamily("shipmate_model_tokens_today", "What they took, by kind of token.", labels=["kind"])
        for kind, count in spent.tokens.model_dump().items():
            tokens.add_metric([kind], count)
        yield tokens
        yield GaugeMetricFamily(
            "shipmate_model_cost_today", "What they cost, in the configured currency.", value=spent.cost / 1e6
        )
        if used is not None:
            yield GaugeMetricFamily(
                "shipmate_model_budget_used", "The share of today's budget for everybody that is used.", value=used
            )


class _Playbooks:
    """What playbooks have done, read from the ledger when somebody looks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterable[Metric]:
        """The figures; none while the database is gone."""
        try:
            records = self._desk.records()
        except ShipmateError as error:
            _LOG.warning("what playbooks have done cannot be told: %s", error)
            return
        attempts = GaugeMetricFamily(
            "shipmate_playbook_attempts", "Attempts at fixes that are remembered.", labels=["playbook", "outcome"]
        )
        green = GaugeMetricFamily(
            "shipmate_playbook_green_seconds", "Median time from a failure to green by a fix.", labels=["playbook"]
        )
        saved = GaugeMetricFamily(
            "shipmate_playbook_saved_seconds", "Time saved against the same failures' past.", labels=["playbook"]
        )
        for record in records:
            undecided = record.attempts - record.verified - record.failed
            for outcome, count in (("verified", record.verified), ("failed", record.failed), ("undecided", undecided)):
                attempts.add_metric([record.playbook, outcome], count)
            if record.seconds_to_green is not None:
                green.add_metric([record.playbook], record.seconds_to_green)
            saved.add_metric([record.playbook], record.seconds_saved)
        yield from (attempts, green, saved)
