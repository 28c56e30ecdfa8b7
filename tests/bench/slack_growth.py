"""Slack: what a message costs where much is known already: threads, people; and what finding one of many verbs costs."""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from types import new_class
from typing import Any

from actions import catalog
from actions.core.action import Action, Sample
from actions.core.catalog import Catalog, Verb
from actions.core.context import Context
from actions.core.organization import Organization
from actions.core.ports.messaging import Turn
from actions.core.reply import Reply
from bot.assembly import assemble
from bot.secret import Secret
from bot.settings import Settings
from bot.stores.redis.client import open_client
from bot.stores.redis.embedded import start_embedded
from bot.surfaces.slack.client import Api, OneWorkspace
from bot.surfaces.slack.intake import Taken, sort
from bot.surfaces.slack.surface import Slack
from tests.bench.constant import Greeting
from tests.bench.measure import line, title
from tests.bench.slack import request
from tests.bench.slack_api import SERVICES, settle
from tests.bench.slack_server import ME, TEAM

THREADS, FEW, MANY, VERBS = 100_000, 100, 10_000, 1_000
ROUNDS, BATCH = 15, 20
_numbers = count(1)


def run() -> None:
    """Each small and large in turn."""
    title(
        f"Slack: growth (CPU of a message in the listener, its work included; medians of {ROUNDS} alternating rounds)"
    )
    with tempfile.TemporaryDirectory() as folder, closing(start_embedded(Path(folder))) as valkey:
        small = Listener(Path(folder) / "small", f"{valkey.url}?db=0", people=FEW)
        threads = Listener(Path(folder) / "threads", f"{valkey.url}?db=1", people=FEW)
        threads.fill(THREADS)
        people = Listener(Path(folder) / "people", f"{valkey.url}?db=2", people=MANY)
        for name, large in ((f"0 → {THREADS} known threads", threads), (f"{FEW} → {MANY} people", people)):
            _told(name, _in_turn({"small": small.messages, "large": large.messages}), 1e3, "ms")
    own = len(list(catalog(()))) + 1
    few, many = _dispatching(own), _dispatching(VERBS)
    _told(f"{own} → {VERBS} verbs, dispatch alone", _in_turn({"small": few, "large": many}), 1e6, "µs")


def _told(name: str, taken: Mapping[str, float], scale: float, unit: str) -> None:
    small, large = taken["small"] * scale, taken["large"] * scale
    line(name, f"{large / small:.2f} x", f"≤ 1.1 x   ({large:.2f} against {small:.2f} {unit})")


def _in_turn(sides: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The median of what a call of each says, called in turn."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS + 2):
        for name, batch in sides.items():
            spent = batch()
            if number > 1:
                taken[name].append(spent)
    return {name: statistics.median(spent) for name, spent in taken.items()}


class _Agreeing:
    """A Web API that takes everything, in no time."""

    def ask(self, method: str, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Agree."""
        del token, arguments
        return {"ok": True, "team_id": TEAM, "user_id": ME, "channel": "C1", "ts": f"1.{method}"}


class Listener:
    """What the listener does with messages, in this process.

    Args:
        folder: where its database is.
        redis_url: where its Redis is.
        people: how many people there are.
    """

    def __init__(self, folder: Path, redis_url: str, *, people: int) -> None:
        folder.mkdir()
        settle(folder, redis_url, "", people=people)
        self._people = people
        self._folder = folder
        self._redis_url = redis_url
        settings = Settings(config=folder / "shipmate.yaml", state_dir=folder, redis_url=Secret(redis_url))
        self._house = assemble(settings)
        self._handlers = Slack(self._house, OneWorkspace(Api(_Agreeing()))).handlers()

    def messages(self) -> float:
        """Handle some; CPU seconds of one."""
        begun = time.process_time()
        for _ in range(BATCH):
            self._message(next(_numbers))
        return (time.process_time() - begun) / BATCH

    def fill(self, threads: int) -> None:
        """Have so many threads been known: their requests, cards and sessions."""
        self._message(0)
        with closing(sqlite3.connect(self._folder / "shipmate.db")) as database:
            for table, key in (("requests", "number"), ("deliveries", "request")):
                self._multiply(database, table, key, threads)
            database.commit()
        turn = Turn(say="deploy svc-1 v1.4.2 to staging", action="deploy", parameters={"service": "svc-1"})
        with closing(open_client(self._redis_url)) as client, client.pipeline(transaction=False) as pipeline:
            for number in range(threads):
                pipeline.rpush(f"shipmate:session:slack/{TEAM}/C/{number}", turn.model_dump_json())
                if number % 1_000 == 0:
                    pipeline.execute()
            pipeline.execute()

    def _multiply(self, database: sqlite3.Connection, table: str, key: str, times: int) -> None:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        other = {
            key: f"{key} + n",
            "cause": "cause || n",
            "place_key": "place_key || n",
            "state": "'done'",
            "holds_lock": "0",
            "finished_at": "created_at",
            "created_at": "created_at - 86400000000",
        }
        chosen = ", ".join(other.get(name, f'"{name}"') for name in columns)
        named = ", ".join(f'"{name}"' for name in columns)
        database.execute(
            f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {times}) "  # noqa: S608 - made of our own names
            f"INSERT INTO {table} ({named}) SELECT {chosen} FROM {table}, numbers WHERE {table}.{key} = 1"
        )

    def _message(self, number: int) -> None:
        text = f"<@{ME}> deploy svc-{number % SERVICES} v1.4.2 to staging"
        found = _taken(number, text, f"U{number % self._people:06}")
        inbox = self._house.passing.inbox
        inbox.put(key=found.key, order=found.order, kind=found.kind, body=found.body, at=self._house.clock.now())
        for delivered in inbox.take("bench", wait=1):
            with self._house.kept.together(), self._house.aside.open():
                self._handlers[delivered.kind](delivered)
            inbox.done(delivered, "bench")


def _taken(number: int, text: str, user: str) -> Taken:
    body = request(number, text=text, user=user).partition(b"\r\n\r\n")[2]
    found = sort(json.loads(body))
    assert isinstance(found, Taken)
    return found


def _dispatching(verbs: int) -> Callable[[], float]:
    """Finding out what a press means and making its action; CPU seconds of one."""
    known = Catalog((*catalog(()), *(_verb(number) for number in range(verbs - len(list(catalog(())))))))
    organization = Organization.model_validate({"environments": [{"name": "staging"}], "services": [{"name": "shop"}]})
    payload: dict[str, Any] = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": "U1"},
        "container": {"message_ts": "1.1", "channel_id": "C1"},
        "channel": {"id": "C1"},
        "actions": [{"action_id": "press:1", "value": "an-id", "action_ts": "2.2"}],
    }
    last = [verb.policy.name for verb in known if verb.policy.name.startswith("thing_")][-1]

    def batch() -> float:
        begun = time.process_time()
        for _ in range(2_000):
            found = sort(payload)
            assert isinstance(found, Taken)
            known[last].parse({"service": "shop"}, organization)
        return (time.process_time() - begun) / 2_000

    return batch


def _verb(number: int) -> Verb:
    from actions.core.kinds import ServiceName  # noqa: PLC0415 - names of annotations are looked up here

    def run(self: Any, context: Context) -> Greeting:
        del self, context
        return Greeting()

    def body(space: dict[str, Any]) -> None:
        space["__annotations__"] = {"service": ServiceName}
        space["__doc__"] = f"Do thing number {number}."
        space["run"] = run
        space["reply"] = lambda self, result, context: Reply(title=result.says)  # noqa: ARG005 - as verbs have it
        space["sample"] = classmethod(lambda cls: Sample(action=cls(service="shop"), result=Greeting()))

    keywords = {"name": f"thing_{number}", "queue": "inline", "phrases": (f"thing {number} of {{service}}",)}
    made: Verb = new_class(f"Thing{number}", (Action[Greeting],), keywords, body)
    return made
