"""A real web process that starts: its house is held up by a configuration that is a pipe, until the test writes to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.stores.redis.client import open_client
from bot.stores.redis.embedded import start_embedded
from bot.stores.redis.putting import stream_of
from tests.bot.surfaces.slack.workspace import DANA, ME, TEAM, message

pytestmark = pytest.mark.wheels

SECRET = "a signing secret"
COMPANY = "environments: [{name: staging}]\nservices: [{name: checkout}]\npeople: [{name: dana, slack: U0DANA}]\n"
SAID = json.dumps(message(DANA, f"<@{ME}> help", "1.1"))
LONG = json.dumps(message(DANA, f"<@{ME}> help {'x' * 300_000}", "1.2"))
OPTIONS = {
    "type": "block_suggestion",
    "team": {"id": TEAM},
    "user": {"id": DANA, "team_id": TEAM},
    "block_id": "service",
    "value": "check",
    "view": {"private_metadata": json.dumps({"action": "status"})},
}
# Serves on a socket that listens already, so that nobody has to find out when it does.
PROGRAM = """\
import functools, socket, sys
from bot import cli
from bot.web import server
server.run = functools.partial(server.run, listener=socket.socket(fileno=int(sys.argv[1])))
sys.exit(cli.main(["web"]))
"""


class Web:
    """A web process.

    Args:
        folder: where it keeps everything.
        redis_url: its Redis.
        more: settings beside those.
    """

    def __init__(self, folder: Path, redis_url: str, **more: str) -> None:
        self._gate = folder / "shipmate.yaml"
        os.mkfifo(self._gate)
        known = {
            "SHIPMATE_CONFIG": str(self._gate),
            "SHIPMATE_STATE_DIR": str(folder),
            "SHIPMATE_REDIS_URL": redis_url,
            "SHIPMATE_LOG_LEVEL": "ERROR",
            "SLACK_BOT_TOKEN": "xoxb-x",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": "http://127.0.0.1:9/api/",
            **more,
        }
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
            fileno = listener.fileno()
            named = [f"{name}={value}" for name, value in known.items()]
            self.process = subprocess.Popen(
                ["env", *named, sys.executable, "-c", PROGRAM, str(fileno)],
                pass_fds=[fileno],
                stderr=subprocess.PIPE,
                text=True,
            )

    def configure(self, text: str = COMPANY) -> None:
        """Let the house be built."""
        self._gate.write_text(text, encoding="utf-8")

    def call(self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None) -> HTTPConnection:
        """Send a request."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        connection.request(method, path, body, dict(headers or {}))
        return connection

    def wait_at(self, path: str) -> HTTPConnection:
        """Send a request over a connection that is known to be accepted."""
        connection = self.call("GET", "/healthz")
        assert connection.getresponse().read()
        connection.request("GET", path)
        return connection

    def deliver(self, body: str, kind: str = "application/json") -> HTTPConnection:
        """Send something as Slack does."""
        stamp = str(int(time.time()))
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body)
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature), "Content-Type": kind}
        return self.call("POST", "/slack/events", body, signed)

    def end(self) -> tuple[int, str]:
        """The exit status, and what it said."""
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said

    def close(self) -> None:
        """End it, whatever it does."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.communicate()


def answer(asked: HTTPConnection) -> tuple[int, Any]:
    """The status and the body that came back."""
    with closing(asked):
        response = asked.getresponse()
        body = response.read()
        return response.status, json.loads(body) if body else None


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with closing(start_embedded(tmp_path_factory.mktemp("valkey"))) as running:
        yield running.url


@pytest.fixture
def web(tmp_path: Path, valkey: str) -> Iterator[Web]:
    with closing(Web(tmp_path, valkey)) as running:
        yield running


def test_what_slack_sends_while_the_house_is_built(web: Web, valkey: str) -> None:
    assert answer(web.deliver(SAID)) == (200, None)
    assert answer(web.deliver(LONG)) == (200, None)
    assert answer(web.call("GET", "/healthz")) == (200, {"status": "alive"})
    assert answer(web.call("GET", "/readyz")) == (503, {"ready": False, "checks": {"house": "it is being built"}})
    options = urlencode({"payload": json.dumps(OPTIONS)})
    early = web.deliver(options, "application/x-www-form-urlencoded")
    page = web.call("GET", "/api/v1/openapi.json")
    web.configure()
    # On a machine that is busy the house may take longer than Slack waits.
    assert [option["value"] for option in answer(early)[1]["options"]][:1] in ([], ["checkout"])
    assert answer(page)[1]["openapi"].startswith("3.")
    assert answer(web.deliver(options, "application/x-www-form-urlencoded"))[1]["options"][0]["value"] == "checkout"
    assert answer(web.deliver(SAID)) == (200, None)
    assert answer(web.deliver(LONG)) == (200, None)
    assert answer(web.call("GET", "/readyz"))[1]["checks"]["redis"] == "ok"
    with closing(open_client(valkey)) as client:
        assert [client.xlen(f"shipmate:inbox:{stream_of(f'slack/{TEAM}/C0OPS/{ts}')}") for ts in ("1.1", "1.2")] == [
            1,
            1,
        ]
    web.process.send_signal(signal.SIGTERM)
    assert web.end() == (-signal.SIGTERM, "")


def test_a_house_that_cannot_be_built_ends_the_process_with_its_reason(web: Web) -> None:
    waiting = web.wait_at("/api/v1/openapi.json")
    web.configure("environmnts: []\n")
    assert answer(waiting)[0] == 503
    status, said = web.end()
    assert status == 3
    assert said.startswith("shipmate: ")
    assert "`environmnts`" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SHIPMATE_DATABASE_URL", "nonsense", "is not a database that Shipmate can use"),
        ("SHIPMATE_DATABASE_URL", "postgresql://mate@127.0.0.1:9/shipmate", "does not answer"),
        ("SLACK_CLIENT_ID", "1.2", "needs SHIPMATE_SECRET_KEY"),
    ],
)
def test_the_reason_may_lie_beyond_the_configuration(
    variable: str, value: str, says: str, tmp_path: Path, valkey: str
) -> None:
    more = {variable: value, "SLACK_CLIENT_SECRET": "x"}
    with closing(Web(tmp_path, valkey, **more)) as web:
        web.configure()
        status, said = web.end()
    assert (status, "Traceback" in said) == (3, False)
    assert says in said


def test_told_to_end_while_the_house_is_built(web: Web) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(closing(web.wait_at("/api/v1/openapi.json"))) for _ in range(3)]
        web.process.send_signal(signal.SIGTERM)
        assert [one.getresponse().status for one in waiting] == [503, 503, 503]
    # What is half built is finished.
    web.configure()
    assert web.end() == (-signal.SIGTERM, "")
