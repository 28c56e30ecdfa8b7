"""Slack: what an acknowledged event costs, against a Bolt app that only acknowledges; and what a reply costs to draw."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from bot.stores.redis.client import open_client
from bot.stores.redis.embedded import start_embedded
from tests.bench.measure import line, quantile, title
from tests.bench.slack_server import ME, SECRET, TEAM

ROUNDS, EVENTS, CONNECTIONS = 3, 2_000, 8
RATE, SECONDS = 100, 5
_numbers = count(1)


def run() -> None:
    """Both servers in turn, on the same machine."""
    title(f"Slack: acknowledged events ({ROUNDS} alternating rounds of {EVENTS}, {CONNECTIONS} connections; medians)")
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        redis_url = valkey.url
        store = int(open_client(redis_url).info("server")["process_id"])
        with server("bolt", redis_url) as bolt, server("door", redis_url) as door:
            cost: dict[str, list[float]] = {"bolt": [], "door": []}
            saturated: dict[str, list[float]] = {"bolt": [], "door": []}
            steady: dict[str, list[float]] = {"bolt": [], "door": []}
            for running in (bolt, door):
                asyncio.run(_flood(running.port, 300))
            for _ in range(ROUNDS):
                for name, running, beside in (("bolt", bolt, []), ("door", door, [store])):
                    pids = [running.pid, *beside]
                    before = sum(map(_cpu, pids))
                    taken = asyncio.run(_flood(running.port, EVENTS))
                    cost[name].append((sum(map(_cpu, pids)) - before) / EVENTS)
                    saturated[name].append(quantile(taken, 0.99))
                    steady[name].append(quantile(asyncio.run(_steady(running.port)), 0.99))
    _told("CPU an event, Valkey's included", cost, 1e6, "µs", "≤ 1.5 x")
    _told(f"Acknowledged in, p99 at {RATE} events/s", steady, 1e3, "ms", "≤ 1.3 x")
    _told("Acknowledged in, p99 saturated", saturated, 1e3, "ms", "≤ 3 x")


def _told(name: str, taken: dict[str, list[float]], scale: float, unit: str, target: str) -> None:
    bolt, door = statistics.median(taken["bolt"]), statistics.median(taken["door"])
    line(name, f"{door / bolt:.2f} x", f"{target}   ({door * scale:.1f} against {bolt * scale:.1f} {unit})")


class Running:
    """A server's process and port."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port


@contextmanager
def server(name: str, redis_url: str, api_url: str = "") -> Iterator[Running]:
    """Have one of the servers run."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.slack_server", name, str(port), redis_url, api_url])
    try:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield Running(process.pid, port)
    finally:
        process.terminate()
        process.wait()


def _cpu(pid: int) -> float:
    """User and system time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stamp_of(number: int) -> str:
    """The time-stamp of a message."""
    return f"{1_700_000_000 + number}.000100"


def request(number: int, *, text: str = "", user: str = "", channel: str = "") -> bytes:
    """A message that mentions Shipmate, as Slack sends it; another one for each number."""
    ts = stamp_of(number)
    event = {
        "type": "message",
        "user": user or f"U{number % 500:06}",
        "text": text or f"<@{ME}> deploy checkout v1.4.2 to staging",
        "ts": ts,
        "team": TEAM,
        "channel": channel or f"C{number % 100:06}",
        "event_ts": ts,
        "channel_type": "channel",
        "client_msg_id": f"00000000-0000-0000-0000-{number:012}",
        "blocks": [{"type": "rich_text", "block_id": "b", "elements": [{"type": "rich_text_section", "elements": []}]}],
    }
    body = json.dumps(
        {
            "token": "x",
            "team_id": TEAM,
            "api_app_id": "A1",
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{number}",
            "event_time": 1_700_000_000,
            "authorizations": [{"team_id": TEAM, "user_id": ME, "is_bot": True}],
        }
    ).encode()
    stamp = str(int(time.time()))
    signature = "v0=" + hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: {signature}\r\n\r\n"
    )
    return head.encode() + body


async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> float:
    """Send a request and await its acknowledgement; how long that took, in seconds."""
    begun = time.perf_counter()
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    if length:
        await reader.readexactly(length)
    return time.perf_counter() - begun


async def _flood(port: int, events: int) -> list[float]:
    """As fast as it goes; how long each took, in seconds."""

    async def one() -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        taken = [await post(reader, writer, request(next(_numbers))) for _ in range(events // CONNECTIONS)]
        writer.close()
        return taken

    return [t for taken in await asyncio.gather(*(one() for _ in range(CONNECTIONS))) for t in taken]


async def _steady(port: int) -> list[float]:
    """At an even rate."""
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    taken: list[float] = []
    begun = time.perf_counter()
    for number in range(RATE * SECONDS):
        await asyncio.sleep(max(begun + number / RATE - time.perf_counter(), 0))
        taken.append(await post(*lines[number % CONNECTIONS], request(next(_numbers))))
    for _, writer in lines:
        writer.close()
    return taken
