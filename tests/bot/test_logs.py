"""Logs are JSON with the request's id, and secrets never reach them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from bot import logs
from bot.secret import Secret
from bot.settings import Settings

SECRET = "correct-horse-battery"
LOG = logging.getLogger("bot.test")


@pytest.fixture
def lines() -> Iterator[StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = StringIO()
    logs.configure(Settings(argocd_token=Secret(SECRET)), "worker", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_is_one_json_object_that_names_process_and_request(lines: StringIO) -> None:
    with logs.about("R-12"):
        LOG.info("synced %s", "checkout", extra={"took_ms": 12})
    LOG.info("idle")
    LOG.info("polling %s failed", "R-7")
    LOG.info("heard", extra={"request": "R-8"})
    first, second, *others = map(json.loads, lines.getvalue().splitlines())
    assert (first["message"], first["request"], first["process"], first["took_ms"]) == (
        "synced checkout",
        "R-12",
        "worker",
        12,
    )
    assert "request" not in second
    assert [other["request"] for other in others] == ["R-7", "R-8"]


def test_secrets_are_masked_in_messages_extras_and_stack_traces(lines: StringIO) -> None:
    try:
        int(SECRET)
    except ValueError:
        LOG.exception("with %s", SECRET, extra={"header": f"Bearer {SECRET}", "also": "glpat-0123456789abcdef"})
    assert SECRET not in lines.getvalue()
    assert "glpat-" not in lines.getvalue()
    assert "ValueError" in json.loads(lines.getvalue())["exception"]
