"""What the door takes in and what it turns away: forged, old, doubled and unreadable deliveries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from actions.core.errors import Unreachable
from bot.surfaces.slack.at_once import in_threads
from bot.surfaces.slack.door import Answer, HttpDoor, Store, signed
from bot.surfaces.slack.intake import AtOnce, Taken, sort
from bot.testing.fakes import HandClock, MemoryInbox
from tests.bot.surfaces.slack.workspace import DANA, ME, TEAM, message

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_700_000_000.0


class Nothing:
    """Answers nothing at once."""

    def answer(self, found: AtOnce) -> Answer:
        return {"kind": found.kind}


class Slack:
    """Slack at the other side of the door."""

    def __init__(self) -> None:
        self.inbox = MemoryInbox()
        door = HttpDoor(Store(self.inbox, HandClock()), SECRET, now=lambda: NOW)
        door.answering.come(in_threads(Nothing()))
        self.client = TestClient(Starlette(routes=[Route("/slack/events", door, methods=["POST"])]))

    def send(self, body: str, *, at: float = NOW, kind: str = "application/json", **headers: str) -> Any:
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=str(int(at)), body=body)
        given = {
            "content-type": kind,
            "x-slack-request-timestamp": str(int(at)),
            "x-slack-signature": str(signature),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.client.post("/slack/events", content=body, headers=given)

    def taken(self) -> list[str]:
        return [delivered.kind for delivered in self.inbox.take("test", wait=0)]


@pytest.fixture
def slack() -> Slack:
    return Slack()


SAID = json.dumps(message(DANA, f"<@{ME}> help", "1.1"))


def test_a_delivery_is_stored_and_then_acknowledged(slack: Slack) -> None:
    response = slack.send(SAID)
    assert (response.status_code, response.content) == (200, b"")
    assert slack.taken() == ["slack.said"]


def test_retries_and_doubles_are_stored_once(slack: Slack) -> None:
    assert slack.send(SAID).status_code == 200
    assert slack.send(SAID, x_slack_retry_num="1").status_code == 200
    again = message(DANA, f"<@{ME}> help", "1.1", type="app_mention") | {"event_id": "EvOther"}
    assert slack.send(json.dumps(again)).status_code == 200
    assert len(slack.taken()) == 1


@pytest.mark.parametrize("age", [301, -301, 10_000])
def test_an_old_signature_is_refused(slack: Slack, age: int) -> None:
    assert slack.send(SAID, at=NOW - age).status_code == 401
    assert not slack.taken()


@pytest.mark.parametrize("signature", ["", "v0=", "v0=" + "0" * 64, "v1=x", "é"])
def test_a_forged_signature_is_refused(slack: Slack, signature: str) -> None:
    body, stamp = SAID.encode(), str(int(NOW))
    assert not signed(SECRET.encode(), stamp, body, signature, NOW)
    assert not signed(SECRET.encode(), "nan", body, signature, NOW)
    assert slack.send(SAID, x_slack_signature="v0=" + "0" * 64).status_code == 401
    assert not slack.taken()


def test_a_body_changed_on_the_way_is_refused(slack: Slack) -> None:
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=str(int(NOW)), body=SAID)
    assert slack.send(SAID + " ", x_slack_signature=str(signature)).status_code == 401


def test_what_cannot_be_stored_is_not_acknowledged(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(**_: Any) -> bool:
        raise Unreachable("Redis", "Redis does not answer.")

    monkeypatch.setattr(slack.inbox, "put", down)
    assert slack.send(SAID).status_code == 503


def test_the_address_is_verified(slack: Slack) -> None:
    response = slack.send(json.dumps({"type": "url_verification", "challenge": "abc"}))
    assert response.json() == {"challenge": "abc"}


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '"x"'])
def test_what_is_no_payload_is_refused(slack: Slack, body: str) -> None:
    assert slack.send(body).status_code == 400


def test_a_body_too_large_is_refused(slack: Slack) -> None:
    assert slack.send("x" * 1_100_000).status_code == 413


def test_forms_and_commands_come_in_too(slack: Slack) -> None:
    kind = "application/x-www-form-urlencoded"
    command = {"command": "/deploy", "text": "checkout", "trigger_id": "1.1", "team_id": TEAM, "channel_id": "C1"}
    assert slack.send(urlencode(command), kind=kind).content == b""
    assert slack.taken() == ["slack.command"]
    submitted = urlencode({"payload": json.dumps({"type": "view_submission"})})
    assert slack.send(submitted, kind=kind).json() == {"kind": "submit"}


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B1"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed", "message": {"text": "x"}},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"hidden": True},
        {"user": ME},
        {"edited": {"user": DANA}},
        {"type": "reaction_added"},
        {"text": "no mention, no thread"},
        {"ts": ""},
    ],
)
def test_what_is_not_said_to_shipmate_goes_no_further(event: Mapping[str, Any]) -> None:
    payload = message(DANA, f"<@{ME}> help", "1.1")
    assert sort({**payload, "event": {**payload["event"], **event}}) is None


def test_the_key_is_what_happened() -> None:
    said = sort(message(DANA, f"<@{ME}> help", "1.1", thread="0.9"))
    assert isinstance(said, Taken)
    assert said.key == f"slack/{TEAM}/C0OPS/1.1/said"
    assert said.order == f"slack/{TEAM}/C0OPS/0.9"


def test_links_are_no_clicks() -> None:
    assert sort({"type": "block_actions", "actions": [{"action_id": "press:0", "url": "https://x"}]}) is None


GRID = "E0SHOP"


@pytest.mark.parametrize(
    ("event", "outer", "own"),
    [
        ({"user_team": GRID}, {"enterprise_id": GRID}, TEAM),
        ({"user_team": GRID}, {"authorizations": [{"enterprise_id": GRID, "team_id": TEAM, "user_id": ME}]}, TEAM),
        ({"user_team": "E0OTHER"}, {"enterprise_id": GRID}, "E0OTHER"),
        ({"user_team": "T0OTHER"}, {}, "T0OTHER"),
        ({"team": TEAM}, {"team_id": "T0HOST"}, TEAM),
    ],
    ids=[
        "of our grid",
        "of our grid, by the installation",
        "of another grid",
        "of another workspace",
        "in their channel",
    ],
)
def test_whose_somebody_is_where_workspaces_share_a_grid_or_a_channel(
    event: Mapping[str, Any], outer: Mapping[str, Any], own: str
) -> None:
    payload = message(DANA, f"<@{ME}> help", "1.1")
    said = sort({**payload, "event": {**payload["event"], **event}, **outer})
    assert isinstance(said, Taken)
    assert (said.body["team"], said.body["user_team"]) == (TEAM, own)


def test_a_click_in_a_grid_is_its_members() -> None:
    click = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "enterprise": {"id": GRID},
        "user": {"id": DANA, "team_id": GRID},
        "channel": {"id": "C0OPS"},
        "actions": [{"action_id": "press:0", "value": "x", "action_ts": "1.2"}],
    }
    pressed = sort(click)
    assert isinstance(pressed, Taken)
    assert pressed.body["user_team"] == TEAM
