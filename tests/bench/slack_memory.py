"""Memory: each process idle and after many events; and eight workers forked from one against eight of their own.

It takes some minutes, so it runs only when it is named: `python -m tests.bench slack_memory`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bot import worker
from bot.settings import load
from bot.stores.redis.embedded import start_embedded
from tests.bench.measure import line, title
from tests.bench.slack import post, request
from tests.bench.slack_api import PEOPLE, Api, memory, process, settle, web_api
from tests.bench.slack_server import ME

EVENTS, CONNECTIONS, WAITING = 100_000, 8, 2_000
WORKERS = 8


def run() -> None:
    """The processes, then the workers."""
    title(f"Memory (RSS) idle, and after {EVENTS} messages that are answered")
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        asyncio.run(_processes(Path(folder), valkey.url))
    title(f"Memory of {WORKERS} workers (PSS: what is shared counts once)")
    apart, forked = _workers(fork=False), _workers(fork=True)
    line("started apart", f"{apart:.0f} MB")
    line("forked from one, that one included", f"{forked:.0f} MB", f"{forked / apart:.2f} x   ≤ 0.3 x")


async def _processes(folder: Path, redis_url: str) -> None:
    async with web_api() as api:
        known = settle(folder, redis_url, api.url, SHIPMATE_PORT="0")
        port = _free()
        known["SHIPMATE_PORT"] = str(port)
        with (
            process(known, "-m", "bot", "web") as web,
            process(known, "-m", "bot", "listener") as listener,
            process(known, "-m", "bot", "worker") as reads,
        ):
            await api.first(port, "whoami")
            await asyncio.sleep(5)
            pids = {"web": web, "listener": listener, "worker, its parent": reads}
            before = {name: memory(pid) for name, pid in pids.items()}
            begun = len(api.posted)
            await asyncio.gather(*(_flood(api, port, lane, begun) for lane in range(CONNECTIONS)))
            await api.threads(begun + EVENTS)
            for name, pid in pids.items():
                line(name, f"{memory(pid):.0f} MB", f"idle {before[name]:.0f} MB")


async def _flood(api: Api, port: int, lane: int, begun: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(lane, EVENTS, CONNECTIONS):
        # So many wait at most: what is measured is the processes, and not how much a burst leaves in the inbox.
        await api.threads(begun + number - WAITING)
        user = f"U{number % PEOPLE:06}"
        await post(reader, writer, request(1_000_000 + number, text=f"<@{ME}> whoami", user=user))
    writer.close()


def _workers(*, fork: bool) -> float:
    """What eight workers hold that have built their house, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        known = settle(Path(folder), "redis://127.0.0.1:9/0", "http://127.0.0.1:9/api/")
        words = [f"{name}={value}" for name, value in known.items()]
        command = ["env", *words, sys.executable, "-m", "tests.bench.slack_memory", "fork" if fork else "apart"]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(1 if fork else WORKERS)]
        try:
            pids = [int(word) for one in running if one.stdout for word in one.stdout.readline().split()]
            time.sleep(1)
            return sum(memory(pid, shared=True) for pid in pids)
        finally:
            for one in running:
                one.terminate()
                one.wait()


def _be_workers(*, fork: bool) -> None:
    """Be one worker, or the parent of eight: what `bot.worker` imports and builds, without a queue to wait at."""
    settings = load()
    worker.prepare(settings)
    children = []
    for _ in range(WORKERS if fork else 0):
        pid = os.fork()
        if not pid:
            worker.house().gate.ledger.get("R-1")
            signal.pause()
        children.append(pid)
    if not fork:
        worker.house().gate.ledger.get("R-1")
    time.sleep(3)
    print(os.getpid(), *children, flush=True)  # noqa: T201 - told to the parent
    try:
        signal.pause()
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def _free() -> int:
    import socket  # noqa: PLC0415 - used once

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _be_workers(fork=sys.argv[1] == "fork")
