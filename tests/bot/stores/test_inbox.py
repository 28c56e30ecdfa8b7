"""Deliveries come once, in order within a thread, and outlive the listener that held them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis

from actions.core.ports.messaging import Delivered
from bot.stores.redis.inbox import RedisInbox
from bot.stores.redis.putting import REMEMBERED, STREAMS, stream_of
from tests.bot.stores.making import NOW

SHORT = timedelta(milliseconds=800)


def put(inbox: RedisInbox, key: str, *, order: str = "thread", **fields: Any) -> bool:
    return inbox.put(**{"key": key, "order": order, "kind": "slack.said", "body": {"text": key}, "at": NOW, **fields})


def keys(deliveries: Iterator[Delivered]) -> list[str]:
    return [delivered.key for delivered in deliveries]


def handle(inbox: RedisInbox, owner: str, *, limit: int = 32) -> list[str]:
    """Take what there is and strike it off; the keys, in order."""
    handled = []
    for delivered in inbox.take(owner, wait=0.01, limit=limit):
        handled.append(delivered.key)
        inbox.done(delivered, owner)
    return handled


def lapse(client: redis.Redis) -> None:
    """What the passing of time does to the leases of a listener that died, and to its place among the listeners."""
    client.delete("shipmate:inbox:listeners", *(f"shipmate:inbox:{stream}:lease" for stream in range(STREAMS)))


@pytest.fixture
def inbox(client: redis.Redis) -> RedisInbox:
    return RedisInbox(client)


def test_what_is_put_is_taken_as_it_was(inbox: RedisInbox) -> None:
    body = {"text": "deploy größe", "none": None, "list": [1]}
    assert put(inbox, "e1", body=body)
    (taken,) = inbox.take("w1", wait=0.01)
    given = (taken.key, taken.order, taken.kind, taken.body, taken.at)
    assert given == ("e1", "thread", "slack.said", body, NOW)


def test_what_happened_is_stored_once(inbox: RedisInbox) -> None:
    assert put(inbox, "e1")
    assert not put(inbox, "e1")
    (taken,) = inbox.take("w1", wait=0.01)
    inbox.done(taken, "w1")
    assert not put(inbox, "e1")
    assert keys(inbox.take("w1", wait=0.01)) == []


def test_what_happened_is_forgotten_after_a_week(inbox: RedisInbox, client: redis.Redis) -> None:
    put(inbox, "e1")
    put(inbox, "e2", at=NOW + REMEMBERED + timedelta(seconds=1))
    assert client.zcard(f"shipmate:inbox:{stream_of('thread')}:seen") == 1
    assert put(inbox, "e1", at=NOW + REMEMBERED + timedelta(seconds=1))


def test_a_thread_is_given_in_order_until_it_is_struck_off(inbox: RedisInbox) -> None:
    for key in ("e1", "e2", "e3"):
        put(inbox, key)
    assert handle(inbox, "w1", limit=2) == ["e1", "e2"]
    assert handle(inbox, "w1") == ["e3"]
    assert handle(inbox, "w1") == []


def test_what_is_not_struck_off_holds_its_thread_back_and_is_given_again(inbox: RedisInbox) -> None:
    other = next(f"other {number}" for number in range(99) if stream_of(f"other {number}") != stream_of("thread"))
    put(inbox, "e1")
    put(inbox, "e2")
    put(inbox, "e3", order=other)
    assert set(keys(inbox.take("w1", wait=0.01))) == {"e1", "e3"}
    assert sorted(handle(inbox, "w1")) == ["e1", "e2", "e3"]


def test_every_thread_is_served(inbox: RedisInbox) -> None:
    for number in range(100):
        put(inbox, f"e{number}", order=f"thread {number}")
    assert len({stream_of(f"thread {number}") for number in range(100)}) == STREAMS
    assert set(handle(inbox, "w1", limit=200)) == {f"e{number}" for number in range(100)}


def test_a_stream_has_one_listener(inbox: RedisInbox) -> None:
    put(inbox, "e1")
    assert keys(inbox.take("w1", wait=0.01)) == ["e1"]
    assert keys(inbox.take("w2", wait=0.01)) == []


def test_streams_are_shared_out_among_listeners(inbox: RedisInbox, client: redis.Redis) -> None:
    for owner in ("w1", "w2", "w1", "w2", "w1", "w2"):
        list(inbox.take(owner, wait=0.01))
    owners = [client.get(f"shipmate:inbox:{stream}:lease") for stream in range(STREAMS)]
    assert owners.count(b"w1") == owners.count(b"w2") == STREAMS / 2


def test_a_dead_listener_is_taken_over_where_it_stopped(inbox: RedisInbox, client: redis.Redis) -> None:
    put(inbox, "e1")
    put(inbox, "e2")
    assert handle(inbox, "dead", limit=1) == ["e1"]
    lapse(client)
    assert handle(inbox, "alive") == ["e2"]


def test_a_late_listener_strikes_nothing_off(inbox: RedisInbox, client: redis.Redis) -> None:
    put(inbox, "e1")
    (late,) = inbox.take("w1", wait=0.01)
    lapse(client)
    (again,) = inbox.take("w2", wait=0.01)
    inbox.done(late, "w1")
    inbox.done(late, "w2")
    assert keys(inbox.take("w2", wait=0.01)) == ["e1"]
    inbox.done(again, "w2")
    assert keys(inbox.take("w2", wait=0.01)) == []


def test_a_listener_that_comes_back_gets_a_new_fence(inbox: RedisInbox, client: redis.Redis) -> None:
    put(inbox, "e1")
    (before,) = inbox.take("w1", wait=0.01)
    lapse(client)
    (after,) = inbox.take("w1", wait=0.01)
    assert before.id != after.id


@pytest.mark.wheels
def test_a_lease_is_kept_while_an_entry_is_handled(valkey_url: str) -> None:
    inbox = RedisInbox(redis.Redis.from_url(valkey_url), lease=SHORT)
    inbox._client.flushall()
    put(inbox, "e1")
    for taken in inbox.take("slow", wait=0.01):
        for _ in range(3):
            # Each waits in vain for half a lease.
            assert keys(inbox.take("quick", wait=SHORT.total_seconds() / 2)) == []
        inbox.done(taken, "slow")
    assert keys(inbox.take("slow", wait=0.01)) == []
    inbox._client.close()


@pytest.mark.wheels
def test_a_dead_listener_is_taken_over_by_itself_within_its_lease(valkey_url: str) -> None:
    inbox = RedisInbox(redis.Redis.from_url(valkey_url), lease=SHORT)
    inbox._client.flushall()
    put(inbox, "e1")
    assert keys(inbox.take("dead", wait=0.01)) == ["e1"]
    assert keys(inbox.take("alive", wait=4 * SHORT.total_seconds())) == ["e1"]
    inbox._client.close()


@pytest.mark.wheels
def test_a_waiting_listener_hears_at_once(valkey_url: str) -> None:
    inbox = RedisInbox(redis.Redis.from_url(valkey_url))
    inbox._client.flushall()
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(lambda: keys(inbox.take("w1", wait=10)))
        put(inbox, "e1")
        assert heard.result(timeout=5) == ["e1"]
    inbox._client.close()


@pytest.mark.wheels
def test_four_listeners_handle_everything_once_and_in_order(valkey_url: str) -> None:
    inbox = RedisInbox(redis.Redis.from_url(valkey_url))
    inbox._client.flushall()
    for number in range(300):
        put(inbox, str(number), order=f"thread {number % 30}")
    handled: list[tuple[str, int]] = []

    def listen(owner: str) -> None:
        while len(handled) < 300:
            for taken in inbox.take(owner, wait=0.05):
                handled.append((taken.order, int(taken.key)))
                inbox.done(taken, owner)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(listen, ["w1", "w2", "w3", "w4"]))
    assert sorted(number for _, number in handled) == list(range(300))
    for thread in {order for order, _ in handled}:
        mine = [number for order, number in handled if order == thread]
        assert mine == sorted(mine)
    inbox._client.close()
