"""A private PostgreSQL server for tests: on a socket of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTINGS = "-c listen_addresses= -c fsync=off -c max_connections=100 -c deadlock_timeout=200ms"


class NoServer(Exception):
    """PostgreSQL is neither here nor could it be installed."""


@contextmanager
def server() -> Iterator[str]:
    """Run a server; gives the directory of its socket."""
    programs = _programs() or _install()
    root = Path(tempfile.mkdtemp(prefix="shipmate-pg-"))
    if user := _user():
        shutil.chown(root, user, user)

    data = str(root / "data")
    try:
        _run(programs / "initdb", root, "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8")
        _run(programs / "pg_ctl", root, *_start(root))
        try:
            yield str(root)
        finally:
            _run(programs / "pg_ctl", root, "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def stopped(socket: str) -> Iterator[None]:
    """Stop a server that `server` runs, as in a crash, and start it again afterwards.

    Args:
        socket: the directory of its socket.
    """
    programs, data = _programs(), f"{socket}/data"
    assert programs is not None
    _run(programs / "pg_ctl", Path(socket), "-D", data, "-w", "-m", "immediate", "stop")
    try:
        yield
    finally:
        _run(programs / "pg_ctl", Path(socket), *_start(Path(socket)))


def _start(root: Path) -> tuple[str, ...]:
    return ("-D", str(root / "data"), "-w", "-l", str(root / "log"), "-o", f"-k {root} {_SETTINGS}", "start")


def _user() -> str | None:
    # initdb refuses root.
    return "postgres" if os.geteuid() == 0 else None


def _run(program: Path, root: Path, *arguments: str) -> None:
    user = _user()
    subprocess.run(
        [str(program), *arguments],
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd=root,
        check=True,
        # A pipe would stay open in the server.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _programs() -> Path | None:
    found = shutil.which("pg_ctl")
    homes = [Path(found).resolve().parent] if found else []
    homes += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((home for home in homes if (home / "initdb").exists()), None)


def _install() -> Path:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
        subprocess.run(["apt-get", "install", "-qq", "-y", "postgresql"], check=False, **quiet)  # type: ignore[call-overload]
    if (programs := _programs()) is None:
        raise NoServer
    return programs
