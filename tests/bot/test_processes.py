"""What the processes do when something they need is gone or slow: they wait, and hold nothing else up."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any, cast

import pytest

import bot.clock
import bot.worker
from actions.core.errors import Unreachable
from actions.core.ports.messaging import Change, Delivered
from bot.house import House
from bot.listener import OUTAGE_PAUSE, handle_until
from bot.testing import Bot

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Ending(threading.Event):
    """An event that is set at the second wait, and remembers how long each was to be."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if len(self.waits) > 1:
            self.set()
        return self.is_set()


class Surface:
    """A surface whose one kind of delivery fails as it is told to."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def handlers(self) -> dict[str, Any]:
        return {"test.said": self.fail}

    def fail(self, _: Delivered) -> None:
        raise self.error

    def draw(self, change: Change) -> None:
        """Nothing is drawn."""

    def redraw_lagging(self) -> None:
        """Nothing lags."""

    def close(self) -> None:
        """Nothing is open."""


def test_what_cannot_be_handled_now_is_given_again_after_a_pause() -> None:
    house = Bot().house
    house.passing.inbox.put(key="k", order="o", kind="test.said", body={}, at=NOON)
    ending = Ending()
    handle_until(ending, house, [Surface(Unreachable("the database", "It does not answer."))], "me")
    assert ending.waits == [OUTAGE_PAUSE, OUTAGE_PAUSE]
    assert [each.key for each in house.passing.inbox.take("me", wait=0)] == ["k"]


def test_a_card_of_a_surface_that_is_not_connected_is_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    house = Bot().house
    for kind in ("slack.draw", "slack.said"):
        house.passing.inbox.put(key=kind, order="o", kind=kind, body={}, at=NOON)
    ending = Ending()
    taken = house.passing.inbox.take

    def last(*arguments: Any, **named: Any) -> Any:
        yield from taken(*arguments, **named)
        ending.set()

    house.passing.inbox.take = last  # type: ignore[method-assign]
    handle_until(ending, house, [], "me")
    assert [(r.levelname, r.args) for r in caplog.records] == [("ERROR", ("slack.said",))]
    assert not list(taken("me", wait=0))


def test_an_inbox_that_cannot_be_read_ends_no_hand() -> None:
    class Spoilt:
        def take(self, *_: Any, **__: Any) -> Any:
            raise ValueError("not JSON")

    class Passing:
        inbox = Spoilt()

    class Spoiled:
        passing = Passing()

    ending = Ending()
    handle_until(ending, cast("House", Spoiled()), [], "me")
    assert ending.waits == [OUTAGE_PAUSE, OUTAGE_PAUSE]


def test_a_slow_sweep_holds_no_poll_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ending, sweeping, polls = threading.Event(), threading.Event(), []

    def slow(_: object) -> None:
        sweeping.set()
        ending.wait(10)

    def poll(_: object) -> None:
        if sweeping.is_set():
            polls.append(1)
        if len(polls) > 1:
            ending.set()

    monkeypatch.setattr(bot.clock, "TICK", 0.001)
    monkeypatch.setattr(bot.clock, "SWEEP_EVERY", 0.001)
    monkeypatch.setattr(bot.clock, "sweep", slow)
    monkeypatch.setattr(bot.clock, "poll_all_due", poll)
    bot.clock.tick_until(ending, cast("Any", None))
    assert len(polls) > 1


def test_a_worker_that_ends_at_once_is_started_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    forks, pauses = iter((11, 12, 13)), list[float]()

    def wait() -> tuple[int, int]:
        if len(pauses) > 1:
            raise ChildProcessError
        return 11 + len(pauses), 256

    monkeypatch.setattr("bot.worker.os.wait", wait)
    monkeypatch.setattr("bot.worker.signal.signal", lambda *_: None)
    monkeypatch.setattr("bot.worker.time.sleep", pauses.append)
    monkeypatch.setattr(bot.worker, "_fork", lambda _: next(forks))
    bot.worker._keep_alive({"reads": lambda: None})
    assert len(pauses) == 2
