"""The README's walk, as a newcomer takes it: `shipmate demo` with everything real but for the company."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import instance
from bot.stores.redis.embedded import start_embedded

pytestmark = pytest.mark.wheels


@pytest.fixture
def environment(tmp_path: Path, learned: Path) -> Mapping[str, str]:
    """The environment of the programs that are tested: this one's, less what names systems of one's own."""
    inherited = os.environ.items()  # noqa: TID251 - programs need a PATH and a HOME
    kept = {name: value for name, value in inherited if not name.startswith(("SHIPMATE_", "GITLAB_", "ARGOCD_"))}
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "understanding").symlink_to(learned)
    return {**kept, "SHIPMATE_STATE_DIR": str(tmp_path / "state"), "SHIPMATE_CONFIG": str(tmp_path / "shipmate.yaml")}


def shipmate(environment: Mapping[str, str], *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, input=said, env=dict(environment), capture_output=True, text=True, timeout=120, check=False
    )


def replies(ran: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


WALK = """\
/as sam
deploy checkout v1.4.1 to development
deploy checkout v1.4.2 to production
/as dana
deploy checkout v1.4.2 to production
/as erin
approve
/as dana
deploy checkout v1.5.0 to staging
freeze production
deploy checkout v1.4.1 to production
why
/as sam
audit
/as lena
audit
"""


def test_the_walk_of_the_readme(environment: Mapping[str, str], tmp_path: Path) -> None:
    developed, refused, waits, approved, bad, frozen, held, why, not_for_sam, audit = replies(
        shipmate(environment, "demo", "--json", said=WALK)
    )
    assert (developed["state"], developed["outcome"]) == ("done", "deployed")
    assert refused["state"] == "refused"
    assert "You are developer" in refused["text"]
    assert waits["state"] == "awaiting_approval"
    assert "@erin" in waits["text"]
    assert approved["follows"]["request"] == waits["request"]
    assert approved["follows"]["state"] == "done"
    assert (bad["state"], bad["outcome"]) == ("failed", "rolled back")
    assert frozen["state"] == "done"
    assert held["state"] == "refused"
    assert held["request"] in why["text"]
    assert "freeze" in why["text"]
    assert not_for_sam["state"] == "refused"
    assert waits["request"] in audit["text"]
    assert instance.running(tmp_path / "state") is None
    assert left_behind(tmp_path / "state") == []


def left_behind(state: Path) -> list[str]:
    """The commands of processes that still name a state directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(state) in command:
            found.append(command)
    return found


@contextmanager
def running(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bot", "up", "--sandbox", "--port", "0"]
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any("Shipmate is at http://127.0.0.1:" in line for line in process.stderr)
        yield process


@pytest.fixture
def up(environment: Mapping[str, str]) -> Iterator[None]:
    with running(environment) as process:
        yield
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.usefixtures("up")
def test_everything_a_person_types_at_a_running_shipmate(environment: Mapping[str, str]) -> None:
    def run(*arguments: str, said: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return shipmate({**environment, **more}, *arguments, said=said)

    (me,) = replies(run("say", "whoami", "--json", "--as", "erin"))
    assert (me["action"], me["state"]) == ("whoami", "done")
    assert "erin" in me["text"]
    assert [r["state"] for r in replies(run("chat", "--json", said="help\nstatus of checkout\n"))] == ["done", "done"]
    refused = run("say", "deploy checkout v1.4.2 to production", "--as", "sam")
    assert refused.returncode == 1
    assert "was refused" in refused.stdout

    checked = run("check")
    assert checked.returncode == 0, checked.stdout
    assert "GitLab answers" in checked.stdout
    assert run("doctor").returncode == 0

    token = run("token", "create", "lena", "--label", "laptop").stdout.strip()
    assert "You are lena" in run("say", "whoami", SHIPMATE_TOKEN=token).stdout
    assert "Here you speak as lena" in run("say", "whoami", "--as", "dana", SHIPMATE_TOKEN=token).stderr
    (listed,) = [line for line in run("token", "list", "lena").stdout.splitlines() if "laptop" in line]
    assert run("token", "revoke", listed.split()[0]).returncode == 0
    assert "not known, or was revoked" in run("say", "whoami", SHIPMATE_TOKEN=token).stderr

    again = run("up", "--sandbox", "--port", "0")
    assert again.returncode == 3
    assert "is running on" in again.stderr


def test_a_killed_instance_is_taken_over(environment: Mapping[str, str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(environment) as killed:
        assert shipmate(environment, "say", "whoami").returncode == 0
        killed.send_signal(signal.SIGKILL)
    (reply,) = replies(shipmate(environment, "demo", "--json", said="status of checkout\n"))
    assert reply["state"] == "done"
    assert left_behind(state) == []


def test_faults_of_the_configuration_are_told_before_anything_starts(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "shipmate.yaml").write_text("peple: []\n")
    for arguments in (("up", "--port", "0"), ("check",)):
        ran = shipmate(environment, *arguments)
        assert ran.returncode != 0
        assert "shipmate.yaml:1:1: The key `peple` is not known in the file. Did you mean `people`?" in (
            ran.stderr + ran.stdout
        )
        assert "Traceback" not in ran.stderr


def test_when_redis_is_gone_nothing_is_accepted_and_it_goes_on_by_itself(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    own = start_embedded(tmp_path / "own")
    with running({**environment, "SHIPMATE_REDIS_URL": own.url}) as process:
        assert shipmate(environment, "say", "whoami").returncode == 0
        here = instance.running(tmp_path / "state")
        assert here is not None
        token = json.loads((tmp_path / "state" / "tokens.json").read_text())["dana"]
        with httpx.Client(base_url=here.url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
            own.close()
            ready = http.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "ok")
            assert ready.json()["checks"]["redis"].startswith("gone: Redis does not answer")
            refused = http.post("/api/v1/chat", json={"say": "status of checkout"})
            assert (refused.status_code, "Redis" in refused.json()["error"]["message"]) == (503, True)
            own = start_embedded(tmp_path / "own")
        # The client tries again while it is told that nothing is accepted; the worker comes back by itself.
        again = shipmate(environment, "say", "status of checkout", "--json")
        assert json.loads(again.stdout)["state"] == "done"
        process.terminate()
        assert process.wait(30) == 0
    own.close()


@pytest.mark.usefixtures("up")
def test_an_embedded_valkey_that_dies_is_started_again(environment: Mapping[str, str], tmp_path: Path) -> None:
    assert shipmate(environment, "say", "status of checkout").returncode == 0
    (valkey,) = [
        int(process.parent.name)
        for process in Path("/proc").glob("[0-9]*/cmdline")
        if b"valkey-server" in (command := process.read_bytes()) and str(tmp_path).encode() in command
    ]
    os.kill(valkey, signal.SIGKILL)
    assert json.loads(shipmate(environment, "say", "status of checkout", "--json").stdout)["state"] == "done"


def test_the_chat_at_a_terminal(environment: Mapping[str, str]) -> None:
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", "demo"]
    process = subprocess.Popen(
        command,
        env={**environment, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen = ""

    def see(words: str) -> None:
        nonlocal screen
        while words not in screen:
            seen = os.read(terminal, 65_536).decode(errors="replace")
            if "\x1b[6n" in seen:  # where is the cursor?
                os.write(terminal, b"\x1b[1;1R")
            screen += seen

    see("Digits press buttons")
    os.write(terminal, b"whoami\r")
    see("You are dana")
    os.write(terminal, b"/as erin\r")
    see("You speak as erin.")
    os.write(terminal, b"/quit\r")
    with suppress(OSError):  # the terminal is closed with the last process that has it open
        while os.read(terminal, 65_536):
            pass
    os.close(terminal)
    assert process.wait(30) == 0
