"""Sessions, the bus and the queue: what is remembered for a day, announced, and asked of the workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import redis
from rq import SimpleWorker
from rq.job import JobStatus

from actions.core.errors import Unreachable
from actions.core.ports.messaging import Change, Turn
from bot.stores.open import open_redis
from bot.stores.redis import jobs
from bot.stores.redis.bus import RedisBus
from bot.stores.redis.client import UnusableRedisUrl
from bot.stores.redis.embedded import start_embedded
from bot.stores.redis.queue import RqQueue
from bot.stores.redis.sessions import KEPT, RedisSessions
from tests.bot.stores.making import NOW


def test_a_session_keeps_ten_turns_for_a_day(client: redis.Redis) -> None:
    sessions = RedisSessions(client)
    assert list(sessions.turns("t")) == []
    turns = [Turn(say=f"turn {number}", by="dana", action="status", missing=("service",)) for number in range(12)]
    for turn in turns:
        sessions.add("t", turn)
    assert list(sessions.turns("t")) == turns[2:]
    assert 0 < client.ttl("shipmate:session:t") <= KEPT.total_seconds()


def test_a_session_keeps_no_secret(client: redis.Redis) -> None:
    sessions = RedisSessions(client)
    sessions.add("t", Turn(say="my password=hunter2"))
    assert "hunter2" not in sessions.turns("t")[0].say


def test_who_listens_hears_of_changes(client: redis.Redis) -> None:
    bus = RedisBus(client)
    before, first, second = (
        Change(request=f"R-{n}", version=n + 1, surface="slack", order="T/C/1.1", at=NOW, settled=n > 1)
        for n in range(3)
    )
    bus.changed(before)
    with bus.changes() as following, bus.changes() as other:
        bus.changed(first)
        bus.changed(second)
        assert [following(1), following(1), following(0.01)] == [first, second, None]
        assert other(1) == first


def waiting(client: redis.Redis, name: str = "deploy") -> list[str]:
    return jobs.queue(client, name).job_ids


def test_a_request_is_pushed_once_while_it_waits(client: redis.Redis) -> None:
    queue = RqQueue(client)
    for _ in range(3):
        queue.perform("deploy", "R-1", timeout=30.5)
        queue.poll("argocd")
    assert waiting(client) == ["perform-R-1"]
    assert waiting(client, "poll") == ["poll-argocd"]
    job = jobs.queue(client, "deploy").fetch_job("perform-R-1")
    assert job is not None
    assert (job.func_name, list(job.args), job.timeout) == (jobs.PERFORM, ["R-1"], 31)


def test_a_push_while_the_job_runs_waits_behind_it(client: redis.Redis) -> None:
    queue = RqQueue(client)
    queue.perform("query", "R-1", timeout=30)
    job = jobs.queue(client, "query").fetch_job("perform-R-1")
    assert job is not None
    job.set_status(JobStatus.STARTED)
    client.delete("rq:queue:query")
    for _ in range(3):
        queue.perform("query", "R-1", timeout=30)
    assert waiting(client, "query") == ["perform-R-1-again"]


def done(request_id: str) -> None:
    """Stands for the worker's own function."""
    if request_id == "R-13":
        raise RuntimeError(request_id)


@pytest.fixture
def work(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> SimpleWorker:
    here = f"{__name__}.done"
    monkeypatch.setattr(jobs, "PERFORM", here)
    monkeypatch.setattr(jobs, "ALLOWED", frozenset({here}))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    worker = jobs.worker(client, ["deploy"], forks=False)
    assert isinstance(worker, SimpleWorker)
    return worker


@pytest.mark.wheels
@pytest.mark.parametrize("request_id", ["R-1", "R-13"])
def test_a_push_after_the_job_is_over_works(client: redis.Redis, work: SimpleWorker, request_id: str) -> None:
    queue = RqQueue(client)
    for _ in range(2):
        queue.perform("deploy", request_id, timeout=30)
        assert waiting(client) == [f"perform-{request_id}"]
        work.work(burst=True)
        assert waiting(client) == []


@pytest.mark.wheels
def test_a_push_while_the_job_runs_is_one_more(
    client: redis.Redis, work: SimpleWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, found = RqQueue(client), list[list[str]]()

    def pushes(request_id: str) -> None:
        if not found:
            queue.perform("deploy", request_id, timeout=30)
        found.append(waiting(client))

    monkeypatch.setattr(sys.modules[__name__], "done", pushes)
    queue.perform("deploy", "R-1", timeout=30)
    work.work(burst=True)
    assert found == [["perform-R-1"], []]


@pytest.mark.wheels
def test_a_job_that_fails_is_told_in_the_log_and_leaves_nothing(
    client: redis.Redis, work: SimpleWorker, caplog: pytest.LogCaptureFixture
) -> None:
    RqQueue(client).perform("deploy", "R-13", timeout=30)
    work.work(burst=True)
    assert "perform-R-13 failed" in caplog.text
    assert not client.keys("rq:job:*")


@pytest.mark.wheels
def test_a_worker_is_known_again_to_a_redis_that_lost_its_data(client: redis.Redis, work: SimpleWorker) -> None:
    client.flushall()
    assert not client.exists("rq:workers:deploy")
    work.heartbeat()
    assert client.exists("rq:workers:deploy")


def test_a_job_runs_nothing_that_is_not_allowed(client: redis.Redis) -> None:
    job = jobs.queue(client, "deploy").enqueue_call("os.system", args=("true",), on_failure=None)
    kept = jobs.queue(client, "deploy").fetch_job(job.id)
    assert kept is not None
    with pytest.raises(jobs.ForbiddenJob, match=r"os\.system"):
        _ = kept.func
    client.hset(kept.key, "failure_callback_name", "os.system")
    again = jobs.queue(client, "deploy").fetch_job(job.id)
    assert again is not None
    assert again.failure_callback is None


def test_the_queue_imports_rq_where_it_is_used() -> None:
    program = "import sys, bot.stores.open; print('rq' in sys.modules, 'alembic' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]


def test_a_redis_that_is_not_there_is_unreachable() -> None:
    stores = open_redis("redis://:hunter2@127.0.0.1:9/0")
    for act in (stores.ping, lambda: stores.sessions.turns("t"), lambda: stores.queue.poll("argocd")):
        with pytest.raises(Unreachable, match="Redis does not answer") as refused:
            act()
        assert "hunter2" not in str(refused.value)
    stores.close()


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(UnusableRedisUrl):
        open_redis("http://redis")


@pytest.mark.wheels
def test_the_embedded_server_keeps_what_it_holds(tmp_path: Path) -> None:
    state = tmp_path / ("long " * 30).replace(" ", "-")
    server = start_embedded(state)
    stores = open_redis(server.url)
    stores.sessions.add("t", Turn(say="hello"))
    second = start_embedded(state)
    assert second.url == server.url
    second.close()
    stores.ping()
    stores.close()
    server.close()
    server = start_embedded(state)
    stores = open_redis(server.url)
    assert [turn.say for turn in stores.sessions.turns("t")] == ["hello"]
    stores.close()
    server.close()
    server.close()


@pytest.mark.wheels
def test_a_server_left_behind_is_adopted(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys; from bot.stores.redis.embedded import start_embedded; "
        "start_embedded(pathlib.Path(sys.argv[1])); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    server = start_embedded(tmp_path)
    stores = open_redis(server.url)
    stores.ping()
    server.close()
    with pytest.raises(Unreachable):
        stores.ping()
    stores.close()


@pytest.mark.wheels
def test_work_resumes_by_itself_when_redis_comes_back(tmp_path: Path) -> None:
    server = start_embedded(tmp_path)
    stores = open_redis(server.url)

    def use(key: str) -> list[str]:
        stores.queue.perform("deploy", "R-1", timeout=30)
        stores.bus.changed(Change(request="R-1", version=1, surface="slack", order="thread", at=NOW, settled=False))
        assert stores.inbox.put(key=key, order="thread", kind="said", body={}, at=NOW)
        return [delivered.key for delivered in stores.inbox.take("w", wait=0.01)]

    assert use("e1") == ["e1"]
    server.close()
    for act in (stores.ping, lambda: use("e2"), lambda: list(stores.inbox.take("w", wait=0.01))):
        with pytest.raises(Unreachable):
            act()
    server = start_embedded(tmp_path)
    # What was stored is still there, the first of its thread; the scripts are not, and are loaded anew.
    assert use("e2") == ["e1"]
    assert waiting(stores.client) == ["perform-R-1"]
    stores.close()
    server.close()
