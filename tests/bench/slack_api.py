"""What the Slack benchmarks share: a stand-in for the Web API, Shipmate's own processes, and what they cost."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path

from tests.bench.slack import post, request, stamp_of
from tests.bench.slack_server import ME, SECRET, TEAM

CHANNELS, SERVICES, PEOPLE = 100, 700, 500
PATIENCE = 60
_numbers = count(1)


class Api:
    """A Web API that notes when a message was posted into a thread, over connections that stay open.

    Attributes:
        url: where it is.
        posted: how many messages there are in each thread.
    """

    def __init__(self) -> None:
        self.url = ""
        self.posted: Counter[str] = Counter()
        self._seen: dict[str, asyncio.Future[float]] = {}
        self._more = asyncio.Event()
        self._stamps = count(1)

    async def first(self, port: int, text: str) -> None:
        """Wait until the first answer comes; everything is begun then."""
        for _ in range(PATIENCE):
            with suppress(TimeoutError, OSError):
                await asyncio.wait_for(self.answer(port, text), 2)
                return
            await asyncio.sleep(0.2)
        raise AssertionError("no answer came")

    async def answer(self, port: int, text: str) -> float:
        """How long an event took to be answered, in seconds.

        Args:
            port: where the door is.
            text: what is said; {n} stands for a service's number.
        """
        number = next(_numbers)
        ts = stamp_of(number)
        seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._seen[ts] = seen
        says = f"<@{ME}> " + text.format(n=number % SERVICES)
        asked = request(number, text=says, user=f"U{number % PEOPLE:06}", channel=f"C{number % CHANNELS:06}")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begun = time.perf_counter()
        await post(reader, writer, asked)
        try:
            return (await seen) - begun
        finally:
            writer.close()

    async def steadily(self, port: int, text: str, *, rate: int, seconds: int) -> list[float]:
        """How long each took at an even rate."""
        begun = time.perf_counter()
        asked = []
        for number in range(rate * seconds):
            await asyncio.sleep(max(begun + number / rate - time.perf_counter(), 0))
            asked.append(asyncio.create_task(asyncio.wait_for(self.answer(port, text), PATIENCE)))
        return await asyncio.gather(*asked)

    async def threads(self, wanted: int) -> None:
        """Wait until there are messages in so many threads."""
        while len(self.posted) < wanted:
            self._more.clear()
            await self._more.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the calls of one connection."""
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while await self._call(reader, writer):
                pass
        writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0] or 0)
        body = await reader.readexactly(length)
        answer = {"ok": True, "team_id": TEAM, "user_id": ME, "channel": "C1", "ts": f"1.{next(self._stamps):06}"}
        if "/chat.postMessage" in head.partition("\r\n")[0]:
            self._note(str(json.loads(body).get("thread_ts", "")))
        stays = "connection: close" not in head.lower()
        data = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            + (b"" if stays else b"Connection: close\r\n")
            + f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        await writer.drain()
        return stays

    def _note(self, thread: str) -> None:
        self.posted[thread] += 1
        self._more.set()
        seen = self._seen.pop(thread, None)
        if seen is not None and not seen.done():
            seen.set_result(time.perf_counter())


@asynccontextmanager
async def web_api() -> AsyncIterator[Api]:
    """Have the Web API's stand-in run."""
    api = Api()
    served = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{served.sockets[0].getsockname()[1]}/api/"
    async with served:
        yield api


def settle(folder: Path, redis_url: str, api_url: str, *, people: int = PEOPLE, **more: object) -> dict[str, str]:
    """Write a configuration, and say in which environment Shipmate's processes find everything."""
    services = "".join(f"  - {{name: svc-{n}}}\n" for n in range(SERVICES))
    named = "".join(f"  - {{name: p{n}, slack: U{n:06}, roles: [devops]}}\n" for n in range(people))
    (folder / "shipmate.yaml").write_text(
        f"environments:\n  - {{name: staging}}\nservices:\n{services}people:\n{named}"
        "limits: {changes_per_minute: 100000, open_operations: 100000}\n"
    )
    known = {
        "SHIPMATE_CONFIG": folder / "shipmate.yaml",
        "SHIPMATE_STATE_DIR": folder,
        "SHIPMATE_REDIS_URL": redis_url,
        "SHIPMATE_LOG_LEVEL": "ERROR",
        "SLACK_BOT_TOKEN": "xoxb-x",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": api_url,
        **more,
    }
    return {name: str(value) for name, value in known.items()}


@contextmanager
def process(environment: dict[str, str], *words: str) -> Iterator[int]:
    """Have a program of Python's run; its process id."""
    named = [f"{name}={value}" for name, value in environment.items()]
    running = subprocess.Popen(["env", *named, sys.executable, *words])
    try:
        yield running.pid
    finally:
        running.terminate()
        running.wait()


def cpu(pids: Iterable[int]) -> float:
    """User and system time of processes and their children so far, in seconds; every thread is counted."""
    taken = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            taken += int((task / "schedstat").read_text().split()[0])
            children = (task / "children").read_text().split()
            taken += int(cpu(map(int, children)) * 1e9)
    return taken / 1e9


def memory(pid: int, *, shared: bool = False) -> float:
    """What a process holds in memory, in MB.

    Args:
        pid: its id.
        shared: count what several processes share in equal parts, instead of in full for each.
    """
    wanted = "Pss:" if shared else "Rss:"
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(found.split()[1]) for found in lines if found.startswith(wanted)) / 1024
