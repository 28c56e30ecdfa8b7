"""What a line means: a sentence, a command, a choice or a button; and scripts, who get one reply a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

import pytest

from actions.core.errors import Refused, Unreachable
from actions.core.kinds import UnknownName
from actions.core.request import State
from bot.surfaces.terminal.lines import converse
from bot.surfaces.terminal.talk import OneVoice, Quit, Talk, UnknownCommand, Voices

from .conftest import Cardboard, answer

Now = Callable[[], datetime]


def script(talk: Talk, now: Now, *lines: str) -> list[dict[str, Any]]:
    out = StringIO()
    converse(talk, lines, out, as_json=True, now=now)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_one_line_is_one_settled_reply(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [answer("Accepted", State.ACCEPTED)]
    house.later["R-1"] = [answer("Deploying", State.WAITING, version=2), answer("checkout runs", version=3)]
    assert script(talk, now, "deploy it", "", "  ") == [
        {
            "request": "R-1",
            "action": "deploy",
            "state": "done",
            "outcome": "so",
            "text": "◐ checkout runs\n  ▸  Sync  0.0 s",
            "buttons": [],
            "thread": "t",
        }
    ]
    assert house.told == [
        ("token-of-dana", "deploy it", "t"),
        ("token-of-dana", "R-1", 1, True),
        ("token-of-dana", "R-1", 2, True),
    ]


def test_waiting_for_people_is_settled(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [answer("Waits", State.AWAITING_APPROVAL, buttons=("Approve", "Deny"))]
    assert [(r["state"], r["buttons"]) for r in script(talk, now, "deploy")] == [
        ("awaiting_approval", ["Approve", "Deny"])
    ]


def test_what_an_approval_sets_going_settles_before_the_next_line(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [answer("Approved", request="R-2", follow="R-1"), answer("Status", request="R-3")]
    house.later["R-1"] = [answer("Deploying", State.WAITING, version=3), answer("Runs", version=4)]
    first, second = script(talk, now, "approve", "status")
    assert (first["request"], first["follows"]["request"], first["follows"]["state"]) == ("R-2", "R-1", "done")
    assert second["request"] == "R-3"


def test_a_question_is_answered_by_number_or_in_words(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [answer("Where?", None, choices=("staging", "production")), answer("Runs")]
    first, _ = script(talk, now, "deploy", "2")
    assert (first["request"], first["state"], first["asks_for"]) == (None, None, "environment")
    assert first["choices"] == ["staging", "production"]
    assert house.told[1] == ("token-of-dana", "production", "t")


def test_a_number_presses_the_button_beside_it(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [answer("Runs", buttons=("Roll back", "Promote")), answer("Promoted", request="R-2")]
    out = StringIO()
    converse(talk, ["deploy", "2"], out, as_json=False, now=now)
    assert "[1] Roll back   [2] Promote" in out.getvalue()
    assert house.told[1] == ("token-of-dana", "offer-R-1-Promote", {}, "t")


def test_people_are_switched_and_commands_print_nothing_as_json(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [answer("Approved")]
    assert len(script(talk, now, "/as @Erin", "approve", "/quit", "never said")) == 1
    assert house.told == [("token-of-erin", "approve", "t")]


def test_a_failure_is_one_reply_too_and_the_rest_goes_on(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [Refused("You may not.", remedy="Ask."), answer("Help")]
    first, second = script(talk, now, "a", "b")
    assert (first["outcome"], first["text"]) == ("error", "You may not. Ask.")
    assert second["state"] == "done"
    assert script(talk, now, "/as nobody")[0]["text"].startswith("There is no person “nobody”.")


def test_nobody_answering_ends_the_script(talk: Talk, house: Cardboard, now: Now) -> None:
    house.answers = [Unreachable("Shipmate", "Gone.")]
    with pytest.raises(Unreachable):
        script(talk, now, "a")


def test_commands_of_the_chat(talk: Talk) -> None:
    assert talk.hear("/as erin") == "You speak as erin."
    assert "/as" in str(talk.hear("/keys"))
    with pytest.raises(Quit):
        talk.hear("/quit")
    with pytest.raises(UnknownCommand, match="/fly"):
        talk.hear("/fly away")
    with pytest.raises(UnknownName, match="Did you mean erin"):
        talk.hear("/as erim")


def test_outside_the_sandbox_there_is_one_voice(house: Cardboard) -> None:
    talk = Talk(house, Voices("dana", {"dana": "t"}))
    with pytest.raises(OneVoice, match="SHIPMATE_TOKEN"):
        talk.hear("/as erin")


def keys(talk: Talk, *labels: str, request: str) -> Sequence[str]:
    return talk.keys.of(answer("x", buttons=labels, request=request))


def test_keys_begin_with_one_again_where_nothing_else_is_shown(talk: Talk) -> None:
    keys(talk, "Cancel", request="R-1")
    talk.keys.restart()
    assert keys(talk, "Roll back", request="R-2") == ["1"]


def test_a_new_card_takes_no_key_that_an_older_one_shows(talk: Talk) -> None:
    assert keys(talk, "Cancel", request="R-1") == ["1"]
    assert keys(talk, "Roll back", "Promote", request="R-2") == ["2", "3"]
    assert keys(talk, "Cancel", request="R-1") == ["1"]
    pressed = talk.keys.get("1")
    assert pressed is not None
    assert pressed.offer == "offer-R-1-Cancel"


def test_buttons_beyond_the_ninth_have_no_key(talk: Talk) -> None:
    assert keys(talk, *"abcdefghijk", request="R-1") == [*"123456789", "", ""]
