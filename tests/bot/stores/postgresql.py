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
    # initdb refuses root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(root, user, user)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(programs / program), *arguments],
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd=root,
            check=True,
            # A pipe would stay open in the server.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    data = str(root / "data")
    try:
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8")
        run("pg_ctl", "-D", data, "-w", "-l", str(root / "log"), "-o", f"-k {root} {_SETTINGS}", "start")
        try:
            yield str(root)
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(root, ignore_errors=True)


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
