"""The programs from npm that `make peers` has put into build/peers, and a Shipmate with its sandbox to meet them."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "build" / "peers" / "node_modules"
PATIENCE = 60
"""Seconds to wait for something on a busy machine; what is waited for comes in one or two."""


def eventually(found: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.1)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether there is an answer of any kind."""
    try:
        httpx.get(url, timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return True


@pytest.fixture(scope="session")
def package(absent: Callable[[str], NoReturn]) -> Callable[[str], Path]:
    """Where a package from npm is."""

    def find(name: str) -> Path:
        if not (MODULES / name).exists():
            absent(f"the npm package {name} is not in build/peers; run `make peers`")
        return MODULES / name

    return find


Start = Callable[..., subprocess.Popen[bytes]]


@contextmanager
def programs(home: Path) -> Iterator[Start]:
    """Start programs, which end with the block; what each prints stands in a file of its name."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(name: str, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        variables = [f"{key}={value}" for key, value in (environment or {}).items()]
        with (home / f"{name}.log").open("wb") as out:
            process = subprocess.Popen(
                ["env", *variables, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=home,
            )
        started.append(process)
        return process

    yield begin
    for process in reversed(started):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program, which ends with the test."""
    with programs(tmp_path) as begin:
        yield begin


@pytest.fixture
def shipmate(start: Start, tmp_path: Path) -> Callable[..., str]:
    """Start Shipmate with some variables, with the sandbox unless told otherwise; its address."""

    def begin(environment: Mapping[str, str], *, sandbox: bool = True) -> str:
        port = int(environment.get("SHIPMATE_PORT", free_port()))
        own = {"SHIPMATE_STATE_DIR": str(tmp_path / "state"), "SHIPMATE_PORT": str(port), "PYTHONPATH": str(ROOT)}
        words = ("up", "--sandbox") if sandbox else ("up",)
        start("shipmate", sys.executable, "-m", "bot", *words, environment={**environment, **own})
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{url}/readyz"), "Shipmate")
        return url

    return begin
