"""Processes end by SIGKILL in the midst of their work, at seeded moments.

Whatever dies when: nothing is done twice, nothing that was accepted is lost, each card ends with the truth, and the
audit chain holds.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from actions.core.errors import ShipmateError
from bot.wire import Answer
from tests.e2e.running import Shipmate, eventually, state, text

pytestmark = pytest.mark.crash

WITHIN = 120.0
"""How long everything may take to settle after a crash, in seconds: a lease (30 s) may have to lapse first, more than once."""
LONGEST = 4.0
"""The latest moment of a crash after the first request, in seconds; by then most of it is over."""


class Asked(NamedTuple):
    """One request of a round, and where the outside shows it."""

    person: str
    sentence: str
    service: str
    environment: str
    version: str


ROUND = (
    Asked("sam", "deploy ledger-writer v2.2.0 to development", "ledger-writer", "development", "v2.2.0"),
    Asked("lena", "deploy notifications v1.2.1 to staging", "notifications", "staging", "v1.2.1"),
    Asked("lena", "deploy checkout v1.5.0 to staging", "checkout", "staging", ""),
    Asked("dana", "deploy catalog v3.2.0 to production", "catalog", "production", "v3.2.0"),
    Asked("sam", "run pipeline search", "search", "", ""),
)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def process(name: str) -> Callable[[Shipmate], None]:
    def victim(shipmate: Shipmate) -> None:
        if name in shipmate.here.processes:
            kill(shipmate.here.processes[name][0])

    return victim


def descendants(pid: int) -> list[int]:
    """A process's children and theirs, the eldest first."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def job(shipmate: Shipmate) -> None:
    """The youngest process under the worker: a job where one runs, else one of the two that take jobs."""
    under = descendants(shipmate.here.processes["worker"][0])
    if under:
        kill(under[-1])


def valkey(shipmate: Shipmate) -> None:
    with suppress(redis.RedisError), redis.Redis(unix_socket_path=str(shipmate.socket)) as client:
        kill(int(client.info("server")["process_id"]))


def valkey_with_its_data(shipmate: Shipmate) -> None:
    valkey(shipmate)
    for path in (shipmate.state / "valkey").glob("appendonly*"):
        shutil.rmtree(path, ignore_errors=True)


def supervisor(shipmate: Shipmate) -> None:
    shipmate.killed()
    shipmate.start()


def everything(shipmate: Shipmate) -> None:
    """As when the power goes: every process at once."""
    under = descendants(shipmate.process)
    shipmate.killed()
    valkey(shipmate)
    for pid in under:
        kill(pid)
    shipmate.start()


VICTIMS: Mapping[str, Callable[[Shipmate], None]] = {
    "worker": process("worker"),
    "job": job,
    "clock": process("clock"),
    "web": process("web"),
    "listener": process("listener"),
    "valkey": valkey,
    "valkey with its data": valkey_with_its_data,
    "sandbox": process("sandbox"),
    "supervisor": supervisor,
    "everything": everything,
}
MOMENTS = 3


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory, bare_environment: dict[str, str]) -> Path:
    """The state of a company that was just founded; a copy of it is quicker than another one."""
    state_dir = tmp_path_factory.mktemp("founded")
    Shipmate(state_dir, bare_environment)
    return state_dir


@pytest.fixture
def shipmate(founded: Path, tmp_path: Path, bare_environment: dict[str, str]) -> Iterator[Shipmate]:
    shutil.copytree(founded, tmp_path, dirs_exist_ok=True)
    running = Shipmate(tmp_path, bare_environment).start()
    yield running
    running.stop()


@pytest.mark.parametrize(("victim", "seed"), list(product(VICTIMS, range(MOMENTS))))
def test_whatever_is_killed_each_request_ends_once_and_truly(shipmate: Shipmate, victim: str, seed: int) -> None:
    moments = random.Random(f"{victim}-{seed}")  # noqa: S311 - a seeded moment, not a secret
    begun = {asked: begin(shipmate, asked) for asked in ROUND}
    time.sleep(moments.uniform(LONGEST * seed / MOMENTS, LONGEST * (seed + 1) / MOMENTS))
    VICTIMS[victim](shipmate)

    held = begun[ROUND[3]]
    eventually(lambda: stands(shipmate, held) not in {"accepted", "running", ""}, WITHIN)
    if stands(shipmate, held) == "awaiting_approval":
        approved = patiently(lambda: shipmate.person("erin").say(f"approve {held}"))
        assert state(approved) == "done", text(approved)
    for asked, request in begun.items():
        eventually(lambda request=request: is_over(shipmate, request), WITHIN)  # type: ignore[misc]
        is_true(shipmate, asked, request)
    trail = patiently(lambda: shipmate.person("lena").say("audit"))
    assert "The audit chain holds." in text(trail)
    with closing(sqlite3.connect(shipmate.state / "shipmate.db")) as database:
        causes = database.execute("SELECT count(*), count(DISTINCT cause) FROM requests").fetchone()
        assert causes[0] == causes[1]


def begin(shipmate: Shipmate, asked: Asked) -> str:
    answer = shipmate.person(asked.person).begin(asked.sentence)
    assert answer.request is not None, text(answer)
    return answer.request.id


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask again while something is still being started; the question is one of those that do no harm twice."""
    for _ in range(20):
        try:
            return ask()
        except ShipmateError:
            time.sleep(1)
    return ask()


def stands(shipmate: Shipmate, request: str) -> str:
    with suppress(ShipmateError, OSError, AssertionError):
        return state(shipmate.person("dana").look(request))
    return ""


def is_over(shipmate: Shipmate, request: str) -> bool:
    return stands(shipmate, request) in {"done", "failed", "refused", "cancelled", "expired", "denied"}


def is_true(shipmate: Shipmate, asked: Asked, request: str) -> None:
    """What the card says is what is there, and it was done once."""
    card = patiently(lambda: shipmate.person("dana").look(request))
    said = text(card)
    assert card.request is not None
    assert "Traceback" not in said
    if not asked.environment:
        assert state(card) in {"done", "failed"}, said
        return
    made = [
        message.split()[0]
        for message in shipmate.commits(asked.service, asked.environment)
        if re.search(rf"^Shipmate-Request: {request}\b", message, re.MULTILINE)
    ]
    runs = shipmate.runs(asked.service, asked.environment)
    assert made.count("Deploy") <= 1, made
    assert made.count("Revert") <= 1, made
    match card.request.outcome:
        case "deployed":
            assert made == ["Deploy"], said
            assert runs == asked.version, said
        case "rolled back":
            assert made == ["Revert", "Deploy"], said
            assert f"{runs} runs" in card.reply.title, said
        case _:
            # Nothing was made, or the card asks somebody to look.
            assert not made or card.reply.tone == "bad", said
            assert card.reply.blocks, said
