"""The command line's doors to a running Shipmate: `say`, `chat` with a script on its input, `--json`, `/as`, `demo`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.running import Shipmate, state, text

KEYS = {"request", "action", "state", "outcome", "text", "buttons", "thread"}


@pytest.fixture(scope="module", params=[pytest.param("sqlite", marks=pytest.mark.wheels)])
def stores(request: pytest.FixtureRequest) -> str:
    """SQLite alone: the doors do not know where things are kept."""
    return str(request.param)


def test_say_prints_the_settled_reply_and_exits_by_how_it_ended(shipmate: Shipmate) -> None:
    said = shipmate.run("say", "whoami", "--as", "sam")
    assert (said.returncode, said.stderr) == (0, "")
    assert "You are sam" in said.stdout
    refused = shipmate.run("say", "--as", "sam", "--json", "deploy", "checkout", "v1.4.2", "to", "production")
    assert refused.returncode == 1
    reply = json.loads(refused.stdout)
    assert (reply["action"], reply["state"]) == ("deploy", "refused")


def test_say_speaks_with_a_token_of_ones_own(shipmate: Shipmate) -> None:
    said = shipmate.run("say", "whoami", SHIPMATE_TOKEN=shipmate.token("erin"))
    assert "You are erin" in said.stdout
    other = shipmate.run("say", "whoami", "--as", "dana", SHIPMATE_TOKEN=shipmate.token("erin"))
    assert other.returncode == 3
    assert "you speak as erin" in other.stderr
    forged = shipmate.run("say", "whoami", SHIPMATE_TOKEN="shipmate_0000000000000000000000")
    assert forged.returncode == 3
    assert "Traceback" not in forged.stderr


def test_a_script_of_several_people_reads_one_json_object_a_reply(shipmate: Shipmate) -> None:
    lines = (
        "whoami",
        "deploy payments v1.0.0 to development",
        "/as dana",
        "deploy catalog v3.2.0 to production",
        "/as erin",
        "approve",
        "/as nobody",
        "why",
    )
    ran = shipmate.run("chat", "--json", "--as", "sam", said="\n".join(lines) + "\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    replies = [json.loads(line) for line in ran.stdout.splitlines()]
    assert all(reply.keys() >= KEYS - {"buttons", "thread"} for reply in replies)
    who, deployed, held, approved, nobody, why = replies
    assert "You are sam" in who["text"]
    assert (deployed["action"], deployed["state"], deployed["outcome"]) == ("deploy", "done", "deployed")
    assert (held["state"], held["buttons"]) == ("awaiting_approval", ["Approve", "Deny", "Cancel"])
    assert (approved["action"], approved["state"]) == ("approve", "done")
    assert (approved["follows"]["request"], approved["follows"]["state"]) == (held["request"], "done")
    assert nobody["outcome"] == "error"
    assert why["state"] == "done"
    assert len({reply["thread"] for reply in (who, deployed, held, approved)}) == 1


def test_a_script_reads_as_people_do(shipmate: Shipmate) -> None:
    ran = shipmate.run("chat", said="/as lena\nstatus checkout in staging\n/quit\nnever said\n")
    assert ran.returncode == 0
    assert "You speak as lena." in ran.stdout
    assert "checkout in staging is healthy" in ran.stdout
    assert "never said" not in ran.stdout


def test_a_thread_goes_on_in_another_command(shipmate: Shipmate) -> None:
    first = json.loads(shipmate.run("say", "--json", "--as", "dana", "status catalog in staging").stdout)
    second = shipmate.run("say", "--json", "--as", "dana", "--thread", first["thread"], "restart it")
    assert json.loads(second.stdout)["action"] == "restart"


def test_check_finds_everything_in_order_and_says_what_is_not(shipmate: Shipmate) -> None:
    checked = shipmate.run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert shipmate.run("doctor").returncode == 0
    shipmate.fault("gitlab", "token_revoked")
    broken = shipmate.run("check")
    shipmate.no_faults()
    assert broken.returncode == 1
    assert "GITLAB_TOKEN" in broken.stdout
    assert "Traceback" not in broken.stdout + broken.stderr


def test_a_second_one_on_the_same_state_is_refused(shipmate: Shipmate) -> None:
    second = shipmate.run("up", "--sandbox", "--port", "0")
    assert second.returncode == 3
    assert "is running on" in second.stderr
    assert shipmate.here.url in second.stderr


def test_a_port_that_is_taken_is_told(shipmate: Shipmate, tmp_path: Path) -> None:
    port = shipmate.here.url.rpartition(":")[2]
    taken = shipmate.run("up", "--sandbox", "--port", port, SHIPMATE_STATE_DIR=str(tmp_path / "other"))
    assert taken.returncode == 3
    assert f":{port}" in taken.stderr
    assert "--port" in taken.stderr


def test_with_the_systems_own_configuration_the_sandboxs_history_is_left_alone(shipmate: Shipmate) -> None:
    real = shipmate.run("up", "--port", "0")
    assert real.returncode == 3
    assert "holds the history of a sandbox" in real.stderr


def test_the_api_says_who_and_what(shipmate: Shipmate) -> None:
    assert shipmate.http("POST", "actions/deploy", "sam", json={"parameters": {"service": 7}}).status_code in {200, 422}
    assert shipmate.http("GET", "requests/R-999999", "sam").status_code == 404
    assert shipmate.http("POST", "actions/explode", "sam", json={}).status_code == 404
    answer = shipmate.person("sam").say("help deploy")
    assert state(answer) == "done"
    assert "deploy" in text(answer)
