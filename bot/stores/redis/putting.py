"""Puts deliveries into the inbox: what happened is remembered and the entry stored in one call, or neither is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.stores.redis.line import Line, Script, read

if TYPE_CHECKING:
    from pydantic import JsonValue

STREAMS = 16
REMEMBERED = timedelta(days=7)
"""How long what happened is known: longer than any sender tries again. Beyond it, and if Redis is lost, the unique cause
of a request still keeps anything from being done twice."""
REMEMBERED_AT_MOST = 50_000
"""How many keys a stream remembers, at some 100 bytes each: 80 MB in all at the very worst."""

PUT = """
if redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[1]) == 0 then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[4])
redis.call('XADD', KEYS[1], '*', 'key', ARGV[5], 'order', ARGV[6], 'kind', ARGV[7], 'body', ARGV[8], 'at', ARGV[9])
return 1
"""


class Putting:
    """The inbox as a door sees it.

    Args:
        script: runs `PUT`.
        close: closes the way there.
    """

    def __init__(self, script: Script, close: Callable[[], object] = lambda: None) -> None:
        self._script = script
        self.close = close

    def put(self, *, key: str, order: str, kind: str, body: Mapping[str, JsonValue], at: datetime) -> bool:
        """Store a delivery; False where what happened is known already.

        Raises:
            Unreachable: Redis does not answer.
        """
        stream = stream_of(order)
        arguments: list[Any] = [
            digest(key),
            at.timestamp(),
            (at - REMEMBERED).timestamp(),
            REMEMBERED_AT_MOST,
            key,
            order,
            kind,
            json.dumps(body),
            at.isoformat(),
        ]
        return bool(self._script(keys=[stream_key(stream), f"shipmate:inbox:{stream}:seen"], args=arguments))


def open_putting(url: str) -> Putting:
    """The way into the inbox at an address; nothing is connected until it is used.

    Raises:
        UnusableRedisUrl: it is no address of a Redis.
    """
    address = read(url)
    if address is not None:
        line = Line(address, PUT)
        return Putting(line, line.close)
    from bot.stores.redis.client import open_client, scripted  # noqa: PLC0415 - only addresses with options need redis-py

    client = open_client(url)
    return Putting(scripted(client, PUT), client.close)


def stream_of(order: str) -> int:
    """The stream of what must be handled in order."""
    return int.from_bytes(digest(order)[:8]) % STREAMS


def stream_key(stream: int | str) -> str:
    """The name of a stream."""
    return f"shipmate:inbox:{stream}"


def digest(text: str) -> bytes:
    """Sixteen bytes that stand for a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
