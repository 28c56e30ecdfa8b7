"""What a thread was about: its last ten turns, for a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import redis

from actions.core.ports.messaging import Turn
from actions.core.redaction import redact
from bot.stores.redis.client import answering

TURNS = 10
KEPT = timedelta(hours=24)


class RedisSessions:
    """The last turns of each thread.

    Args:
        client: an open Redis.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def turns(self, place_key: str) -> Sequence[Turn]:
        """The thread's turns, oldest first, at most ten."""
        with answering():
            return [Turn.model_validate_json(turn) for turn in self._client.lrange(_key(place_key), 0, -1)]

    def add(self, place_key: str, turn: Turn) -> None:
        """Remember a turn, without the secrets that were said in it."""
        turn = turn.model_copy(update={"say": redact(turn.say)})
        with answering(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.rpush(_key(place_key), turn.model_dump_json())
            pipeline.ltrim(_key(place_key), -TURNS, -1)
            pipeline.expire(_key(place_key), KEPT)
            pipeline.execute()


def _key(place_key: str) -> str:
    return f"shipmate:session:{place_key}"
