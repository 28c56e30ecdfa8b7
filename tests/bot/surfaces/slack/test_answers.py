"""What Shipmate asks back in Slack: each question is answered once, by a click or by words, and leads to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actions import catalog
from actions.core.organization import Organization
from bot.testing import COMPANY, Bot
from intents.recognizer import Recognizer
from tests.bot.surfaces.slack.workspace import (
    CHANNEL,
    DANA,
    ERIN,
    ME,
    Office,
    buttons,
    company,
    refused,
    says,
)

SAM = "U0SAM"
ASKS = f"<@{ME}> deploy checkout v1.4.2"


@pytest.fixture(scope="module")
def local(learned: Path) -> Recognizer:
    return Recognizer(catalog(), Organization.model_validate(COMPANY), cache=learned)


@pytest.fixture
def listening(local: Recognizer) -> Office:
    """An office that understands what people type as the real one does."""
    return Office(bot=Bot(company(), understanding=lambda: local))


def made(office: Office, number: int) -> bool:
    return office.bot.house.kept.ledger.get(f"R-{number}") is not None


@pytest.mark.parametrize("second", [(DANA, "staging"), (ERIN, "staging"), (ERIN, "development")])
def test_a_question_is_answered_once_whoever_presses_what(office: Office, second: tuple[str, str]) -> None:
    office.say(DANA, ASKS)
    question = office.card()
    asked = {**question}
    office.press(DANA, question, "development")
    who, what = second
    office.press(who, asked, what)
    office.pass_time(60)
    assert not made(office, 2)
    assert "checkout v1.4.2 runs in development" in says(office.posted()[-1])
    told = [says(whisper) for user, whisper in office.workspace.whispers if user == who]
    assert [told[0][:45]] == ["Deploy checkout v1.4.2 to development was cho"] if what == "staging" else not told


def test_an_answer_that_is_refused_leaves_the_question_to_others(office: Office) -> None:
    office.say(DANA, ASKS)
    question = {**office.card()}
    office.press(SAM, question, "production")
    assert buttons(office.card()) == buttons(question), "who may not does not use the question up"
    office.press(DANA, question, "staging")
    office.pass_time(60)
    assert "checkout v1.4.2 runs in staging" in says(office.posted()[-1])


def test_the_next_question_takes_the_place_of_the_one_answered_and_words_go_on_from_it(listening: Office) -> None:
    thread = listening.say(DANA, f"<@{ME}> restart")
    question = listening.card()
    assert "Which service?" in says(question)
    listening.press(DANA, question, "checkout") if buttons(question) else listening.choose(DANA, question, "checkout")
    assert "Which environment? (restart checkout)" in says(listening.card())
    listening.say(DANA, "staging", thread=thread)
    listening.pass_time(60)
    assert "checkout" in says(listening.posted()[-1])
    assert "restarted" in says(listening.posted()[-1])


def test_words_go_on_from_what_was_chosen(listening: Office) -> None:
    thread = listening.say(DANA, ASKS)
    listening.press(DANA, listening.card(), "development")
    listening.pass_time(60)
    listening.say(DANA, "same to staging", thread=thread)
    listening.pass_time(60)
    assert "checkout v1.4.2" in says(listening.posted()[-1])
    assert "staging" in says(listening.posted()[-1])


@pytest.mark.parametrize("channel", [CHANNEL, "D0DANA"])
def test_a_question_that_is_answered_in_words_loses_its_buttons(listening: Office, channel: str) -> None:
    thread = listening.say(DANA, ASKS, channel=channel)
    assert buttons(listening.card(channel))
    listening.say(DANA, "staging", thread="" if channel.startswith("D") else thread, channel=channel)
    listening.pass_time(60)
    question, card = listening.posted(channel)
    assert not buttons(question)
    assert "answered; `R-1` goes on" in says(question)
    assert "checkout v1.4.2 runs in staging" in says(card)


def test_words_that_leave_something_open_close_the_question_before(listening: Office) -> None:
    thread = listening.say(DANA, f"<@{ME}> restart")
    listening.say(DANA, "checkout", thread=thread)
    before, after = listening.posted()
    assert "Answered" in says(before)
    assert "Which environment? (restart checkout)" in says(after)


@pytest.mark.parametrize("trouble", ["ratelimited", "internal_error", "token_revoked"])
def test_a_question_that_slack_would_not_take_is_asked_in_its_thread_later(office: Office, trouble: str) -> None:
    office.workspace.fail["chat.postMessage"] = [trouble, trouble]
    thread = office.say(DANA, ASKS)
    assert not office.posted()
    office.pass_time(10)
    assert "Which environment?" in says(office.card(CHANNEL))
    assert office.card()["thread_ts"] == thread


def test_a_question_whose_call_broke_is_not_asked_twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    post = office.workspace.chat_postMessage

    def break_off(**message: Any) -> dict[str, Any]:
        post(**message)
        monkeypatch.undo()
        raise refused("internal_error")

    monkeypatch.setattr(office.workspace, "chat_postMessage", break_off)
    office.say(DANA, ASKS)
    office.pass_time(10)
    assert "Which environment?" in says(office.card())


def test_what_one_person_alone_is_told_arrives_after_slack_failed(office: Office) -> None:
    office.workspace.fail["chat.postEphemeral"] = ["ratelimited"]
    office.say(DANA, ASKS)
    office.press(SAM, office.card(), "production", response_url="gone")
    assert not office.workspace.whispers
    office.pass_time(10)
    assert [user for user, _ in office.workspace.whispers] == [SAM]


def test_home_is_drawn_after_slack_failed(office: Office) -> None:
    office.workspace.fail["views.publish"] = ["ratelimited"]
    event = {"type": "app_home_opened", "tab": "home", "user": DANA, "event_ts": "1.1"}
    office.deliver({"type": "event_callback", "team_id": "T0SHOP", "event": event})
    office.listen()
    office.pass_time(10)
    assert DANA in office.workspace.homes
