"""Many deployments waiting at once: two workers over SQLite and Valkey against an asyncio loop in memory.

The outside is a stand-in in the same Valkey: a deployment becomes healthy a fixed time after its sync, and each call takes one
round trip. Nothing else is spared: requests enter by the gate, jobs travel through RQ, polls are leased and recorded.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import redis

from actions.core.catalog import Catalog
from actions.core.organization import Organization, VersionSource
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.ports.delivery import (
    Application,
    Commit,
    Deployer,
    Health,
    Manifests,
    ManifestTarget,
    Sync,
    VersionRegistry,
)
from actions.core.ports.ledger import RequestQuery
from actions.core.request import Origin, Proposal, Request, State
from actions.gate.polling import poll_due
from actions.verbs import VERBS
from bot.clock import tick_until
from bot.house import House, compose
from bot.stores.open import open_redis, open_sql
from bot.stores.redis import jobs
from bot.stores.redis.client import open_client
from bot.stores.redis.embedded import start_embedded
from bot.surroundings import SystemClock
from bot.testing import COMPANY
from bot.testing.fakes import CountingIds
from bot.worker import CHANGES
from tests.bench.measure import line, milliseconds, quantile, title

WORKERS = 2
WARM = 200
SIZES = ((1_000, 30.0), (10_000, 120.0))
"""How many deployments, and how many seconds each takes outside."""
OLD, NEW = "v1.4.1", "v1.4.2"


@dataclass(frozen=True)
class Cloud:
    """The outside: becomes healthy a fixed time after a sync."""

    client: redis.Redis
    seconds: float

    def exists(self, project: str, source: VersionSource, version: str) -> bool:
        return True

    def newest(self, project: str, source: VersionSource, *, limit: int = 100) -> Sequence[str]:
        return (NEW, OLD)

    def read(self, target: ManifestTarget) -> str:
        return OLD

    def write(self, target: ManifestTarget, version: str, *, marker: str, message: str, author: str) -> Commit:
        self.client.ping()
        return Commit(id=marker, version=version)

    def find(self, target: ManifestTarget, marker: str) -> Commit | None:
        return None

    def applications(self, names: Collection[str]) -> Mapping[str, Application]:
        ordered = list(names)
        begun: list[Any] = self.client.hmget("bench:synced", ordered)
        now = time.time()
        return {name: self._application(name, at, now) for name, at in zip(ordered, begun, strict=True)}

    def _application(self, name: str, at: Any, now: float) -> Application:
        came_up = at is not None and now - float(at) >= self.seconds
        running = (NEW,) if came_up else (OLD,)
        health = Health.HEALTHY if at is None or came_up else Health.PROGRESSING
        return Application(name=name, versions=running, sync=Sync.SYNCED, health=health, phase="Succeeded")

    def sync(self, name: str, revision: str) -> None:
        self.client.hsetnx("bench:synced", name, str(time.time()))

    def restart(self, name: str) -> None: ...

    def resume_rollout(self, name: str) -> None: ...

    def abort_rollout(self, name: str) -> None: ...


def company(count: int) -> Organization:
    services = [
        {
            "name": f"svc-{number}",
            "gitlab": {"project": "shop/all"},
            "argocd": {"application": f"svc-{number}-{{environment}}", "healthy_within": "1h", "healthy_for": "1s"},
            "manifests": {"project": "shop/manifests", "file": f"apps/svc-{number}/{{environment}}/kustomization.yaml"},
        }
        for number in range(count)
    ]
    limits = {"changes_per_minute": 10_000_000, "open_operations": 10_000_000}
    return Organization.model_validate({**COMPANY, "services": services, "limits": limits})


def build(folder: str, address: str, organization: Organization, seconds: float) -> House:
    passing = open_redis(address)
    cloud = Cloud(open_client(address), seconds)
    return compose(
        organization=organization,
        catalog=Catalog(VERBS),
        kept=open_sql(f"sqlite:///{folder}/bench.db"),
        passing=passing,
        outside={Deployer: lambda: cloud, Manifests: lambda: cloud, VersionRegistry: lambda: cloud},
        understanding=lambda: None,  # type: ignore[arg-type,return-value]
        clock=SystemClock(),
        ids=CountingIds(),
        worker=lambda: f"bench:{os.getpid()}",
    )


def work(folder: str, address: str, organization: Organization, seconds: float) -> None:
    """A worker process like `bot.worker`'s, over the stand-in."""
    import bot.worker  # noqa: PLC0415 - its jobs are patched to use the stand-in

    house = build(folder, address, organization, seconds)
    client = open_client(address)
    leased = house.kept.ledger.lease_due

    def lease_due(poller: str, *, owner: str, now: datetime, until: datetime, limit: int) -> Sequence[Request]:
        due = leased(poller, owner=owner, now=now, until=until, limit=limit)
        late = [(now - r.next_poll_at).total_seconds() for r in due if r.next_poll_at]
        if late:
            client.rpush("bench:late", *late[:: max(len(late) // 20, 1)])
        return due

    house.kept.ledger.lease_due = lease_due  # type: ignore[method-assign]
    bot.worker.perform = house.gate.perform  # type: ignore[assignment]
    bot.worker.poll = lambda poller: poll_due(house.gate, poller)  # type: ignore[assignment]
    jobs.worker(open_client(address), CHANGES, forks=False).work(logging_level="WARNING")


def tick(folder: str, address: str, organization: Organization, seconds: float) -> None:
    """A clock process."""
    tick_until(threading.Event(), build(folder, address, organization, seconds).gate)


def memory(pid: int) -> int:
    """The private memory of a process, in bytes."""
    fields = dict(part.split(":", 1) for part in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[key].split()[0]) for key in ("Private_Clean", "Private_Dirty")) * 1024


def measure(count: int, seconds: float) -> int:
    """Measure one size; how many bytes the workers grew by."""
    title(f"{count:,} deployments at once, each {seconds:.0f} s outside, {WORKERS} workers")
    baseline = asyncio.run(in_memory(count, seconds))
    with tempfile.TemporaryDirectory() as folder:
        embedded = start_embedded(Path(folder))
        organization = company(WARM + count)
        context = multiprocessing.get_context("fork")
        arguments = (folder, embedded.url, organization, seconds)
        open_sql(f"sqlite:///{folder}/bench.db").close()
        processes = [context.Process(target=work, args=arguments, daemon=True) for _ in range(WORKERS)]
        processes.append(context.Process(target=tick, args=arguments, daemon=True))
        for process in processes:
            process.start()
        time.sleep(2)
        house = build(*arguments)
        warm_up(house)
        before = [memory(process.pid or 0) for process in processes[:WORKERS]]
        begun = time.perf_counter()
        submit(house, range(WARM, WARM + count))
        submitted = time.perf_counter() - begun
        peak = 0
        done = (State.DONE,)
        while house.kept.ledger.count(RequestQuery(states=done, limit=WARM + count)) < WARM + count:
            if time.perf_counter() - begun > 20 * baseline:
                line("not finished in time", f"{count}")
                break
            peak = max(peak, sum(memory(p.pid or 0) for p in processes[:WORKERS]) - sum(before))
            time.sleep(1)
        makespan = time.perf_counter() - begun
        client = open_client(embedded.url)
        late = [float(value) for value in client.lrange("bench:late", 0, -1)]
        for process in processes:
            process.terminate()
            process.join()
        house.close()
        client.close()
        embedded.close()
    line("an asyncio loop in memory", f"{baseline:.1f} s")
    line("Shipmate, first request to last done", f"{makespan:.1f} s")
    line("of which handing in", f"{submitted:.1f} s")
    line("ratio", f"{makespan / baseline:.2f} x", "target <= 2.5 x")
    line("worker memory per waiting deployment", f"{peak / count:.0f} bytes", "target <= 1024")
    line("a poll is late by (median)", milliseconds(statistics.median(late)))
    line("a poll is late by (99th percentile)", milliseconds(quantile(late, 0.99)))
    return peak


def warm_up(house: House) -> None:
    """A few deployments, so that what a process builds once is not counted against the many."""
    submit(house, range(WARM))
    done = RequestQuery(states=(State.DONE,), limit=WARM)
    while house.kept.ledger.count(done) < WARM:
        time.sleep(0.5)


def submit(house: House, numbers: Iterable[int]) -> None:
    dana = Requester(name="dana")
    place = Place(surface="terminal", channel="bench", thread="1")
    for number in numbers:
        parameters = {"service": f"svc-{number}", "version": NEW, "environment": "development"}
        house.gate.submit(
            Proposal(
                action="deploy",
                parameters=parameters,
                requester=dana,
                place=place,
                cause=f"bench:{number}",
                origin=Origin.API,
            )
        )


async def in_memory(count: int, seconds: float) -> float:
    """What a loop in memory that keeps nothing and checks nothing takes for the same."""

    async def deploy() -> None:
        looks = int(seconds)
        for _ in range(looks + 1):
            await asyncio.sleep(1)

    begun = time.perf_counter()
    await asyncio.gather(*(deploy() for _ in range(count)))
    return time.perf_counter() - begun


def run() -> None:
    """Measure each size."""
    grown = [measure(count, seconds) for count, seconds in SIZES]
    few, many = (count for count, _ in SIZES)
    title("What one more waiting deployment costs")
    line(
        f"worker memory, from {few:,} to {many:,}",
        f"{(grown[1] - grown[0]) / (many - few):.0f} bytes",
        "target <= 1024",
    )
