"""Somebody with a token of their own, and bad intentions, at the HTTP API of a real Shipmate."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.running import Shipmate, state, text


@pytest.fixture(scope="module", params=[pytest.param("sqlite", marks=pytest.mark.wheels)])
def stores(request: pytest.FixtureRequest) -> str:
    """SQLite alone: what a door lets through does not hang on where things are kept."""
    return str(request.param)


def held(shipmate: Shipmate) -> Any:
    answer = shipmate.person("dana").say("deploy catalog v3.2.0 to production")
    assert state(answer) == "awaiting_approval", text(answer)
    return answer


def test_without_a_token_or_with_a_forged_one_there_is_no_answer(shipmate: Shipmate) -> None:
    for headers in ({}, {"Authorization": "Bearer forged"}, {"Authorization": "Basic c2FtOnNhbQ=="}):
        url = f"{shipmate.here.url}/api/v1/chat"
        assert httpx.post(url, json={"say": "whoami"}, headers=headers, trust_env=False).status_code == 401


def test_nobody_speaks_in_another_name(shipmate: Shipmate) -> None:
    waiting = held(shipmate)
    request = waiting.request.id
    foreign = {"parameters": {"request": request}, "requester": "erin", "person": "erin"}
    assert shipmate.http("POST", "actions/approve", "dana", json=foreign).status_code == 422
    inside = {"parameters": {"request": request, "person": "erin"}}
    assert shipmate.http("POST", "actions/approve", "dana", json=inside).status_code == 422
    headers = {"X-Forwarded-User": "erin", "X-Remote-User": "erin"}
    said = shipmate.http("POST", "chat", "dana", json={"say": f"approve {request}"}, headers=headers)
    assert "nobody approves their own" in said.text
    assert state(shipmate.person("dana").say(f"cancel {request}")) == "done"


def test_a_button_holds_what_it_held_whatever_is_sent_along(shipmate: Shipmate) -> None:
    first, second = held(shipmate), None
    deny = first.offers[[button.label for button in first.reply.buttons].index("Deny")]
    pressed = shipmate.http(
        "POST", "press", "erin", json={"offer": deny, "fields": {"request": "R-999", "reason": "no"}}
    )
    assert pressed.json()["reply"]["title"].startswith(f"Denied {first.request.id}")
    second = held(shipmate)
    approve = second.offers[[button.label for button in second.reply.buttons].index("Approve")]
    stolen = shipmate.http("POST", "press", "sam", json={"offer": approve})
    assert "You may not approve" in stolen.text
    assert "no longer known" in shipmate.http("POST", "press", "sam", json={"offer": "forged"}).text
    assert state(shipmate.person("dana").say(f"cancel {second.request.id}")) == "done"


@pytest.mark.parametrize(
    "parameters",
    [
        {"version": "v1.4.2\nevil: true"},
        {"version": "v1; rm -rf /"},
        {"version": "../../../etc/passwd"},
        {"version": "v" * 100_000},
        {"service": "chеckout"},  # noqa: RUF001 - one letter of it is Cyrillic, on purpose
        {"service": ["checkout"], "version": None, "environment": {}},
        {"strategy": "evil"},
        {"cause": "mine"},
        {"environment": "development\u202e"},
    ],
)
def test_a_parameter_that_is_no_such_thing_goes_nowhere(shipmate: Shipmate, parameters: dict[str, Any]) -> None:
    before = shipmate.commits("checkout", "development")
    good = {"service": "checkout", "version": "v1.4.1", "environment": "development"}
    answer = shipmate.http("POST", "actions/deploy", "sam", json={"parameters": {**good, **parameters}})
    assert answer.status_code == 422, answer.text
    assert len(answer.text) < 2_000
    assert shipmate.commits("checkout", "development") == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b'{"parameters":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001, 422),
        (b'{"say":"\\ud800"}', 422),
        (json.dumps({"say": "a" * 1_100_000}).encode(), 413),
        (json.dumps({"say": "a" * 9_000}).encode(), 422),
        (json.dumps({"say": "(" * 7_900}).encode(), 200),
        (json.dumps({"say": "deploy \x00 \x1b[31m checkout"}).encode(), 200),
    ],
    ids=["broken", "deep", "surrogate", "beyond a mebibyte", "too long", "brackets", "control characters"],
)
def test_a_body_that_is_meant_to_break_something_does_not(shipmate: Shipmate, body: bytes, status: int) -> None:
    answer = shipmate.http("POST", "chat", "sam", content=body)
    assert answer.status_code == status, answer.text[:300]
    assert "Traceback" not in answer.text


def test_markup_in_a_reason_stays_text(shipmate: Shipmate) -> None:
    request = held(shipmate).request.id
    reason = "[bold red]x[/] \x1b[31m <!channel> [link=http://evil]y[/link]"
    denied = shipmate.http("POST", "actions/deny", "erin", json={"parameters": {"request": request, "reason": reason}})
    assert denied.json()["request"]["state"] == "done", denied.text
    card = shipmate.person("dana").look(request)
    assert "\x1b" not in text(card)
    assert "[bold red]x[/]" in text(card)


def test_of_those_who_decide_at_once_one_is_heard_and_a_freeze_holds(shipmate: Shipmate) -> None:
    request = held(shipmate).request.id
    said = [("erin", f"approve {request}"), ("ada", f"deny {request}"), ("erin", f"approve {request}")]
    with ThreadPoolExecutor(4) as pool:
        frozen = pool.submit(lambda: shipmate.person("ada").say("freeze catalog in production"))
        answers = list(pool.map(lambda one: shipmate.person(one[0]).say(one[1]), said))
        assert state(frozen.result()) == "done"
    assert [state(answer) for answer in answers].count("done") <= 1
    card = shipmate.person("dana").settle(shipmate.person("dana").look(request))
    runs = shipmate.runs("catalog", "production")
    assert state(card) in {"done", "denied", "refused", "awaiting_approval"}, text(card)
    assert (runs == "v3.2.0") == (state(card) == "done"), text(card)
    assert "The audit chain holds." in text(shipmate.person("lena").say("audit"))
    assert "Traceback" not in shipmate.log()
