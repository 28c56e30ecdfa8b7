"""Slack: a read answered through a worker, against a Bolt app and an RQ worker of the same class that posts a constant."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import closing
from pathlib import Path

from bot.stores.redis.client import open_client
from bot.stores.redis.embedded import start_embedded
from tests.bench.constant import installed
from tests.bench.measure import title
from tests.bench.slack import server
from tests.bench.slack_answer import in_turn, told
from tests.bench.slack_api import process, settle, web_api

CONSTANT = "constant of svc-{n}"
"""A read that goes through the queue and whose own work is nothing, like the job of the other side."""


def run() -> None:
    """Both in turn, one event at a time."""
    title(
        "Slack: a read answered through a worker that does not fork, one at a time, in turn (SQLite: synchronous=FULL)"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as bare,
        closing(start_embedded(Path(folder))) as valkey,
        closing(start_embedded(Path(bare))) as another,
    ):
        asyncio.run(_compare(Path(folder), valkey.url, another.url))


async def _compare(folder: Path, redis_url: str, bare_url: str) -> None:
    store, bare = (int(open_client(url).info("server")["process_id"]) for url in (redis_url, bare_url))
    async with web_api() as api:
        known = settle(folder, redis_url, api.url, PYTHONPATH=installed(folder))
        with (
            server("enqueues", bare_url, api.url) as bolt,
            process({}, "-m", "tests.bench.slack_server", "works", "0", bare_url, api.url) as works,
            server("door", redis_url) as door,
            process(known, "-m", "bot", "listener") as listener,
            process(known, "-m", "bot", "worker") as worker,
        ):
            sides = {
                "bolt": (bolt.port, [bolt.pid, bare, works]),
                "ours": (door.port, [door.pid, store, listener, worker]),
            }
            taken, cost = await in_turn(api, CONSTANT, sides)
            told(taken, cost, "Event to answer", "≤ 2 x")
