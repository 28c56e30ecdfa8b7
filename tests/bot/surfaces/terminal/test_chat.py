"""The chat at a terminal: keys in, cards out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from actions.core.errors import Refused
from actions.core.request import State
from bot.surfaces.terminal.chat import Chat
from bot.surfaces.terminal.talk import Talk
from bot.wire import Answer

from .conftest import Cardboard, answer

Type = Callable[..., list[str]]


@pytest.fixture
def typed(talk: Talk, now: Callable[[], datetime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types into a chat and returns what it printed for good."""

    def typed(*keys: str) -> list[str]:
        printed: list[str] = []
        with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
            chat = Chat(
                talk, now=now, history=tmp_path / "history", colour=False, keyboard=keyboard, screen=DummyOutput()
            )
            monkeypatch.setattr(chat, "_print", printed.append)
            keyboard.send_text("".join(keys))
            chat.run()
        return printed[1:]

    return typed


def test_a_sentence_is_echoed_with_who_said_it_and_answered(typed: Type, house: Cardboard, tmp_path: Path) -> None:
    house.answers = [answer("checkout runs", buttons=("Roll back",))]
    assert typed("status\r", "/quit\r") == [
        "dana> status",
        "◐ checkout runs\n  ▸  Sync  0.0 s\n  [1] Roll back",
        "dana> /quit",
    ]
    assert "status" in (tmp_path / "history").read_text()


def test_a_digit_on_an_empty_line_presses_the_button_beside_it(typed: Type, house: Cardboard) -> None:
    house.answers = [answer("Runs", buttons=("Roll back", "Promote")), answer("Promoted", request="R-2")]
    assert typed("deploy\r", "2", "/quit\r")[2:4] == ["dana> [2] Promote", "◐ Promoted\n  ▸  Sync  0.0 s"]
    assert house.told[1] == ("token-of-dana", "offer-R-1-Promote", {}, "t")


def test_a_digit_within_a_sentence_and_one_without_a_button_are_text(typed: Type, house: Cardboard) -> None:
    house.answers = [answer("Runs", buttons=("Roll back",)), answer("Fine"), answer("Fine")]
    typed("deploy\r", "v1\r", "7x\r", "/quit\r")
    assert [told[1] for told in house.told] == ["deploy", "v1", "7x"]


def test_after_a_question_a_digit_is_part_of_the_answer(typed: Type, house: Cardboard) -> None:
    house.answers = [
        answer("Runs", buttons=("Roll back",)),
        answer("Which version?", None, choices=("v1", "v2")),
        answer("Fine"),
    ]
    typed("deploy\r", "deploy\r", "1.4.2\r", "/quit\r")
    assert [told[1] for told in house.told] == ["deploy", "deploy", "1.4.2"]


def test_a_button_that_asks_for_something_has_it_filled_in(typed: Type, house: Cardboard) -> None:
    house.later["R-1"] = [answer("Denied", State.DENIED, version=2)]
    house.answers = [
        answer("Waits", State.AWAITING_APPROVAL, buttons=("Deny",), asks_for=("reason",)),
        answer("Denied it", request="R-2"),
    ]
    typed("deploy\r", "1", "too late\r", "/quit\r")
    assert ("token-of-dana", "offer-R-1-Deny", {"reason": "too late"}, "t") in house.told


def test_somebody_else_speaks(typed: Type, house: Cardboard) -> None:
    house.answers = [answer("Approved")]
    assert typed("/as erin\r", "approve\r", "/quit\r")[1:3] == ["You speak as erin.", "erin> approve"]


def test_a_failure_is_told_and_the_chat_goes_on(typed: Type, house: Cardboard) -> None:
    house.answers = [Refused("You may not.", remedy="Ask."), answer("Fine")]
    assert typed("a\r", "b\r", "/quit\r")[1] == "✖ You may not. Ask."


def test_the_end_of_input_ends_the_chat(typed: Type) -> None:
    assert typed("\x04") == []


def test_control_c_clears_the_line(typed: Type, house: Cardboard) -> None:
    house.answers = [answer("Fine")]
    typed("oh no\x03", "help\r", "/quit\r")
    assert [told[1] for told in house.told] == ["help"]


def test_what_goes_on_is_redrawn_above_the_line_and_printed_once_it_has_settled(
    talk: Talk, house: Cardboard, now: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower has a thread of its own, which this test holds up so as to look in between."""
    house.answers = [answer("Deploying", State.WAITING, buttons=("Cancel",))]
    go, done = threading.Event(), threading.Event()
    printed: list[str] = []
    drawn: list[str] = []

    def wait_for_the_end(_: Answer, __: str) -> Answer:
        assert go.wait(5)
        return answer("checkout runs", version=2)

    monkeypatch.setattr(talk, "next", wait_for_the_end)
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        chat = Chat(talk, now=now, colour=False, keyboard=keyboard, screen=DummyOutput())

        def look(text: str) -> None:
            printed.append(text)
            if "checkout runs" in text:
                done.set()
                keyboard.send_text("/quit\r")

        message = chat._message

        def drawing() -> object:
            drawn.append(message().value)
            if "Deploying" in drawn[-1]:
                go.set()
            return message()

        monkeypatch.setattr(chat, "_print", look)
        monkeypatch.setattr(chat, "_message", drawing)
        keyboard.send_text("deploy\r")
        chat.run()
    assert done.is_set()
    assert "◐ Deploying\n  ▸  Sync  0.0 s\ndana> " in drawn
    assert [text.splitlines()[0] for text in printed[1:]] == ["dana> deploy", "◐ checkout runs", "dana> /quit"]
