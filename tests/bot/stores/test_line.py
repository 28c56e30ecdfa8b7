"""The door's own line to Redis: it stores what redis-py would store, and gets over what breaks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from actions.core.errors import Unreachable
from bot.stores.redis.client import UnusableRedisUrl, open_client
from bot.stores.redis.embedded import start_embedded
from bot.stores.redis.inbox import RedisInbox
from bot.stores.redis.line import IDLE_SECONDS, Address, Line, read
from bot.stores.redis.putting import Putting, open_putting

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", Address("cache")),
        ("redis://cache:6380/2", Address("cache", 6380, database=2)),
        ("redis://:p%40ss@cache/", Address("cache", password="p@ss")),
        ("redis://mate:secret@[::1]:7000", Address("::1", 7000, user="mate", password="secret")),
        ("unix:///run/valkey.sock", Address(path="/run/valkey.sock")),
        ("unix://:secret@/run/valkey.sock", Address(path="/run/valkey.sock", password="secret")),
    ],
)
def test_plain_addresses_are_read(url: str, address: Address) -> None:
    assert read(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "rediss://cache",
        "redis://cache?protocol=3",
        "redis://mate@cache",
        "redis://cache/x",
        "redis://cache:x",
        "redis:///0",
        "unix:///run/valkey.sock?db=1",
        "nonsense",
    ],
)
def test_what_says_more_is_left_to_redis_py(url: str) -> None:
    assert read(url) is None


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(UnusableRedisUrl):
        open_putting("nonsense")


def test_where_nothing_listens_redis_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="Redis does not answer"):
        put(open_putting(f"unix://{tmp_path}/none"), "e1")


class Answering:
    """A server that gives fixed answers, one connection after the other; what it was asked is kept."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.heard: list[list[bytes]] = []
        self._connections = connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self._listener.getsockname()[1], user="mate", password="secret", database=3)

    def close(self) -> None:
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        for answers in self._connections:
            connection, _ = self._listener.accept()
            heard: list[bytes] = []
            self.heard.append(heard)
            with connection, connection.makefile("rb") as said:
                for answer in answers:
                    count = int(said.readline()[1:])
                    words = [said.read(int(said.readline()[1:]) + 2)[:-2] for _ in range(count)]
                    heard.append(words[0])
                    connection.sendall(answer)


HELLO = [b"+OK\r\n", b"+OK\r\n"]


def test_a_connection_begins_with_who_and_where() -> None:
    with closing(Answering([*HELLO, b":1\r\n"])) as server, closing(Line(server.address, "return 1")) as line:
        assert line(keys=["a"], args=[1, 2.5, b"\xff", "é"]) == 1
    assert server.heard == [[b"AUTH", b"SELECT", b"EVALSHA"]]


def test_a_connection_that_broke_is_opened_anew_and_one_that_never_was_is_told() -> None:
    connections = [*HELLO, b":1\r\n"], [*HELLO, b":0\r\n"], [b""]
    with closing(Answering(*connections)) as server, closing(Line(server.address, "return 1")) as line:
        assert line(keys=[], args=[]) == 1
        assert line(keys=[], args=[]) == 0
        with pytest.raises(Unreachable):
            line(keys=[], args=[])


def test_a_server_that_does_not_write_is_not_asked_twice() -> None:
    declined = b"-READONLY You can't write against a read only replica.\r\n"
    connections = [*HELLO, declined], [*HELLO, b":1\r\n"]
    with closing(Answering(*connections)) as server, closing(Line(server.address, "return 1")) as line:
        with pytest.raises(Unreachable, match="READONLY"):
            line(keys=[], args=[])
        assert line(keys=[], args=[]) == 1


def test_one_that_lay_idle_is_opened_anew() -> None:
    now = [0.0]
    connections = [*HELLO, b":1\r\n"], [*HELLO, b":1\r\n"]
    with closing(Answering(*connections)) as server, closing(Line(server.address, "", now=lambda: now[0])) as line:
        assert line(keys=[], args=[]) == 1
        now[0] += IDLE_SECONDS + 1
        assert line(keys=[], args=[]) == 1
    assert len(server.heard) == 2


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with closing(start_embedded(tmp_path_factory.mktemp("valkey"))) as running:
        yield running.url


def put(inbox: Putting | RedisInbox, key: str, body: str = "Prod läuft …") -> bool:
    return inbox.put(key=key, order="thread", kind="slack.said", body={"text": body}, at=NOW)


@pytest.mark.wheels
def test_it_stores_what_redis_py_would(valkey: str) -> None:
    with closing(open_client(valkey)) as client, closing(open_putting(valkey)) as door:
        inbox = RedisInbox(client)
        assert put(door, "e1")
        assert not put(inbox, "e1")
        assert put(inbox, "e2")
        assert not put(door, "e2")
        found = []
        for delivered in inbox.take("me", wait=0.01):
            found.append(delivered)
            inbox.done(delivered, "me")
    assert [one.key for one in found] == ["e1", "e2"]
    assert found[0].model_dump(exclude={"id", "key"}) == found[1].model_dump(exclude={"id", "key"})


@pytest.mark.wheels
def test_an_address_with_options_leads_to_the_same_inbox(valkey: str) -> None:
    with closing(open_putting(valkey)) as plain, closing(open_putting(f"{valkey}?db=0")) as optioned:
        assert put(optioned, "h1")
        assert not put(plain, "h1")


@pytest.mark.wheels
def test_it_gets_over_what_a_server_forgets(valkey: str) -> None:
    with closing(open_client(valkey)) as client, closing(open_putting(valkey)) as door:
        assert put(door, "f1")
        client.script_flush()
        assert put(door, "f2")
        client.client_kill_filter(_type="normal", skipme=True)
        assert put(door, "f3")
        assert not put(door, "f1")


@pytest.mark.wheels
def test_a_password_is_given_and_never_told(valkey: str) -> None:
    with closing(open_client(valkey)) as client, closing(open_putting(valkey)) as stranger:
        client.config_set("requirepass", "open sesame")
        try:
            with closing(open_putting(valkey.replace("//", "//:open%20sesame@"))) as known:
                assert put(known, "g1")
            with pytest.raises(Unreachable, match="WRONGPASS") as told:
                put(open_putting(valkey.replace("//", "//:open%20barley@")), "g2")
            assert "barley" not in str(told.value)
            with pytest.raises(Unreachable, match="unauthenticated"):
                put(stranger, "g3")
        finally:
            client.config_set("requirepass", "")
