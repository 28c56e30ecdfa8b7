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
from typing import NamedTuple

from bot.stores.redis.embedded import start_embedded
from tests.bench.measure import line, milliseconds, quantile, title
from tests.bench.slack import post, request
from tests.bench.slack_api import process, settle

ROUNDS = 7
EVENTS, EVERY = 200, 0.005
"""How many events come while the house is built, and how many seconds after one another."""
BOLT = "import slack_bolt"
STAGES = {
    "  Python itself": "pass",
    "  + asyncio": "import asyncio",
    "  + uvicorn, with h11": "import uvicorn, uvicorn.protocols.http.h11_impl, uvicorn.lifespan.on",
    "  + the command line, the settings, the door": "import bot.cli, bot.commands.processes, bot.web.server\n"
    "import uvicorn.protocols.http.h11_impl, uvicorn.lifespan.on",
}


class Started(NamedTuple):
    """How a web process started, in seconds.

    Attributes:
        first: from its start to the first acknowledgement.
        house: from then until the rest was answered too.
        others: how long each further event took to be acknowledged.
    """

    first: float
    house: float
    others: list[float]


def run() -> None:
    """Both in turn."""
    title(f"Slack: web process, start to first acknowledgement (medians of {ROUNDS} alternating runs)")
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        known = settle(Path(folder), valkey.url, "http://127.0.0.1:9/api/", people=100)
        programs: dict[str, list[float]] = {program: [] for program in (BOLT, *STAGES.values())}
        ours: list[Started] = []
        # The first makes the database and the bytecode.
        _started(known, 0)
        for number in range(ROUNDS):
            for program, taken in programs.items():
                begun = time.perf_counter()
                subprocess.run([sys.executable, "-c", program], check=True)
                taken.append(time.perf_counter() - begun)
            ours.append(_started(known, (number + 1) * (EVENTS + 1)))
    medians = {program: statistics.median(taken) for program, taken in programs.items()}
    first = statistics.median(started.first for started in ours)
    line(f"python -c '{BOLT}'", milliseconds(medians[BOLT]))
    line("shipmate web, to the first acknowledgement", milliseconds(first))
    line("ratio", f"{first / medians[BOLT]:.2f} x", "≤ 1.3 x")
    before = 0.0
    for name, program in STAGES.items():
        line(name, milliseconds(medians[program] - before))
        before = medians[program]
    line("  + listening, Redis, and the event itself", milliseconds(first - before))
    title(f"Slack: {EVENTS} events in the first {EVENTS * EVERY:g} s, while the house is built beside them")
    line("the house stands after the first acknowledgement", milliseconds(statistics.median(one.house for one in ours)))
    for name, share in (("median", 0.5), ("p99", 0.99), ("slowest", 1.0)):
        line(f"acknowledged in, {name}", milliseconds(statistics.median(quantile(one.others, share) for one in ours)))


def _started(known: dict[str, str], number: int) -> Started:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    begun = time.perf_counter()
    with process({**known, "SHIPMATE_PORT": str(port)}, "-m", "bot", "web"):
        return asyncio.run(_acknowledged(port, number, begun))


async def _acknowledged(port: int, number: int, begun: float) -> Started:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.005)
        else:
            break
    await post(reader, writer, request(number))
    writer.close()
    first = time.perf_counter()
    standing = asyncio.ensure_future(_stands(port))
    others = await asyncio.gather(*(_further(port, number + n + 1, n * EVERY) for n in range(EVENTS)))
    return Started(first - begun, await standing - first, others)


async def _further(port: int, number: int, pause: float) -> float:
    """A further event, over a connection of its own as Slack's are."""
    await asyncio.sleep(pause)
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await post(reader, writer, request(number))
    writer.close()
    return time.perf_counter() - begun


async def _stands(port: int) -> float:
    """When a request that needs the house was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await reader.readline()
    writer.close()
    return time.perf_counter()
