"""The one-time page in Slack: its address reaches the one it is for, and never the channel."""

from __future__ import annotations

import json

import pytest

from actions.core.places import Place
from actions.core.ports.variables import ValuePages, Variables
from actions.core.request import Origin, Proposal
from bot.outside import WebPages
from bot.testing import Bot
from tests.bot.surfaces.slack.limits import shown
from tests.bot.surfaces.slack.workspace import CHANNEL, DANA, ERIN, TEAM, Office, Plain
from tests.bot.web.test_variables import Kept

SECRET = "not-to-be-guessed"


@pytest.fixture
def office() -> Office:
    tokens = iter(f"{SECRET}-{number}" for number in range(9))
    pages = WebPages("https://shipmate.example", lambda: next(tokens))
    bot = Bot(understanding=Plain, outside={Variables: Kept, ValuePages: lambda: pages})
    office = Office(bot=bot)
    proposal = Proposal(
        action="set_variable",
        parameters={"service": "checkout", "variable": "PAYMENT_TOKEN"},
        requester=office.bot.person("dana"),
        place=Place(surface="slack", channel=CHANNEL, tenant=TEAM),
        cause="test",
        origin=Origin.BUTTON,
    )
    office.bot.house.conversation.ask(proposal)
    office.bot.work()
    office.listen()
    office.bot.tick(2)
    office.slack.redraw_lagging()
    office.listen()
    return office


def public(office: Office) -> str:
    """All that anybody but the one it is for can see."""
    return json.dumps([message for (channel, _), message in office.workspace.messages.items() if channel == CHANNEL])


def test_the_card_names_who_gives_it_and_holds_no_address(office: Office) -> None:
    assert "dana gives the value of PAYMENT_TOKEN on a page of their own" in shown(office.card()["blocks"])
    assert "/variables/" not in public(office)


def test_the_one_it_is_for_is_told_the_address_alone(office: Office) -> None:
    office.press(DANA, office.card(), "Give the value")
    office.pass_time(3)
    (told,) = [message for user, message in office.workspace.whispers if user == DANA]
    assert f"https://shipmate.example/variables/R-1/{SECRET}" in json.dumps(told)
    assert SECRET not in public(office)
    assert len(office.posted()) == 1, "nothing new stands in the channel"


def test_where_a_whisper_is_not_possible_it_goes_to_them_directly(office: Office) -> None:
    office.workspace.fail["chat.postEphemeral"] = ["user_not_in_channel"]
    office.press(DANA, office.card(), "Give the value")
    office.pass_time(3)
    assert SECRET not in public(office)
    assert SECRET in json.dumps(office.posted("D" + DANA[1:]))


def test_anybody_else_is_told_that_it_is_not_theirs(office: Office) -> None:
    office.press(ERIN, office.card(), "Give the value")
    office.pass_time(3)
    ((user, told),) = office.workspace.whispers
    assert (user, "is for dana to give" in json.dumps(told)) == (ERIN, True)
    assert SECRET not in json.dumps(office.workspace.calls)


def test_slack_failing_now_and_then_makes_nothing_public(office: Office) -> None:
    office.workspace.fail["chat.postEphemeral"] = ["internal_error", "ratelimited"]
    office.press(DANA, office.card(), "Give the value")
    office.pass_time(20)
    assert SECRET not in public(office)
    assert any(user == DANA and SECRET in json.dumps(message) for user, message in office.workspace.whispers)
