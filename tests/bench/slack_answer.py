"""Slack: from an event to the first card that people see, against a Bolt app that replies with a constant."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from bot.stores.redis.embedded import start_embedded
from tests.bench.measure import line, quantile, title
from tests.bench.slack import post, request, server
from tests.bench.slack_server import ME, TEAM

ONE_BY_ONE, RATE, SECONDS, CHANNELS, SERVICES, PEOPLE = 200, 50, 6, 100, 700, 500
PAUSE = 0.02
"""Seconds between two events of those that come one at a time, so that nothing of the one before is still being done."""
PATIENCE = 60
_numbers = count(1)


def run() -> None:
    """Both in turn, one event at a time; then ours at a steady rate."""
    title(
        f"Slack: event to first visible card, {ONE_BY_ONE} one at a time (understanding, gate, SQLite ledger included)"
    )
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        asyncio.run(_compare(Path(folder), valkey.url))


async def _compare(folder: Path, redis_url: str) -> None:
    async with _web_api() as api:
        with (
            server("replies", redis_url, api.url) as bolt,
            server("door", redis_url) as door,
            _listener(folder, redis_url, api.url),
        ):
            await api.first_card(door.port)
            await api.first_card(bolt.port)
            base: list[float] = []
            ours: list[float] = []
            for _ in range(ONE_BY_ONE):
                for port, taken in ((bolt.port, base), (door.port, ours)):
                    await asyncio.sleep(PAUSE)
                    taken.append(await api.answer(port))
            ratio = statistics.median(ours) / statistics.median(base)
            told = f"({statistics.median(ours) * 1e3:.1f} against {statistics.median(base) * 1e3:.1f} ms)"
            line("Event to first card", f"{ratio:.2f} x", f"≤ 4 x   {told}")
            taken = await api.steadily(door.port)
            line(
                f"p99 at {RATE} events/s over {CHANNELS} channels", f"{quantile(taken, 0.99) * 1e3:.0f} ms", "< 250 ms"
            )


class _Api:
    """A Web API that notes when a message was posted into a thread."""

    def __init__(self) -> None:
        self.url = ""
        self._seen: dict[str, asyncio.Future[float]] = {}
        self._stamps = count(1)

    async def first_card(self, port: int) -> None:
        """Wait until the first answer comes; everything is begun then."""
        for _ in range(PATIENCE):
            with suppress(TimeoutError):
                await asyncio.wait_for(self.answer(port), 2)
                return
        raise AssertionError("no answer came")

    async def answer(self, port: int) -> float:
        """How long an event took to be answered, in seconds."""
        number = next(_numbers)
        ts = f"{1_700_000_000 + number}.000100"
        self._seen[ts] = asyncio.get_running_loop().create_future()
        text = f"<@{ME}> deploy svc-{number % SERVICES} v1.4.2 to staging"
        asked = request(number, text=text, user=f"U{number % PEOPLE:06}", channel=f"C{number % CHANNELS:06}")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begun = time.perf_counter()
        await post(reader, writer, asked)
        try:
            return await self._seen[ts] - begun
        finally:
            writer.close()

    async def steadily(self, port: int) -> list[float]:
        """At an even rate."""
        begun = time.perf_counter()
        asked = []
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(begun + number / RATE - time.perf_counter(), 0))
            asked.append(asyncio.create_task(asyncio.wait_for(self.answer(port), PATIENCE)))
        return await asyncio.gather(*asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one call."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0] or 0)
            body = await reader.readexactly(length)
            answer = {"ok": True, "team_id": TEAM, "user_id": ME, "channel": "C1", "ts": f"1.{next(self._stamps):06}"}
            if "/chat.postMessage" in head.partition("\r\n")[0]:
                seen = self._seen.get(json.loads(body).get("thread_ts", ""))
                if seen is not None and not seen.done():
                    seen.set_result(time.perf_counter())
            data = json.dumps(answer).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + f"Content-Length: {len(data)}\r\n\r\n".encode()
                + data
            )
            await writer.drain()
        writer.close()


@asynccontextmanager
async def _web_api() -> AsyncIterator[_Api]:
    api = _Api()
    served = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{served.sockets[0].getsockname()[1]}/api/"
    async with served:
        yield api


@contextmanager
def _listener(folder: Path, redis_url: str, api_url: str) -> Iterator[None]:
    services = "".join(f"  - {{name: svc-{n}}}\n" for n in range(SERVICES))
    people = "".join(f"  - {{name: p{n}, slack: U{n:06}, roles: [devops]}}\n" for n in range(PEOPLE))
    (folder / "shipmate.yaml").write_text(
        "environments:\n  - {name: staging}\n"
        f"services:\n{services}"
        f"people:\n{people}"
        "limits: {changes_per_minute: 100000, open_operations: 100000}\n"
    )
    known = {
        "SHIPMATE_CONFIG": folder / "shipmate.yaml",
        "SHIPMATE_STATE_DIR": folder,
        "SHIPMATE_REDIS_URL": redis_url,
        "SHIPMATE_LOG_LEVEL": "ERROR",
        "SLACK_BOT_TOKEN": "xoxb-x",
        "SLACK_API_URL": api_url,
    }
    words = [f"{name}={value}" for name, value in known.items()]
    process = subprocess.Popen(["env", *words, sys.executable, "-m", "bot", "listener"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()
