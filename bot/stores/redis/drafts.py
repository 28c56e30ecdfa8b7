"""What is being written of answers, for as long as they are written."""

from __future__ import annotations

from datetime import timedelta

import redis

from actions.core.ports.messaging import Bus, Change
from actions.core.request import Request
from bot.stores.redis.client import answering

KEPT = timedelta(minutes=10)


class RedisDrafts:
    """Drafts of answers; each attempt at an answer has one of its own.

    Args:
        client: an open Redis.
        bus: wakes those who follow a request.
    """

    def __init__(self, client: redis.Redis, bus: Bus) -> None:
        self._client = client
        self._bus = bus

    def add(self, request: Request, words: str) -> None:
        """Add words, and wake those who follow the request."""
        key = _key(request)
        with answering(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.append(key, words.encode())
            pipeline.expire(key, KEPT)
            pipeline.execute()
        self._bus.changed(Change.of(request, words=True))

    def text(self, request: Request) -> str:
        """All that was written so far; empty where nothing is being written."""
        with answering():
            found = self._client.get(_key(request))
        return found.decode() if isinstance(found, bytes) else ""


def _key(request: Request) -> str:
    return f"shipmate:draft:{request.id}:{request.fence}"
