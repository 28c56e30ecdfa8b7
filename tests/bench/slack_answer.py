"""Slack: from an event to the first card that people see, against a Bolt app that replies with a constant."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from contextlib import closing
from pathlib import Path

from bot.stores.redis.client import open_client
from bot.stores.redis.embedded import start_embedded
from tests.bench.measure import line, quantile, title
from tests.bench.slack import server
from tests.bench.slack_api import CHANNELS, Api, cpu, process, settle, web_api

ONE_BY_ONE, RATE, SECONDS = 200, 50, 6
PAUSE = 0.02
"""Seconds between two events of those that come one at a time, so that nothing of the one before is still being done."""
DEPLOY = "deploy svc-{n} v1.4.2 to staging"
_SAID = "understanding, gate and SQLite ledger with synchronous=FULL included"


def run() -> None:
    """Both in turn, one event at a time; then ours at a steady rate."""
    title(f"Slack: event to first visible card, {ONE_BY_ONE} one at a time, in turn ({_SAID})")
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        asyncio.run(_compare(Path(folder), valkey.url))


async def _compare(folder: Path, redis_url: str) -> None:
    store = int(open_client(redis_url).info("server")["process_id"])
    async with web_api() as api:
        known = settle(folder, redis_url, api.url)
        with (
            server("replies", redis_url, api.url) as bolt,
            server("door", redis_url) as door,
            process(known, "-m", "bot", "listener") as listener,
        ):
            both = {"bolt": (bolt.port, [bolt.pid]), "ours": (door.port, [door.pid, store, listener])}
            taken, cost = await in_turn(api, DEPLOY, both)
            told(taken, cost, "Event to first card", "≤ 4 x")
            steady = await api.steadily(door.port, DEPLOY, rate=RATE, seconds=SECONDS)
            line(
                f"p99 at {RATE} events/s over {CHANNELS} channels", f"{quantile(steady, 0.99) * 1e3:.0f} ms", "< 250 ms"
            )


Sides = dict[str, tuple[int, list[int]]]
"""By name: where events go, and the processes that handle them."""


async def in_turn(api: Api, text: str, sides: Sides) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Events one at a time, one for each side in turn: how long each took, and the CPU of one; in seconds."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for port, _ in sides.values():
        await api.first(port, text)
        for _ in range(20):
            await api.answer(port, text)
    before = {name: cpu(pids) for name, (_, pids) in sides.items()}
    for _ in range(ONE_BY_ONE):
        for name, (port, _) in sides.items():
            await asyncio.sleep(PAUSE)
            taken[name].append(await api.answer(port, text))
    await asyncio.sleep(1)
    return taken, {name: (cpu(pids) - before[name]) / ONE_BY_ONE for name, (_, pids) in sides.items()}


def told(taken: dict[str, list[float]], cost: dict[str, float], name: str, target: str) -> None:
    """Print what the two sides took."""
    bolt, ours = statistics.median(taken["bolt"]), statistics.median(taken["ours"])
    line(name, f"{ours / bolt:.2f} x", f"{target}   ({ours * 1e3:.1f} against {bolt * 1e3:.1f} ms)")
    spent = f"{cost['ours'] * 1e3:.1f} against {cost['bolt'] * 1e3:.1f} ms"
    line("CPU an event, all of our processes and Valkey", f"{cost['ours'] / cost['bolt']:.2f} x", f"({spent})")
