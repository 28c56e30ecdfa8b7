"""One connection to Redis for one script: all that a door needs, and at hand 60 ms sooner than a client of everything.

redis-py takes half as long to import as a web process may take to its first acknowledgement. hiredis, which speaks the protocol
for it, speaks it here. The connection is opened when it is first used, and anew where it broke, lay idle for long or met a
server that does not write.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from hiredis import ProtocolError, Reader, ReplyError, pack_command

from actions.core.errors import Unreachable
from actions.core.redaction import redact

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
"""How long Redis may take to answer; what waits for something new waits less than this at a time."""
IDLE_SECONDS = 30.0
"""After how long without a word a connection is opened anew: what lies between may have forgotten it."""

_PORT = 6379
_READ = 4096

Part = str | bytes | int | float


class Address(NamedTuple):
    """Where a Redis is, and what it wants to hear first.

    Attributes:
        path: of its socket; empty where it is reached by host and port.
        database: the number of the database.
    """

    host: str = ""
    port: int = _PORT
    path: str = ""
    user: str = ""
    password: str = ""
    database: int = 0


class _Declined(Exception):
    """Redis answered with an error."""


def read(url: str) -> Address | None:
    """The address in a URL; None where it says more than this module knows, such as TLS or options."""
    try:
        found = urlsplit(url)
        port = found.port or _PORT
        database = int(found.path.strip("/") or 0) if found.scheme == "redis" else 0
    except ValueError:
        return None
    if found.query or found.fragment or (found.username and not found.password):
        return None
    user, password = unquote(found.username or ""), unquote(found.password or "")
    if found.scheme == "unix" and found.path and not found.hostname:
        return Address(path=unquote(found.path), user=user, password=password)
    if found.scheme == "redis" and found.hostname:
        return Address(unquote(found.hostname), port, user=user, password=password, database=database)
    return None


def unanswered(said: str) -> Unreachable:
    """The failure to tell where Redis did not answer as it should."""
    return Unreachable(
        "Redis",
        f"Redis does not answer: {redact(said.partition(chr(10))[0])}",
        remedy="Look at Redis; Shipmate goes on by itself once it is back.",
    )


class Script(Protocol):
    """A script in Redis."""

    def __call__(self, *, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """What it returns; raises `Unreachable` where Redis does not answer."""


class Line:
    """Runs a script, from any thread, one call at a time.

    A call that met a broken connection is made once more, so that the script may run twice.

    Args:
        address: where Redis is.
        script: in Lua; it returns a number.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, address: Address, script: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self._script = script
        self._digest = hashlib.sha1(script.encode()).hexdigest()  # noqa: S324 - Redis names scripts by it
        self._now = now
        self._lock = Lock()
        self._connection: _Connection | None = None
        self._used = 0.0

    def __call__(self, *, keys: Sequence[str], args: Sequence[Part]) -> int:
        """What the script returns.

        Raises:
            Unreachable: Redis does not answer, or with an error.
        """
        with self._lock:
            if self._connection is not None and self._now() - self._used > IDLE_SECONDS:
                self._hang_up()
            kept = self._connection is not None
            try:
                return self._run(keys, args)
            except OSError as error:
                self._hang_up()
                if not kept:
                    raise unanswered(str(error)) from error
            except _Declined as error:
                # A server that loads its data, or is no longer the one that writes: the next call looks for it anew.
                self._hang_up()
                raise unanswered(str(error)) from error
            try:
                return self._run(keys, args)
            except (OSError, _Declined) as error:
                self._hang_up()
                raise unanswered(str(error)) from error

    def close(self) -> None:
        """Hang up; the next call connects anew."""
        with self._lock:
            self._hang_up()

    def _run(self, keys: Sequence[str], args: Sequence[Part]) -> int:
        if self._connection is None:
            self._connection = _Connection(self._address)
        parts = (len(keys), *keys, *args)
        try:
            found = self._connection.ask("EVALSHA", self._digest, *parts)
        except _Declined as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            found = self._connection.ask("EVAL", self._script, *parts)
        self._used = self._now()
        return int(found)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Connection:
    """An open connection; raises OSError where it breaks or what it says cannot be read."""

    def __init__(self, address: Address) -> None:
        self._socket = _connected(address)
        self._replies = Reader()
        try:
            if address.password:
                who = (address.user, address.password) if address.user else (address.password,)
                self.ask("AUTH", *who)
            if address.database:
                self.ask("SELECT", address.database)
        except BaseException:
            self.close()
            raise

    def ask(self, *parts: Part) -> Any:
        """What Redis answers to a command.

        Raises:
            _Declined: an error.
        """
        # Its stub has a tuple of one.
        self._socket.sendall(pack_command(parts))  # type: ignore[arg-type]
        try:
            while (reply := self._replies.gets()) is False:
                said = self._socket.recv(_READ)
                if not said:
                    raise ConnectionError("the connection was closed")
                self._replies.feed(said)
        except ProtocolError as error:
            raise ConnectionError("what came is no answer of Redis's") from error
        if isinstance(reply, ReplyError):
            raise _Declined(str(reply))
        return reply

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def _connected(address: Address) -> socket.socket:
    if not address.path:
        found = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.settimeout(CONNECT_SECONDS)
        try:
            found.connect(address.path)
        except BaseException:
            found.close()
            raise
    found.settimeout(ANSWER_SECONDS)
    return found
