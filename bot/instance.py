"""The one Shipmate on a state directory: that there is only one, how others find it, and what a killed one left behind."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from actions.core.errors import Refused
from bot import home

_LOG = logging.getLogger(__name__)
_NOTE = "running.json"
_STEP = 0.02
_TRIES = 10


class Running(BaseModel):
    """What an instance tells of itself.

    Attributes:
        pid: the supervisor's process id.
        url: where `web` is.
        sandbox: whether the company is the sandbox's.
        processes: the process id and birth of each of its processes, by name.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    url: str
    sandbox: bool = False
    processes: dict[str, tuple[int, str]] = {}


class AlreadyRunning(Refused):
    """Another instance lives on the same state directory."""

    def __init__(self, state: Path, running: Running | None) -> None:
        who = f" (process {running.pid}, at {running.url})" if running else ""
        super().__init__(
            f"A Shipmate is running on {state} already{who}.",
            remedy="Talk to it with `shipmate chat`, end it, or choose another SHIPMATE_STATE_DIR.",
        )


class Instance:
    """This process's hold on a state directory.

    Args:
        state: the state directory.
        lock: the file descriptor of the held lock; children must not keep it.
    """

    def __init__(self, state: Path, lock: int) -> None:
        self.lock = lock
        self._path = state / _NOTE
        self._running: Running | None = None

    def announce(self, url: str, *, sandbox: bool) -> None:
        """Let others find this instance."""
        self._running = Running(pid=os.getpid(), url=url, sandbox=sandbox)
        self._write()

    def note(self, processes: Mapping[str, int]) -> None:
        """Record its processes, so that a later instance can end them if this one is killed."""
        if self._running is not None:
            born = {name: (pid, birth(pid)) for name, pid in processes.items()}
            self._running = self._running.model_copy(update={"processes": born})
            self._write()

    def forget(self) -> None:
        """Take the announcement back."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        if self._running is not None:
            new = self._path.with_suffix(".new")
            new.write_text(self._running.model_dump_json(indent=2), encoding="utf-8")
            new.replace(self._path)


@contextmanager
def alone(state: Path, *, grace: float = 5.0, sleep: Callable[[float], None] = time.sleep) -> Iterator[Instance]:
    """Be the one instance on a state directory; what a killed one left behind is ended first.

    Args:
        state: the state directory; made where it is not there.
        grace: how long a left-behind process has to end, in seconds.
        sleep: waits so many seconds.

    Raises:
        AlreadyRunning: another one lives.
        UnusableStateDirectory: it cannot be made or written.
    """
    home.make(state)
    lock = os.open(state / home.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(lock, sleep):
            raise AlreadyRunning(state, _read(state))
        left = _read(state)
        if left is not None:
            _clear(left, grace, sleep)
        instance = Instance(state, lock)
        try:
            yield instance
        finally:
            instance.forget()
    finally:
        os.close(lock)


def running(state: Path) -> Running | None:
    """The instance that lives on a state directory."""
    found = _read(state)
    if found is None:
        return None
    try:
        lock = os.open(state / home.LOCK, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return found
    else:
        return None
    finally:
        os.close(lock)


def birth(pid: int) -> str:
    """When a process began, in the system's own form; empty where there is none.

    A process id is used again in time; together with its birth it is not.
    """
    with suppress(OSError):
        # The command's name, in brackets, may hold anything; the 22nd field of proc(5) is the start time.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    if Path("/proc/self").exists():
        return ""
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607 - the system's ps, with a number
    return asked.stdout.strip()


def _locked(lock: int, sleep: Callable[[float], None]) -> bool:
    """Take the lock; somebody who only looks whether it is held, as `running` does, holds it for a moment."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sleep(_STEP)
        else:
            return True
    return False


def _read(state: Path) -> Running | None:
    try:
        data: Any = json.loads((state / _NOTE).read_text(encoding="utf-8"))
        return Running.model_validate(data)
    except (OSError, ValueError, ValidationError):
        return None


def _clear(left: Running, grace: float, sleep: Callable[[float], None]) -> None:
    """End the processes of an instance that was killed."""
    alive = {name: pid for name, (pid, born) in left.processes.items() if born and birth(pid) == born}
    if not alive:
        return
    _LOG.warning("an earlier Shipmate was killed and left %s behind; ending them", ", ".join(sorted(alive)))
    for pid in alive.values():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for _ in range(int(grace / _STEP)):
        if not any(birth(pid) == left.processes[name][1] for name, pid in alive.items()):
            return
        sleep(_STEP)
    for name, pid in alive.items():
        if birth(pid) == left.processes[name][1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
