"""What the web process does before the house stands, while it is built, and when it cannot be built."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.surfaces.slack import door as slack_door
from bot.surfaces.slack.at_once import in_threads
from bot.surfaces.slack.door import Answer, HttpDoor, Store
from bot.surfaces.slack.entrance import PATH
from bot.surfaces.slack.intake import AtOnce
from bot.testing.fakes import HandClock, MemoryInbox
from bot.web import front as web_front
from bot.web import later
from bot.web.front import Front
from bot.web.site import Site
from tests.bot.surfaces.slack.workspace import DANA, ME, message

SECRET, NOW = "secret", 1_700_000_000.0
SAID = json.dumps(message(DANA, f"<@{ME}> help", "1.1")).encode()
FORM = {"type": "view_submission", "view": {"state": {"values": {"service": {}, "version": {}}}}}

Answered = tuple[int, dict[str, str], bytes]


class Errors:
    """Finds a fault in every form."""

    def answer(self, found: AtOnce) -> Answer:
        return {"response_action": "errors", "errors": {"service": f"{found.kind}: unknown"}}


class Street:
    """The web process's front, with the house yet to be built; those who come by."""

    def __init__(self) -> None:
        self.inbox = MemoryInbox()
        self.door = HttpDoor(Store(self.inbox, HandClock()), SECRET, now=lambda: NOW)
        self.front = Front({PATH: self.door})
        self.ended = asyncio.Event()
        self.lives: list[str] = []

    def build(self) -> None:
        """The house stands, and has the same door."""

        async def hello(_: Request) -> Response:
            return PlainTextResponse("hello")

        routes = [Route(PATH, self.door, methods=["POST"]), Route("/hello", hello), Route("/readyz", hello)]
        application = Starlette(routes=routes)
        application.state.close = lambda: None
        self.door.answering.come(in_threads(Errors()))
        self.front.site.come(Site(application, cast("Any", None)))

    async def live(self) -> None:
        """As a server lives with its application."""
        begun = False

        async def receive() -> dict[str, Any]:
            nonlocal begun
            if begun:
                await self.ended.wait()
                return {"type": "lifespan.shutdown"}
            begun = True
            return {"type": "lifespan.startup"}

        async def send(sent: Any) -> None:
            self.lives.append(sent["type"])

        await self.front({"type": "lifespan"}, receive, send)

    async def ask(self, path: str, body: bytes = b"", method: str = "GET", **headers: str) -> Answered:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(part: Any) -> None:
            sent.append(part)

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b""}
        await self.front(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], found, b"".join(part.get("body", b"") for part in sent[1:])

    async def deliver(self, body: bytes, kind: str = "application/json") -> Answered:
        """As Slack does."""
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=str(int(NOW)), body=body)
        signed = {"x_slack_request_timestamp": str(int(NOW)), "x_slack_signature": str(signature)}
        return await self.ask(PATH, body, "POST", content_type=kind, **signed)

    async def fill_in(self) -> Answered:
        body = urlencode({"payload": json.dumps(FORM)}).encode()
        return await self.deliver(body, "application/x-www-form-urlencoded")

    def taken(self) -> list[str]:
        return [delivered.kind for delivered in self.inbox.take("test", wait=0)]


def on_the_street(story: Callable[[Street], Awaitable[None]]) -> None:
    """Tell a story while the front is served."""

    async def told() -> None:
        street = Street()
        living = asyncio.ensure_future(street.live())
        await story(street)
        street.ended.set()
        await living
        assert street.lives == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    asyncio.run(told())


async def waiting(work: Awaitable[Answered]) -> asyncio.Future[Answered]:
    """Begin something, and see that it waits."""
    begun = asyncio.ensure_future(work)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not begun.done()
    return begun


def body_of(answered: Answered) -> Any:
    return json.loads(answered[2])


def test_the_door_imports_nothing_of_the_house() -> None:
    """Start-up time is noisy; what is imported is not."""
    program = "import sys, bot.cli, bot.commands.processes, bot.web.server; print('\\n'.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split())
    third_party = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    third_party -= {"__main__", "__mp_main__", "_distutils_hack"}
    assert third_party <= {"actions", "bot", "uvicorn", "click", "h11", "hiredis"}
    assert not loaded & {"bot.assembly", "bot.house", "bot.web.site", "actions.verbs", "actions.core.action"}


def test_an_event_is_acknowledged_before_the_house_stands_and_acts_once() -> None:
    async def story(street: Street) -> None:
        assert (await street.deliver(SAID))[::2] == (200, b"")
        assert street.taken() == ["slack.said"]
        street.build()
        assert (await street.ask("/hello"))[2] == b"hello"
        assert (await street.deliver(SAID))[0] == 200
        assert street.taken() == ["slack.said"]
        assert (await street.deliver(SAID.replace(b"1.1", b"1.2")))[0] == 200
        assert street.taken() == ["slack.said", "slack.said"]

    on_the_street(story)


def test_a_forged_event_is_refused_before_the_house_stands() -> None:
    async def story(street: Street) -> None:
        assert (await street.ask(PATH, SAID, "POST", x_slack_signature="v0=0"))[0] == 401
        assert street.taken() == []

    on_the_street(story)


def test_a_form_waits_for_the_house_and_is_answered() -> None:
    async def story(street: Street) -> None:
        form = await waiting(street.fill_in())
        street.build()
        assert body_of(await form)["errors"] == {"service": "submit: unknown"}

    on_the_street(story)


def test_a_form_that_waited_in_vain_says_so_at_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_door, "AT_ONCE", 0)

    async def story(street: Street) -> None:
        answered = await street.fill_in()
        assert (answered[0], list(body_of(answered)["errors"])) == (200, ["service"])
        assert "just starting" in body_of(answered)["errors"]["service"]
        menu = urlencode({"command": "/shipmate", "trigger_id": "1", "text": ""}).encode()
        answered = await street.deliver(menu, "application/x-www-form-urlencoded")
        assert body_of(answered) == {
            "response_type": "ephemeral",
            "text": "Shipmate is just starting. Type /shipmate again in a moment.",
        }
        options = urlencode({"payload": json.dumps({"type": "block_suggestion"})}).encode()
        assert body_of(await street.deliver(options, "application/x-www-form-urlencoded")) == {"options": []}
        shortcut = urlencode({"payload": json.dumps({"type": "message_action"})}).encode()
        assert (await street.deliver(shortcut, "application/x-www-form-urlencoded"))[0] == 503

    on_the_street(story)


def test_the_rest_waits_and_health_is_honest() -> None:
    async def story(street: Street) -> None:
        assert (await street.ask("/healthz"))[::2] == (200, b'{"status": "alive"}')
        ready = await street.ask("/readyz")
        assert (ready[0], body_of(ready)) == (503, {"ready": False, "checks": {"house": "it is being built"}})
        hello = await waiting(street.ask("/hello"))
        street.build()
        assert (await hello)[2] == b"hello"
        assert (await street.ask("/readyz"))[0] == 200

    on_the_street(story)


@pytest.mark.parametrize("accepts", ["application/json", "text/html,application/xhtml+xml"])
def test_who_waited_in_vain_is_told_when_to_come_again(accepts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_front, "PATIENCE", 0)

    async def story(street: Street) -> None:
        status, headers, body = await street.ask("/hello", accept=accepts)
        assert (status, headers["retry-after"]) == (503, "2")
        told: Mapping[str, Any] = json.loads(body)["error"] if "json" in accepts else {"message": body.decode()}
        assert "Shipmate is just starting; this was not accepted." in told["message"]

    on_the_street(story)


def test_more_than_may_wait_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "WAITING", 1)

    async def story(street: Street) -> None:
        hello = await waiting(street.ask("/hello"))
        assert (await street.ask("/hello"))[0] == 503
        street.build()
        assert (await hello)[0] == 200

    on_the_street(story)


@pytest.mark.parametrize("why", ["it cannot be built", "the process is told to end"])
def test_nobody_waits_for_what_will_not_come(why: str) -> None:
    async def story(street: Street) -> None:
        hello = await waiting(street.ask("/hello"))
        if why == "it cannot be built":
            street.front.fail(ValueError("no plan"))
        else:
            street.front.close()
        assert (await hello)[0] == 503
        assert (await street.ask("/hello"))[0] == 503

    on_the_street(story)
