"""Modals that cannot be opened, and those that would be filled in for nothing."""

from __future__ import annotations

import pytest

from actions.core.people import TO_OUTSIDERS
from tests.bot.surfaces.slack.workspace import (
    CHANNEL,
    DANA,
    ERIN,
    LENA,
    PRODUCTION,
    TEAM,
    Office,
    buttons,
    says,
)

GUEST = "U0GUEST"


def whispered(office: Office, to: str) -> dict[str, object]:
    """The last thing that one person alone was told."""
    return [said for who, said in office.workspace.whispers if who in {to, f"https://respond/{to}"}][-1]


def again(office: Office, user: str) -> None:
    """Somebody presses the button by which a form is opened again."""
    told = whispered(office, user)
    assert buttons(told) == ["Open the form"]
    office.press(user, {**told, "channel": CHANNEL, "ts": "9.9"}, "Open the form")


@pytest.mark.parametrize("trouble", ["expired_trigger_id", "exchanged_trigger_id", "internal_error", "ratelimited"])
def test_a_menu_that_was_not_opened_is_a_button_away(office: Office, trouble: str) -> None:
    office.workspace.fail["views.open"] = [trouble]
    assert office.command(DANA, "/shipmate") is None
    again(office, DANA)
    (view,) = office.workspace.views
    assert view["callback_id"] == "menu"
    assert CHANNEL in view["private_metadata"]


def test_a_question_about_a_message_that_was_not_opened_is_a_button_away(office: Office) -> None:
    office.deliver(
        {
            "type": "message_action",
            "team": {"id": TEAM},
            "user": {"id": DANA, "team_id": TEAM},
            "channel": {"id": CHANNEL},
            "message": {"ts": "1.5", "text": "deploy failed"},
            "trigger_id": "expired",
            "response_url": f"https://respond/{DANA}",
            "action_ts": "7.7",
        }
    )
    office.listen()
    again(office, DANA)
    (view,) = office.workspace.views
    assert "deploy failed" in says(view)
    assert office.send_off(DANA, view, text="help") is None
    office.pass_time(2)
    assert office.card()["thread_ts"] == "1.5"


@pytest.mark.parametrize(
    ("user", "why"), [(LENA, "needs devops or above"), (GUEST, TO_OUTSIDERS)], ids=["may not", "guest"]
)
def test_who_may_not_deny_is_told_why_instead_of_asked_for_a_reason(office: Office, user: str, why: str) -> None:
    office.workspace.users[GUEST] = {"is_restricted": True}
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    card = office.posted()[0]
    office.press(user, card, "Deny")
    assert not office.workspace.views
    assert why in says(whispered(office, user))
    assert "waits for approval" in says(card)


def test_what_is_decided_is_not_asked_a_reason_for(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    stale = dict(office.posted()[0])
    office.press(ERIN, stale, "Approve")
    office.pass_time(60)
    office.press(ERIN, stale, "Deny")
    assert not office.workspace.views
    assert "R-1 does not wait for approval: erin approved it, and it is done." in says(whispered(office, ERIN))


def test_a_guest_is_told_why_there_is_no_menu(office: Office) -> None:
    office.workspace.users[GUEST] = {"is_restricted": True}
    answer = office.command(GUEST, "/shipmate")
    assert answer is not None
    assert answer["text"] == TO_OUTSIDERS
    assert not office.workspace.views


def test_a_button_that_nobody_knows_is_answered(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    card = office.posted()[0]
    tampered = {**card, "blocks": [block for block in card["blocks"] if block["type"] == "actions"]}
    for element in tampered["blocks"][0]["elements"]:
        element["value"] = "made up"
    office.press(ERIN, tampered, "Deny")
    assert "no longer known" in says(whispered(office, ERIN))


def test_a_question_that_a_form_answers_is_answered_once(office: Office) -> None:
    office.say(DANA, "<@U0MATE> deploy checkout to staging")
    question = dict(office.card())
    office.press(DANA, question, "Fill in the form")
    office.press(ERIN, question, "Fill in the form")
    first, second = office.workspace.views
    assert office.send_off(DANA, first, 1, version="v1.4.2") is None
    assert office.send_off(ERIN, second, 2, version="v1.4.1") is None
    office.pass_time(60)
    assert office.bot.house.kept.ledger.get("R-2") is None
    assert not buttons(office.posted()[0])
    assert "checkout v1.4.2 runs in staging" in says(office.posted()[-1])
