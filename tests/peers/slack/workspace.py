"""A Slack workspace in local-slack, an independent Slack in one program, driven as its people would."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.bot.surfaces.slack.limits import nodes, shown
from tests.peers.conftest import Start, answers, eventually, free_port

TEAM, ME, CHANNEL = "T0SHOP", "U0MATE", "C0OPS"
BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-test", "xapp-test", "test-signing-secret"


class Workspace:
    """A running workspace.

    Args:
        binary: the program.
        start: starts programs.
        home: a folder for its configuration.
        mode: how it delivers: "events" or "socket".
        deliver_to: where Shipmate takes HTTP in.
        users: the ids and names of its people.
    """

    def __init__(
        self, binary: Path, start: Start, home: Path, *, mode: str, deliver_to: str, users: Mapping[str, str]
    ) -> None:
        self.port = free_port()
        self._deliver_to = deliver_to
        config = {
            "workspace": {"name": "Lanternshop", "domain": "lanternshop", "teamId": TEAM},
            "app": {
                "appId": "A0MATE",
                "botUserId": ME,
                "botName": "shipmate",
                "botToken": BOT_TOKEN,
                "appToken": APP_TOKEN,
                "signingSecret": SECRET,
                "mode": mode,
                "requestUrl": deliver_to,
            },
            "users": [{"id": user, "name": name} for user, name in users.items()],
            "channels": [{"id": CHANNEL, "name": "ops", "members": [*users, ME]}],
        }
        file = home / "slack.json"
        file.write_text(json.dumps(config))
        start("slack", str(binary), "--config", str(file), "--port", str(self.port), "--base-host", "127.0.0.1")
        eventually(lambda: answers(f"{self.url}/_control/state"), "local-slack")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, *, socket_mode: bool) -> dict[str, str]:
        """What Shipmate is to know of it."""
        known = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_API_URL": f"{self.url}/api/"}
        return known | ({"SLACK_APP_TOKEN": APP_TOKEN} if socket_mode else {"SLACK_SIGNING_SECRET": SECRET})

    def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, f"{self.url}/_control/{path}", json=body, timeout=20, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def say(self, user: str, text: str, thread: str = "") -> str:
        """Somebody writes a message; its time-stamp."""
        body = {"channel": CHANNEL, "user": user, "text": text, **({"thread_ts": thread} if thread else {})}
        return str(self.control("message", body)["message"]["ts"])

    def command(self, user: str, command: str, text: str = "") -> None:
        self.control("command", {"channel": CHANNEL, "user": user, "command": command, "text": text})

    def press(self, user: str, card: Mapping[str, Any], label: str) -> None:
        """Somebody presses the button of that label."""
        for block in card["blocks"]:
            for element in block.get("elements", ()):
                if element.get("type") == "button" and element["text"]["text"] == label:
                    action = {**element, "block_id": block.get("block_id", "b")}
                    asked = {"channel": card["channel"], "messageTs": card["ts"], "user": user, "action": action}
                    self.control("interact", asked)
                    return
        raise AssertionError(f"no button {label!r} on {shown(card['blocks'])!r}")

    def answers(self, thread: str = "", *, to: str = "") -> list[dict[str, Any]]:
        """What Shipmate posted: in a thread, or to one person alone."""
        messages: list[dict[str, Any]] = self.control(f"messages/{CHANNEL}")["messages"]
        mine = [m for m in messages if m.get("user") == ME and m.get("ephemeral_to", "") == to]
        return [m for m in mine if not thread or m.get("thread_ts") == thread]

    def await_answer(self, words: str, thread: str = "", *, to: str = "") -> dict[str, Any]:
        """Wait until Shipmate's answer says something; the message."""
        found: list[dict[str, Any]] = []

        def said() -> bool:
            found[:] = [m for m in self.answers(thread, to=to) if words in says(m) and m.get("blocks")]
            return bool(found)

        eventually(said, f"{words!r}; there is {[says(m) for m in self.answers(thread, to=to)]}")
        return found[-1]

    def modal(self) -> dict[str, Any]:
        """The modal that is open."""
        views: list[list[dict[str, Any]]] = []

        def is_open() -> bool:
            views[:] = [look(self.port)["modalStack"]]
            return bool(views[0])

        eventually(is_open, "a modal")
        return views[0][-1]

    def home(self, user: str) -> str:
        """What App Home says to somebody."""
        self.control("open-home", {"user": user})
        views: list[Any] = []

        def is_drawn() -> bool:
            views[:] = [look(self.port)["homeViews"].get(user, {}).get("A0MATE")]
            return views[0] is not None

        eventually(is_drawn, "App Home")
        view = views[0]
        return shown(view.get("view", view)["blocks"])

    def send_off(self, user: str, **values: str) -> dict[str, str]:
        """Somebody fills in the open modal and sends it off; the errors at its fields."""
        filled: dict[str, Any] = {}
        for node in nodes(self.modal()["blocks"]):
            if node.get("type") == "input" and node["block_id"] in values:
                value, kind = values[node["block_id"]], node["element"]["type"]
                chosen = {"type": kind, "selected_option": {"value": value}}
                filled[node["block_id"]] = {"value": chosen if "select" in kind else {"type": kind, "value": value}}
        with closing(Browser(self.port)) as browser:
            browser.send({"t": "view_submit", "user": user, "values": filled})
            told = browser.await_any("view", "view_errors")
        errors: dict[str, str] = told.get("errors") or {}
        return errors

    def trigger(self) -> str:
        """A trigger that opens a modal, from what was delivered last."""
        found = re.findall(r'"trigger_id": ?"([^"]+)"', json.dumps(self.control("log")).replace("\\", ""))
        assert found, "nothing was delivered that carries a trigger"
        return str(found[-1])

    def deliver(self, payload: Mapping[str, Any]) -> Any:
        """Deliver what this Slack knows nothing of, signed as Slack signs it; what Shipmate answers."""
        who = {"team": {"id": TEAM}, "channel": {"id": CHANNEL}, "trigger_id": "1.1", **payload}
        body = urlencode({"payload": json.dumps(who)}).encode()
        stamp = str(int(time.time()))
        digest = hmac.digest(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, "sha256").hex()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        }
        answer = httpx.post(self._deliver_to, content=body, headers=headers, timeout=20, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None


def look(port: int) -> dict[str, Any]:
    """The state of the workspace, as its page shows it."""
    with closing(Browser(port)) as browser:
        return browser.state


class Browser:
    """The workspace's page in a browser, as far as we need it: it tells its state and takes what people do.

    Args:
        port: where the workspace is.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        ask = f"GET /ui HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._socket.sendall(f"{ask}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self._read = self._socket.makefile("rb")
        while self._read.readline().strip():
            pass
        self.state: dict[str, Any] = json.loads(self._frame())["state"]

    def send(self, message: Mapping[str, Any]) -> None:
        """Tell what a person did."""
        data, mask = json.dumps(message).encode(), os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data))
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._socket.sendall(b"\x81" + size + mask + masked)

    def await_any(self, *kinds: str) -> dict[str, Any]:
        """Wait until something of these kinds happens."""
        while True:
            told: dict[str, Any] = json.loads(self._frame())
            if told["t"] in kinds:
                return told

    def close(self) -> None:
        """Leave the page."""
        self._read.close()
        self._socket.close()

    def _frame(self) -> bytes:
        size = self._read.read(2)[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._read.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._read.read(8))
        return self._read.read(size)


def says(message: Mapping[str, Any]) -> str:
    """All that a message shows, on one line."""
    return shown(message["blocks"]).replace("\n", " ") if message.get("blocks") else str(message.get("text", ""))
