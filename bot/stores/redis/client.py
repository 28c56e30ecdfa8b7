"""Opens Redis and turns its failures into words a person can act on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from actions.core.errors import ShipmateError
from actions.core.redaction import redact
from bot.stores.redis.line import ANSWER_SECONDS, CONNECT_SECONDS, Script, unanswered


class UnusableRedisUrl(ShipmateError):
    """The address names no Redis."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"{redact(found)!r} is not the address of a Redis.",
            remedy="Use redis://host:6379/0, rediss://… or unix:///path/to/socket.",
        )


@contextmanager
def answering() -> Iterator[None]:
    """Let no error of redis-py out; raises `Unreachable` in its place."""
    try:
        yield
    except redis.RedisError as error:
        raise unanswered(str(error)) from error


def open_client(url: str) -> redis.Redis:
    """A client for an address; nothing is connected yet.

    Its pool is bounded, and who finds it empty waits for a connection in place of failing.

    Raises:
        UnusableRedisUrl: it is no address of a Redis.
    """
    try:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=64,
            timeout=ANSWER_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            health_check_interval=30,
            # One more try, for a connection that died while it lay in the pool; every command here may run twice.
            retry=Retry(ExponentialBackoff(cap=0.1, base=0.02), 1),
            retry_on_error=[redis.ConnectionError],
        )
    except ValueError:
        raise UnusableRedisUrl(url) from None
    return redis.Redis(connection_pool=pool)


def scripted(client: redis.Redis, script: str) -> Script:
    """A script, run by a client."""
    registered = client.register_script(script)

    def run(*, keys: Sequence[str], args: Sequence[Any]) -> Any:
        with answering():
            return registered(keys=keys, args=args)

    return run
