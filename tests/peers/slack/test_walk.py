"""The walk of the README in an independent Slack, over HTTP and over Socket Mode: ask, form, approve, card, freeze, why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.conftest import Start, eventually, free_port
from tests.peers.slack.workspace import CHANNEL, ME, TEAM, Workspace, says

pytestmark = pytest.mark.peers

DANA, ERIN, SAM = "U0DANA", "U0ERIN", "U0SAM"
USERS = {DANA: "dana", ERIN: "erin", SAM: "sam"}


@pytest.fixture(params=["events", "socket"])
def slack(
    request: pytest.FixtureRequest,
    package: Callable[[str], Path],
    start: Start,
    shipmate: Callable[..., str],
    tmp_path: Path,
) -> Workspace:
    binary = package("local-slack-linux-x64") / "bin" / "local-slack"
    port = free_port()
    events = f"http://127.0.0.1:{port}/slack/events"
    slack = Workspace(binary, start, tmp_path, mode=request.param, deliver_to=events, users=USERS)
    shipmate({**slack.environment(socket_mode=request.param == "socket"), "SHIPMATE_PORT": str(port)})
    if request.param == "socket":
        eventually(lambda: "connected by Socket Mode" in (tmp_path / "shipmate.log").read_text(), "Socket Mode")
    return slack


def test_the_walk(slack: Workspace) -> None:
    # A deployment to staging: one card in the thread, that lives.
    thread = slack.say(DANA, f"<@{ME}> deploy checkout v1.4.2 to staging")
    card = slack.await_answer("runs in staging", thread)
    assert len(slack.answers(thread)) == 1

    # Production: a second person decides, and nobody else.
    thread = slack.say(DANA, f"<@{ME}> deploy checkout v1.4.2 to production")
    card = slack.await_answer("waits for approval", thread)
    slack.press(DANA, card, "Approve")
    slack.await_answer("", to=DANA)
    slack.press(ERIN, card, "Approve")
    card = slack.await_answer("runs in production", thread)
    assert f"<@{ERIN}> approved" in says(card)
    eventually(lambda: len(slack.answers(thread)) == 1, "the call for approval to be gone")

    # Back again, by the button of the card; and denied in a modal with a reason.
    slack.press(DANA, card, "Roll back")
    back = slack.await_answer("waits for approval", thread)
    slack.press(ERIN, back, "Deny")
    assert slack.modal()["callback_id"] == "form"
    slack.send_off(ERIN, reason="it is fine as it is")
    slack.await_answer("it is fine as it is", thread)

    # A freeze stops the next one, and says so.
    slack.command(DANA, "/shipmate", "freeze production because of the sale")
    slack.await_answer("Frozen")
    thread = slack.say(DANA, f"<@{ME}> deploy checkout v1.4.1 to production")
    slack.await_answer("was refused", thread)
    slack.say(DANA, "why", thread)
    slack.await_answer("refused freeze", thread)

    # The menu, and the form of what is chosen in it; App Home.
    slack.command(SAM, "/shipmate")
    assert slack.modal()["callback_id"] == "menu"
    home = slack.home(ERIN)
    assert "every change in production" in home
    assert "v1.4.2" in home
    assert all(message["channel"] == CHANNEL for message in slack.answers())


def test_a_question_and_its_form(slack: Workspace) -> None:
    thread = slack.say(DANA, f"<@{ME}> deploy checkout v1.4.2")
    question = slack.await_answer("Which environment", thread)
    slack.press(DANA, question, "staging")
    slack.await_answer("runs in staging", thread)

    thread = slack.say(DANA, f"<@{ME}> deploy checkout to development")
    question = slack.await_answer("Which version", thread)
    slack.press(DANA, question, "Fill in the form")
    slack.modal()
    errors = slack.send_off(DANA, version="not a version!")
    assert list(errors) == ["version"]
    assert slack.modal()["callback_id"] == "form", "a form with errors stays open"
    assert slack.send_off(DANA, version="v1.4.2") == {}
    slack.await_answer("runs in development", thread)


def test_the_commands_and_their_menu(slack: Workspace) -> None:
    # An operation's card is for the channel, an answer for the one who asked.
    slack.command(DANA, "/deploy", "checkout v1.4.2 to staging")
    slack.await_answer("runs in staging")
    slack.command(DANA, "/status", "checkout")
    slack.await_answer("checkout is", to=DANA)
    assert all("checkout is" not in says(message) for message in slack.answers())
    slack.command(DANA, "/rollback", "checkout in staging")
    slack.await_answer("v1.4.1 runs in staging")

    # Decided from App Home, which shows it.
    slack.command(DANA, "/deploy", "checkout v1.4.2 to production")
    slack.await_answer("waits for approval")
    assert "1 request waits for your approval" in slack.home(ERIN)
    slack.command(ERIN, "/shipmate", "deny R-4 because the shop is full")
    slack.await_answer("the shop is full")


@pytest.mark.parametrize("slack", ["events"], indirect=True)
def test_what_only_slack_itself_can_send(slack: Workspace) -> None:
    """What this Slack does not send is sent as the reference has it; what comes of it, it judges."""
    slack.command(DANA, "/shipmate")
    menu = slack.modal()
    chosen = {"type": "static_select", "action_id": "verb:menu", "selected_option": {"value": "deploy"}}
    dana = {"user": {"id": DANA, "team_id": TEAM}}
    assert slack.deliver({"type": "block_actions", **dana, "view": menu, "actions": [chosen]}) is None
    form = slack.modal()
    assert form["callback_id"] == "form"
    asked = {"type": "block_suggestion", **dana, "view": form, "block_id": "service", "value": "CHECK"}
    assert [option["value"] for option in slack.deliver(asked)["options"]] == ["checkout"]
    filled = {"service": "checkout", "environment": "staging"}
    assert list(slack.send_off(DANA, **filled, version="no such!")) == ["version"]
    assert slack.send_off(DANA, **filled, version="v1.4.2") == {}
    slack.await_answer("runs in staging")

    said = slack.say(SAM, "the build of checkout is red again")
    slack.command(DANA, "/status", "checkout")
    shortcut = {"type": "message_action", "callback_id": "ask", "message": {"ts": said, "text": "it is red"}}
    assert slack.deliver({**shortcut, **dana, "trigger_id": slack.trigger()}) is None
    assert slack.modal()["callback_id"] == "question"
    slack.send_off(DANA, text="status of checkout")
    slack.await_answer("checkout is", said)
