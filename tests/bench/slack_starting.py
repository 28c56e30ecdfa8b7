"""Slack: how long the web process takes from its start to the first acknowledgement, against importing Bolt alone."""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bot.stores.redis.embedded import start_embedded
from tests.bench.measure import line, milliseconds, title
from tests.bench.slack import post, request
from tests.bench.slack_api import process, settle

ROUNDS = 7


def run() -> None:
    """Both in turn."""
    title(f"Slack: web process, start to first acknowledgement (median of {ROUNDS} alternating runs)")
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        known = settle(Path(folder), valkey.url, "http://127.0.0.1:9/api/", people=100)
        bolt: list[float] = []
        ours: list[float] = []
        # The first makes the database and the bytecode.
        _started(known, 0)
        for number in range(ROUNDS):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", "import slack_bolt"], check=True)
            bolt.append(time.perf_counter() - begun)
            ours.append(_started(known, number + 1))
    line("python -c 'import slack_bolt'", milliseconds(statistics.median(bolt)))
    line("shipmate web, to the first acknowledgement", milliseconds(statistics.median(ours)))
    line("ratio", f"{statistics.median(ours) / statistics.median(bolt):.2f} x", "≤ 1.3 x")


def _started(known: dict[str, str], number: int) -> float:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    begun = time.perf_counter()
    with process({**known, "SHIPMATE_PORT": str(port)}, "-m", "bot", "web"):
        asyncio.run(_acknowledged(port, number))
        return time.perf_counter() - begun


async def _acknowledged(port: int, number: int) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.005)
        else:
            await post(reader, writer, request(number))
            writer.close()
            return
