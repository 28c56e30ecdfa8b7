"""A listener that dies in the midst of its work: whoever takes over does it once, and posts one card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.surfaces.slack.surface import Slack
from tests.bot.surfaces.slack.limits import nodes
from tests.bot.surfaces.slack.workspace import DANA, ERIN, PRODUCTION, STAGING, Office, click, company, message, says


class Died(BaseException):
    """The process is gone; nothing in it can catch that."""


def dies_after(owner: Any, name: str, patch: pytest.MonkeyPatch, *, call: int = 1) -> None:
    """Have the process die once a method has done its work for the so-manieth time."""
    work: Callable[..., Any] = getattr(owner, name)
    left = call

    def and_die(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        done = work(*arguments, **named)
        left -= 1
        if left == 0:
            raise Died
        return done

    patch.setattr(owner, name, and_die)


def take_over(office: Office) -> Slack:
    """Another listener, which knows only what is stored, takes the inbox over."""
    # Its leases have to lapse first.
    office.bot.clock.advance(5)
    office.slack = office.another_listener()
    return office.slack


POINTS: dict[str, Callable[[Office], tuple[Any, str]]] = {
    "the request is in the ledger": lambda o: (o.bot.house.gate, "dispatch"),
    "the card is posted": lambda o: (o.workspace, "chat_postMessage"),
    "the card is noted": lambda o: (o.bot.house.kept.deliveries, "note"),
    "it is answered, and not struck off": lambda o: (o.slack.handler, "_answer"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_message_acts_once_and_has_one_card(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(company())
    office.deliver(message(DANA, STAGING, "1.1"))
    owner, name = POINTS[point](office)
    with monkeypatch.context() as patch:
        if owner is office.bot.house.gate:
            # A frozen dataclass: its class is patched in its place.
            dispatch = type(owner).dispatch

            def and_die(gate: Any, request: Any) -> None:
                dispatch(gate, request)
                raise Died

            patch.setattr(type(owner), "dispatch", and_die)
        else:
            dies_after(owner, name, patch)
        with pytest.raises(Died):
            office.listen()
    take_over(office)
    office.pass_time(60)
    assert "runs in staging" in says(office.card())
    assert office.bot.house.kept.ledger.get("R-2") is None
    assert len(office.bot.cluster.commits) == 1


@pytest.mark.parametrize("approved", [False, True])
def test_who_takes_over_tells_the_workers_at_once(approved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(company())
    queue = office.bot.passing.queue
    if approved:
        office.say(DANA, PRODUCTION)
        office.pass_time(3)
        buttons = (node for node in nodes(office.posted()[0]["blocks"]) if node.get("type") == "button")
        approve = next(node for node in buttons if node["text"]["text"] == "Approve")
        office.deliver(click(ERIN, office.posted()[0], {**approve, "block_id": "b"}, {}))
    else:
        office.deliver(message(DANA, STAGING, "1.1"))
    with monkeypatch.context() as patch:
        # The workers are told beside the work, and the process is gone before.
        patch.setattr(queue, "perform", lambda *_, **__: None)
        dies_after(office.slack.handler, "_after_choice" if approved else "_answer", patch)
        with pytest.raises(Died):
            office.listen()
    take_over(office)
    office.listen()
    assert queue.jobs, "without waiting for the sweep"


def test_an_approval_counts_once_though_the_listener_dies_before_it_is_struck_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office(company())
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    card = office.posted()[0]
    approve = next(n for n in nodes(card["blocks"]) if n.get("type") == "button" and n["text"]["text"] == "Approve")
    office.deliver(click(ERIN, card, {**approve, "block_id": "b"}, {}))
    with monkeypatch.context() as patch:
        dies_after(office.slack.handler, "_after_choice", patch)
        with pytest.raises(Died):
            office.listen()
    take_over(office)
    office.pass_time(60)
    assert "runs in production" in says(office.card())
    assert not office.workspace.whispers
    assert len(office.bot.request("R-1").decisions) == 1


def test_a_call_for_approval_is_taken_away_by_another_listener() -> None:
    office = Office(company())
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    assert len(office.posted()) == 2
    take_over(office)
    office.press(ERIN, office.posted()[0], "Approve")
    office.pass_time(60)
    assert len(office.posted()) == 1
