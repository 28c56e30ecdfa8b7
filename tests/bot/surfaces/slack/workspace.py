"""A Slack to test with: a recording Web API in the process, and people who write, press and fill in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from itertools import count
from typing import Any

from actions.core.ports.messaging import Turn
from actions.core.request import Origin
from bot.surfaces.slack.client import Api, Down, OneWorkspace, SlackFailed, failure
from bot.surfaces.slack.door import Answer
from bot.surfaces.slack.surface import Slack, door_of
from bot.testing import COMPANY, Bot
from intents.meaning import Asks, Hint, Lacks, Meaning, Message, Unclear
from tests.bot.surfaces.slack.limits import check_blocks, nodes, shown

TEAM, ME, CHANNEL = "T0SHOP", "U0MATE", "C0OPS"
ADDRESS = "https://shipmate.example"
STAGING = f"<@{ME}> deploy checkout v1.4.2 to staging"
PRODUCTION = f"<@{ME}> deploy checkout v1.4.2 to production"
DANA, ERIN, LENA = "U0DANA", "U0ERIN", "U0LENA"


class Workspace:
    """The Web API of one workspace: what was posted stands here.

    Attributes:
        messages: what everybody sees, by channel and time-stamp.
        whispers: what one person alone was told, in order: user and message.
        calls: every call, in order.
        fail: what makes a method fail: an error's name, or an exception; taken off one by one.
    """

    def __init__(self) -> None:
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.whispers: list[tuple[str, dict[str, Any]]] = []
        self.views: list[dict[str, Any]] = []
        self.homes: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fail: dict[str, list[str | Exception]] = {}
        self.gone: set[str] = set()
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, list[str]] = {}
        self._stamps = count(1)

    def ask(self, method: str, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        del token
        given = deepcopy(dict(arguments))
        self.calls.append((method, given))
        failing = self.fail.get(method)
        if failing:
            trouble = failing.pop(0)
            if isinstance(trouble, OSError):
                # As the line tells of a connection that broke.
                raise Down(method, type(trouble).__name__)
            raise trouble if isinstance(trouble, Exception) else refused(trouble)
        answer: Callable[..., dict[str, Any]] = getattr(self, method.replace(".", "_"))
        return {"ok": True, **answer(**given)}

    def auth_test(self) -> dict[str, Any]:
        return {"user_id": ME, "team_id": TEAM}

    def users_info(self, user: str) -> dict[str, Any]:
        return {"user": {"id": user, "team_id": TEAM, **self.users.get(user, {})}}

    def usergroups_users_list(self, usergroup: str) -> dict[str, Any]:
        return {"users": self.groups[usergroup]}

    def chat_postMessage(self, channel: str, **message: Any) -> dict[str, Any]:  # noqa: N802 - Slack's own name
        if channel in self.gone:
            raise refused("is_archived")
        channel = "D" + channel[1:] if channel.startswith("U") else channel
        if "blocks" in message:
            check_blocks(message["blocks"], most=50)
        ts = self.stamp()
        self.messages[channel, ts] = {**message, "ts": ts, "channel": channel}
        return {"channel": channel, "ts": ts}

    def chat_update(self, channel: str, ts: str, **message: Any) -> dict[str, Any]:
        if channel in self.gone or (channel, ts) not in self.messages:
            raise refused("message_not_found")
        check_blocks(message["blocks"], most=50)
        self.messages[channel, ts].update(message)
        return {"channel": channel, "ts": ts}

    def chat_delete(self, channel: str, ts: str) -> dict[str, Any]:
        del self.messages[channel, ts]
        return {}

    def chat_postEphemeral(self, user: str, **message: Any) -> dict[str, Any]:  # noqa: N802 - Slack's own name
        self.whispers.append((user, message))
        return {}

    def conversations_replies(self, channel: str, ts: str, **_: Any) -> dict[str, Any]:
        found = [m for m in self.messages.values() if m["channel"] == channel and m.get("thread_ts") == ts]
        return {"messages": found}

    def conversations_history(self, channel: str, **_: Any) -> dict[str, Any]:
        return {"messages": [m for m in self.messages.values() if m["channel"] == channel and not m.get("thread_ts")]}

    def reactions_add(self, **_: Any) -> dict[str, Any]:
        return {}

    reactions_remove = assistant_threads_setStatus = assistant_threads_setSuggestedPrompts = reactions_add  # noqa: N815 - Slack's own names

    def views_open(self, trigger_id: str, view: dict[str, Any]) -> dict[str, Any]:
        if trigger_id == "expired":
            raise refused("expired_trigger_id")
        check_view(view)
        self.views.append(view)
        return {}

    def views_update(self, view: dict[str, Any], **_: Any) -> dict[str, Any]:
        check_view(view)
        self.views.append(view)
        return {}

    def views_publish(self, user_id: str, view: dict[str, Any]) -> dict[str, Any]:
        check_blocks(view["blocks"], most=100)
        self.homes[user_id] = view
        return {}

    def respond(self, response_url: str, message: Mapping[str, Any]) -> bool:
        if response_url == "gone":
            return False
        self.whispers.append((response_url, dict(message)))
        return True

    def stamp(self) -> str:
        return f"17000000{next(self._stamps):02}.000100"

    def count(self, method: str) -> int:
        return sum(called == method for called, _ in self.calls)


def refused(error: str, status: int = 200, headers: Mapping[str, str] | None = None) -> SlackFailed:
    """As Slack refuses a call, whichever it is."""
    return failure("a call", status, {"ok": False, "error": error}, headers or {})


def check_view(view: dict[str, Any]) -> None:
    check_blocks([b for b in view["blocks"] if b["type"] != "input"], most=100)
    assert len(view["title"]["text"]) <= 24
    assert len(view["private_metadata"]) <= 3000
    assert len(json.dumps(view)) < 250_000


class Plain:
    """Understands a handful of sentences, word by word."""

    def recognize(self, message: Message, thread: Sequence[Turn] = ()) -> Meaning:
        text = message.text
        if found := re.fullmatch(r"deploy (\S+)(?: (v\S+))?(?: to (\S+))?", text):
            given = dict(zip(("service", "version", "environment"), found.groups(), strict=True))
            known = {name: value for name, value in given.items() if value}
            missing = tuple(name for name, value in given.items() if not value)
            if missing:
                return Lacks(action="deploy", parameters=known, missing=missing, origin=Origin.GRAMMAR)
            return Asks(action="deploy", parameters=known, origin=Origin.GRAMMAR)
        if found := re.fullmatch(r"(approve|deny|cancel) (R-\d+)", text):
            return Asks(action=found[1], parameters={"request": found[2]}, origin=Origin.GRAMMAR)
        if text in {"help", "services"}:
            return Asks(action=text, origin=Origin.GRAMMAR)
        if text == "how is checkout":
            return Asks(action="status", parameters={"service": "checkout"}, origin=Origin.GRAMMAR)
        return Unclear(hint=Hint.OUT_OF_SCOPE)


def company(**more: Any) -> dict[str, Any]:
    """The company of `bot.testing`, each of its people with a Slack user of their name; sections may be replaced."""
    people = [{**person, "slack": f"U0{person['name'].upper()}"} for person in COMPANY["people"]]
    return {**COMPANY, "people": people, **more}


class Office:
    """A workspace with people in it, and Shipmate listening.

    Args:
        company: the configuration.
        bot: Shipmate, where it is to be another.
        workspace: its Slack, where it is to be another.
    """

    def __init__(
        self,
        company: Mapping[str, Any] | None = None,
        *,
        bot: Bot | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        self.workspace = workspace or Workspace()
        self.bot = bot or Bot(company or COMPANY, understanding=Plain)
        where = OneWorkspace(Api(self.workspace))
        self.door = door_of(self.bot.house, where)
        self.slack = Slack(self.bot.house, where, answer=self.workspace.respond, address=ADDRESS)
        self._heard = 0
        self._stamps = count(1)

    def another_listener(self) -> Slack:
        """A second listener, which knows only what is stored."""
        where = OneWorkspace(Api(self.workspace))
        return Slack(self.bot.house, where, answer=self.workspace.respond, address=ADDRESS)

    def deliver(self, payload: Mapping[str, Any]) -> Answer:
        """Slack delivers something."""
        return self.door.take(payload)

    def say(self, user: str, text: str, *, thread: str = "", channel: str = CHANNEL, **more: Any) -> str:
        """Somebody writes a message; its time-stamp."""
        ts = f"16000000{next(self._stamps):02}.000100"
        self.deliver(message(user, text, ts, thread=thread, channel=channel, **more))
        self.listen()
        return ts

    def press(self, user: str, card: Mapping[str, Any], label: str, *, trigger: str = "trigger", **more: Any) -> Answer:
        """Somebody presses the button of that label."""
        for block in card["blocks"]:
            for element in block.get("elements", ()):
                if element.get("type") == "button" and element["text"]["text"] == label:
                    held = {**element, "block_id": block.get("block_id", "b")}
                    return self._click(user, card, held, {"trigger_id": trigger, **more})
        raise AssertionError(f"no button {label!r} on {shown(card['blocks'])!r}")

    def choose(self, user: str, card: Mapping[str, Any], label: str, **more: Any) -> Answer:
        """Somebody chooses what has that label in a select."""
        for block in card["blocks"]:
            for element in block.get("elements", ()):
                for option in element.get("options", ()):
                    if option["text"]["text"] == label:
                        chosen = {**element, "value": option["value"]}
                        return self._click(user, card, chosen, more)
        raise AssertionError(f"no choice {label!r} on {shown(card['blocks'])!r}")

    def _click(self, user: str, card: Mapping[str, Any], element: Mapping[str, Any], more: Mapping[str, Any]) -> Answer:
        pressed = {"block_id": "b", **element, "action_ts": f"5.{next(self._stamps)}"}
        answer = self.deliver(click(user, card, pressed, more))
        self.listen()
        return answer

    def send_off(self, user: str, view: Mapping[str, Any], number: int = 1, **values: str) -> Answer:
        """Somebody fills in a modal and sends it off."""
        entries = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                value, kind = values.get(block["block_id"]), block["element"]["type"]
                chosen = {"selected_option": {"value": value} if value else None}
                entries[block["block_id"]] = {"value": chosen if "select" in kind else {"value": value}}
        answer = self.deliver(
            {
                "type": "view_submission",
                "team": {"id": TEAM},
                "user": {"id": user, "team_id": TEAM},
                "view": {**view, "id": f"V{number}", "hash": "h", "state": {"values": entries}},
            }
        )
        self.listen()
        return answer

    def command(self, user: str, command: str, text: str = "", trigger: str = "1.1") -> Answer:
        """Somebody types a slash command."""
        answer = self.deliver(
            {
                "command": command,
                "text": text,
                "team_id": TEAM,
                "channel_id": CHANNEL,
                "user_id": user,
                "trigger_id": trigger,
                "response_url": f"https://respond/{user}",
            }
        )
        self.listen()
        return answer

    def listen(self, slack: Slack | None = None) -> None:
        """Let the listener handle all there is, and draw what changed."""
        listener = slack or self.slack
        inbox, announced = self.bot.passing.inbox, self.bot.passing.bus.announced
        for _ in range(50):
            while self._heard < len(announced):
                listener.draw(announced[self._heard])
                self._heard += 1
            listener.agenda.flush()
            listener.again.agenda.flush()
            waiting = list(inbox.take("test", wait=0))
            if not waiting:
                return
            for delivered in waiting:
                listener.handlers()[delivered.kind](delivered)
                inbox.done(delivered, "test")

    def pass_time(self, seconds: int = 30) -> None:
        """Let time pass, the workers work and the listener draw."""
        self.bot.work()
        self.listen()
        for _ in range(seconds):
            if not self.bot.open() and not self.slack.agenda.waiting + self.slack.again.agenda.waiting:
                return
            self.bot.tick()
            self.slack.redraw_lagging()
            self.listen()

    def posted(self, channel: str = CHANNEL) -> list[dict[str, Any]]:
        """What stands in a channel, oldest first."""
        return [m for (where, _), m in self.workspace.messages.items() if where == channel]

    def card(self, channel: str = CHANNEL) -> dict[str, Any]:
        """The only message there."""
        (card,) = self.posted(channel)
        return card


def message(user: str, text: str, ts: str, *, thread: str = "", channel: str = CHANNEL, **more: Any) -> dict[str, Any]:
    """A message as the Events API delivers it."""
    event = {
        "type": "message",
        "user": user,
        "text": text,
        "ts": ts,
        "channel": channel,
        "channel_type": "im" if channel.startswith("D") else "channel",
        **({"thread_ts": thread} if thread else {}),
        **more,
    }
    authorizations = [{"team_id": TEAM, "user_id": ME, "is_bot": True}]
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": f"Ev{ts}",
        "event": event,
        "authorizations": authorizations,
    }


def click(user: str, card: Mapping[str, Any], element: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A press as Slack delivers it."""
    inside = {"ts": card["ts"], **({"thread_ts": card["thread_ts"]} if card.get("thread_ts") else {})}
    action = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": element["block_id"],
        "action_ts": element.get("action_ts", "5.5"),
    }
    return {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "channel": {"id": card["channel"]},
        "container": {"type": "message", "message_ts": card["ts"], "channel_id": card["channel"]},
        "message": inside,
        "trigger_id": "trigger",
        "actions": [{**action, **_chosen(element)}],
        **more,
    }


def _chosen(element: Mapping[str, Any]) -> dict[str, Any]:
    value = element.get("value")
    return {"selected_option": {"value": value}} if "select" in element["type"] else {"value": value}


def says(card: Mapping[str, Any]) -> str:
    """All that a message shows."""
    return shown(card["blocks"]) if card.get("blocks") else str(card["text"])


def buttons(card: Mapping[str, Any]) -> list[str]:
    """The labels of a message's buttons."""
    return [node["text"]["text"] for node in nodes(card["blocks"]) if node.get("type") == "button"]


def whispered(office: Office, user: str) -> list[str]:
    """What one person alone was told: by a message of their own, or in answer to what they pressed."""
    return [says(said) for who, said in office.workspace.whispers if who in {user, f"https://respond/{user}"}]
