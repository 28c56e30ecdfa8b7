"""The database or Redis goes and comes back: meanwhile nothing is accepted and readiness says so; then work resumes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from bot.stores.redis.embedded import start_embedded
from tests.bot.stores.postgresql import stopped
from tests.e2e.running import Shipmate, eventually, state, text

pytestmark = pytest.mark.crash


def not_accepted(shipmate: Shipmate) -> bool:
    """Whether something said is turned away with the reason, and not taken."""
    answer = shipmate.http("POST", "chat", "sam", json={"say": "run pipeline catalog"})
    assert "Traceback" not in answer.text
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE


def is_down(shipmate: Shipmate, what: str) -> bool:
    status, checks = shipmate.readiness()
    return status == httpx.codes.SERVICE_UNAVAILABLE and checks[what] != "ok"


@pytest.fixture
def on_postgresql(tmp_path: Path, bare_environment: dict[str, str], postgresql: str) -> Iterator[Shipmate]:
    with psycopg.connect(host=postgresql, user="postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE outages TEMPLATE template0")
    url = f"postgresql://postgres@/outages?host={postgresql}"
    shipmate = Shipmate(tmp_path, {**bare_environment, "SHIPMATE_DATABASE_URL": url}, hurried=False).start()
    yield shipmate
    shipmate.stop()


def test_the_database_goes_and_comes_back(on_postgresql: Shipmate, postgresql: str) -> None:
    shipmate = on_postgresql
    begun = shipmate.person("sam").begin("deploy catalog v3.1.1 to development")
    assert begun.request is not None
    with stopped(postgresql):
        eventually(lambda: is_down(shipmate, "database"))
        assert not_accepted(shipmate)
    eventually(lambda: shipmate.readiness()[0] == httpx.codes.OK)
    card = shipmate.person("sam").settle(shipmate.person("sam").look(begun.request.id), 120)
    assert "catalog v3.1.1 runs in development" in text(card), text(card)
    commits = shipmate.commits("catalog", "development")
    assert sum(f"Shipmate-Request: {begun.request.id}." in message for message in commits) == 1, commits
    assert state(shipmate.person("sam").say("run pipeline catalog")) == "done"
    assert "The audit chain holds." in text(shipmate.person("lena").say("audit"))


@pytest.mark.parametrize("keeps", [True, False], ids=["with its data", "empty"])
def test_redis_goes_and_comes_back(tmp_path: Path, bare_environment: dict[str, str], keeps: bool) -> None:
    home = tmp_path / "redis"
    server = start_embedded(home)
    environment = {**bare_environment, "SHIPMATE_REDIS_URL": server.url}
    shipmate = Shipmate(tmp_path / "state", environment, hurried=False).start()
    begun = shipmate.person("sam").begin("deploy catalog v3.1.1 to development")
    assert begun.request is not None
    server.close()
    eventually(lambda: is_down(shipmate, "redis"))
    assert not_accepted(shipmate)
    if not keeps:
        for path in (home / "valkey").glob("appendonly*"):
            shutil.rmtree(path, ignore_errors=True)
    server = start_embedded(home)
    eventually(lambda: shipmate.readiness()[0] == httpx.codes.OK, 120)
    card = shipmate.person("sam").settle(shipmate.person("sam").look(begun.request.id), 120)
    assert "catalog v3.1.1 runs in development" in text(card), text(card)
    assert state(shipmate.person("sam").say("run pipeline catalog")) == "done"
    assert shipmate.stop() == 0
    server.close()
