"""A real Shipmate with its sandbox company in processes of its own, and people who talk to it over its HTTP API."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bot.instance import Running, running
from bot.sandbox.server import start as found_company
from bot.stores.redis.embedded import _socket_of
from bot.surfaces.terminal.client import Client
from bot.surfaces.terminal.render import draw, plain
from bot.surfaces.terminal.talk import Keys, Pressed
from bot.wire import Answer

T = TypeVar("T")

PATIENCE = 60.0
"""How long anything may take before a test gives up, in seconds; a quiet machine needs a small part of it."""


PATIENT = "web-frontend-{environment}"
"""The application that has its usual time to become healthy."""


def eventually(question: Callable[[], T | None], timeout: float = PATIENCE) -> T:
    """Ask until there is an answer; real processes have no clock to turn."""
    until = time.monotonic() + timeout
    while True:
        found = question()
        if found:
            return found
        assert time.monotonic() < until, f"still {found!r} after {timeout:g} s"
        time.sleep(0.02)


class Shipmate:
    """`shipmate up --sandbox` on a state directory.

    Args:
        state: where it keeps everything.
        environment: all that the processes see of the environment.
        hurried: whether the company's services, but for web-frontend, are judged unhealthy after a few seconds already.
    """

    def __init__(self, state: Path, environment: Mapping[str, str], *, hurried: bool = True) -> None:
        self.state = state
        self.environment = {**environment, "SHIPMATE_STATE_DIR": str(state)}
        self._process: subprocess.Popen[bytes] | None = None
        self._others: list[subprocess.Popen[bytes]] = []
        self._clients: dict[str, Client] = {}
        if not (state / "sandbox").exists():
            found_company(state).close()
        if hurried:
            file = state / "sandbox" / "shipmate.yaml"
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join(line if PATIENT in line else line.replace(": 20s", ": 4s") for line in lines))

    # -- its life ---------------------------------------------------------------------------------------------------

    def start(self) -> Shipmate:
        """Start it and wait until it is ready."""
        (self.state / "tokens.json").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "up", "--sandbox", "--port", "0"],
            cwd=self.state,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(self.is_ready)
        return self

    def is_ready(self) -> bool:
        """Whether it takes requests."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()[-3000:]
        return (self.state / "tokens.json").exists() and self.readiness()[0] == httpx.codes.OK

    def readiness(self) -> tuple[int, Mapping[str, str]]:
        """The status of `/readyz` and what it says of each need; 0 where nobody answers."""
        here = running(self.state)
        if here is None:
            return 0, {}
        try:
            found = httpx.get(f"{here.url}/readyz", timeout=10, trust_env=False)
        except httpx.TransportError:
            return 0, {}
        return found.status_code, found.json().get("checks", {})

    @property
    def here(self) -> Running:
        """What it announces of itself."""
        found = running(self.state)
        assert found is not None
        return found

    @property
    def process(self) -> int:
        """The supervisor's process id."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """End it, and return its exit code."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        for other in self._others:
            other.terminate()
            other.wait(PATIENCE)
        self._others.clear()
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(PATIENCE)
        self._process = None
        return code

    def another(self, process: str) -> None:
        """Start one more worker, listener or clock beside it, as on another machine that shares its stores."""
        company = self.company
        reached = {
            "SHIPMATE_CONFIG": company["configuration"],
            "SHIPMATE_REDIS_URL": f"unix://{self.socket}",
            **{name.upper(): company[name] for name in ("gitlab_url", "gitlab_token", "argocd_url", "argocd_token")},
        }
        log = (self.state / f"another-{process}.log").open("ab")
        with log:
            self._others.append(
                subprocess.Popen(
                    [sys.executable, "-m", "bot", process],
                    cwd=self.state,
                    env={**self.environment, **reached},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    @property
    def socket(self) -> Path:
        """Where the embedded Valkey listens."""
        return _socket_of(self.state / "valkey")

    def killed(self) -> None:
        """Kill the supervisor with SIGKILL, as a machine's memory killer would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def log(self) -> str:
        """All that its processes have logged, those beside it too."""
        return "".join(log.read_text(errors="replace") for log in sorted(self.state.glob("*.log")))

    # -- people -----------------------------------------------------------------------------------------------------

    def token(self, person: str) -> str:
        """Somebody's token, which the sandbox hands out."""
        tokens: dict[str, str] = json.loads((self.state / "tokens.json").read_text())
        return tokens[person]

    @property
    def client(self) -> Client:
        """A client of the API at its present address."""
        url = self.here.url
        if url not in self._clients:
            self._clients[url] = Client(url)
        return self._clients[url]

    def person(self, name: str, thread: str = "") -> Person:
        """Somebody who talks in a thread; a new thread where none is named."""
        return Person(self, name, thread or secrets.token_urlsafe(18))

    def http(self, method: str, path: str, person: str, **more: Any) -> httpx.Response:
        """A call of the API as a program would make it."""
        headers = {"Authorization": f"Bearer {self.token(person)}", **more.pop("headers", {})}
        return httpx.request(
            method, f"{self.here.url}/api/v1/{path}", headers=headers, timeout=60, trust_env=False, **more
        )

    def run(self, *arguments: str, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a `shipmate` command beside it."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=self.state,
            env={**self.environment, **environment},
            input=said,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )

    # -- the company ------------------------------------------------------------------------------------------------

    @property
    def company(self) -> dict[str, str]:
        """Where the company's systems are, and the tokens for them."""
        found: dict[str, str] = json.loads((self.state / "sandbox" / "addresses.json").read_text())
        return found

    def fault(self, system: str, kind: str, **more: Any) -> None:
        """Switch a fault of the company's systems on."""
        answer = httpx.post(self._faults, json={"system": system, "kind": kind, **more}, timeout=10, trust_env=False)
        assert answer.is_success, answer.text

    def no_faults(self) -> None:
        """Switch all faults off."""
        assert httpx.delete(self._faults, timeout=10, trust_env=False).is_success

    @property
    def _faults(self) -> str:
        return self.company["gitlab_url"].removesuffix("/gitlab") + "/_sandbox/faults"

    def commits(self, service: str, environment: str) -> list[str]:
        """The commits of the manifests that set a service's version in an environment, newest first."""
        folder = f"apps/{service}/{environment}"
        answer = httpx.get(
            f"{self.company['gitlab_url']}/api/v4/projects/shop%2Fmanifests/repository/commits",
            params={"path": folder, "per_page": "100"},
            headers={"PRIVATE-TOKEN": self.company["gitlab_token"]},
            timeout=10,
            trust_env=False,
        )
        assert answer.is_success, answer.text
        return [str(commit["message"]) for commit in answer.json()]

    def runs(self, service: str, environment: str) -> str:
        """The image tag that Argo CD says runs."""
        answer = httpx.get(
            f"{self.company['argocd_url']}/api/v1/applications/{service}-{environment}",
            headers={"Authorization": f"Bearer {self.company['argocd_token']}"},
            timeout=10,
            trust_env=False,
        )
        assert answer.is_success, answer.text
        images: list[str] = answer.json()["status"]["summary"]["images"]
        return images[0].rpartition(":")[2]


class Person:
    """Somebody who says something, presses buttons, and reads what comes back."""

    def __init__(self, shipmate: Shipmate, name: str, thread: str) -> None:
        self._shipmate = shipmate
        self._keys = Keys()
        self.name = name
        self.thread = thread

    def begin(self, sentence: str) -> Answer:
        """Say something, and take the first answer."""
        return self._shipmate.client.say(self._shipmate.token(self.name), sentence, self.thread)

    def say(self, sentence: str) -> Answer:
        """Say something, and wait until what came of it has settled."""
        return self.settle(self.begin(sentence))

    def press(self, answer: Answer, label: str, **filled: Any) -> Answer:
        """Press the button of that label, and wait until what came of it has settled."""
        self._keys.of(answer)
        offer = answer.offers[[button.label for button in answer.reply.buttons].index(label)]
        pressed = Pressed(label, offer, ())
        client, token = self._shipmate.client, self._shipmate.token(self.name)
        return self.settle(client.press(token, pressed.offer, filled, self.thread))

    def look(self, request: str) -> Answer:
        """A request as it stands."""
        return self._shipmate.client.request(self._shipmate.token(self.name), request)

    def settle(self, answer: Answer, timeout: float = PATIENCE) -> Answer:
        """Follow an answer, and the earlier request that it set going, until nothing more happens by itself."""
        until = time.monotonic() + timeout
        while not answer.settled:
            assert answer.request is not None
            assert time.monotonic() < until, text(answer)
            answer = self._shipmate.client.request(
                self._shipmate.token(self.name), answer.request.id, after_version=answer.request.version, wait=5
            )
        return answer

    def follow(self, answer: Answer) -> Answer:
        """The settled card of the earlier request that this answer set going."""
        assert answer.follow is not None, text(answer)
        return self.settle(self.look(answer.follow))


def text(answer: Answer) -> str:
    """All that a person would read."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only to draw

    return draw(answer.reply, plain(datetime.now(UTC), zone=None))


def state(answer: Answer) -> str:
    """Where the answer's request stands; empty where there is none."""
    return str(answer.request.state) if answer.request else ""
