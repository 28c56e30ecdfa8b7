"""Slack: more events than can be answered, three in ten of them delivered again: none is lost, none answered twice."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from bot.stores.redis.embedded import start_embedded
from tests.bench.measure import line, title
from tests.bench.slack import post, request, server, stamp_of
from tests.bench.slack_api import CHANNELS, PEOPLE, SERVICES, process, settle, web_api
from tests.bench.slack_server import ME

EVENTS, AGAIN, CONNECTIONS = 1_500, 0.3, 8
LONGEST = 300.0
"""Seconds until whatever is not answered counts as lost."""


def run() -> None:
    """Everything at once; then count."""
    title(f"Slack: {EVENTS} events as fast as they go, {AGAIN:.0%} of them delivered again, shuffled")
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        asyncio.run(_overload(Path(folder), valkey.url))


async def _overload(folder: Path, redis_url: str) -> None:
    async with web_api() as api:
        known = settle(folder, redis_url, api.url)
        with server("door", redis_url) as door, process(known, "-m", "bot", "listener"):
            await api.first(door.port, "deploy svc-{n} v1.4.2 to staging")
            api.posted.clear()
            chance = random.Random(7)  # noqa: S311 - the same disorder each time
            numbers = [n for n in range(10_000, 10_000 + EVENTS) for _ in range(1 + (chance.random() < AGAIN))]
            chance.shuffle(numbers)
            begun = time.perf_counter()
            await asyncio.gather(*(_flood(door.port, numbers[lane::CONNECTIONS]) for lane in range(CONNECTIONS)))
            taken_in = time.perf_counter() - begun
            with suppress(TimeoutError):
                await asyncio.wait_for(api.threads(EVENTS), LONGEST)
            taken = time.perf_counter() - begun
            # Whatever would be answered twice is on its way by now.
            await asyncio.sleep(3)
    line("taken in", f"{len(numbers) / taken_in:.0f} a second", f"({len(numbers)} deliveries of {EVENTS} events)")
    line("answered", f"{EVENTS / taken:.0f} a second")
    cards = [api.posted[stamp_of(number)] for number in set(numbers)]
    line("lost", str(cards.count(0)), "0")
    line("doubled", str(sum(posted > 1 for posted in cards)), "0")


async def _flood(port: int, numbers: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        text = f"<@{ME}> deploy svc-{number % SERVICES} v1.4.2 to staging"
        user, channel = f"U{number % PEOPLE:06}", f"C{number % CHANNELS:06}"
        await post(reader, writer, request(number, text=text, user=user, channel=channel))
    writer.close()
