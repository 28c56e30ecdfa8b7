"""More than it can handle at once, with retries, on a real Valkey: nothing is lost and nothing doubled."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.types import Message, Scope

from bot.stores.open import RedisStores, open_redis
from bot.stores.redis.embedded import start_embedded
from bot.stores.redis.putting import open_putting
from bot.surfaces.slack.door import HttpDoor, Store
from bot.testing.fakes import HandClock
from tests.bot.surfaces.slack.workspace import DANA, ME, message

pytestmark = pytest.mark.wheels

SECRET, NOW = "secret", 1_700_000_000.0
EVENTS, THREADS = 600, 40


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with closing(start_embedded(tmp_path)) as valkey:
        yield valkey.url


@pytest.fixture
def stores(redis_url: str) -> Iterator[RedisStores]:
    with closing(open_redis(redis_url)) as stores:
        yield stores


async def deliver(door: HttpDoor, body: bytes) -> int:
    """One request to the door; the status of its answer."""
    stamp = str(int(NOW))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body)
    headers = {
        "content-type": "application/json",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": str(signature),
    }
    scope: Scope = {"type": "http", "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    answered: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(sent: Message) -> None:
        answered.append(sent.get("status", 0))

    await door(scope, receive, send)
    return answered[0]


def test_nothing_is_lost_and_nothing_doubled(stores: RedisStores, redis_url: str) -> None:
    way_in = open_putting(redis_url)
    door = HttpDoor(Store(way_in, HandClock()), SECRET, now=lambda: NOW)
    bodies = [
        json.dumps(message(DANA, f"<@{ME}> help", f"17000{n:05}.000100", thread=f"1.{n % THREADS}")).encode()
        for n in range(EVENTS)
    ]
    again = bodies[::3]

    async def flood() -> Counter[int]:
        return Counter(await asyncio.gather(*(deliver(door, body) for body in (*bodies, *again))))

    with closing(way_in):
        assert asyncio.run(flood()) == {200: EVENTS + len(again)}
    handled: list[str] = []
    while len(handled) < EVENTS:
        for delivered in stores.inbox.take("test", wait=5):
            handled.append(delivered.key)
            stores.inbox.done(delivered, "test")
    assert len(set(handled)) == EVENTS
    assert not list(stores.inbox.take("test", wait=0.01))
