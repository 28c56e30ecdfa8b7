"""Tells who is listening that a request has changed; whoever was not listening finds it in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from actions.core.ports.messaging import Change
from bot.stores.redis.client import answering
from bot.stores.redis.line import ANSWER_SECONDS

_CHANNEL = "shipmate:changed"


class RedisBus:
    """Changes, by publish and subscribe.

    Args:
        client: an open Redis.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def changed(self, change: Change) -> None:
        """Announce a change."""
        with answering():
            self._client.publish(_CHANNEL, change.model_dump_json())

    @contextmanager
    def changes(self) -> Iterator[Callable[[float], Change | None]]:
        """Listen: a function that waits at most so many seconds for the next change.

        What is announced after this returns is heard. A lost connection raises `Unreachable`: listen anew, and look
        into the ledger for what was missed.
        """
        with answering(), self._client.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(_CHANNEL)
            subscription.get_message(timeout=ANSWER_SECONDS)

            def wait(seconds: float) -> Change | None:
                with answering():
                    message = subscription.get_message(ignore_subscribe_messages=True, timeout=seconds)
                return None if message is None else Change.model_validate_json(message["data"])

            yield wait
