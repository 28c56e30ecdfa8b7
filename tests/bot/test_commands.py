"""Commands that look at the configuration and the stores, without servers."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bot import cli
from bot.commands.check import check
from bot.secret import Secret
from bot.settings import Settings, load

COMPANY = """\
environments: [{name: staging}]
services:
  - name: checkout
    gitlab: {project: shop/checkout}
    argocd: {application: "checkout-{environment}"}
people: [{name: dana, roles: [devops]}]
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "shipmate.yaml").write_text(COMPANY)
    monkeypatch.setenv("SHIPMATE_CONFIG", str(tmp_path / "shipmate.yaml"))
    monkeypatch.setenv("SHIPMATE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("bot.language.recognizer", lambda *_: None)  # learning the verbs takes seconds
    return load()


def shipmate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_check_says_what_is_wrong_with_file_line_and_remedy(settings: Settings, tmp_path: Path) -> None:
    settings = settings.changed(redis_url=Secret("redis://127.0.0.1:1"))
    found = [(finding.good, finding.says) for finding in check(settings)]
    file = tmp_path / "shipmate.yaml"
    assert (True, f"{file}: 1 environments, 1 services, 1 people") in found
    assert (True, "The database answers") in found
    assert any(good is False and says.startswith("Redis: Redis does not answer") for good, says in found)
    missing = [says for good, says in found if good is False and str(file) in says]
    unset = "{0} is not set, and this needs it. Set {0} and start Shipmate again.".format
    assert missing == [
        f"GitLab: {file}:4:14: the project shop/checkout: {unset('GITLAB_URL')}",
        f"Argo CD: {file}:5:14: checkout: {unset('ARGOCD_URL')}",
    ]


def test_check_tells_every_fault_and_goes_on(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "shipmate.yaml").write_text("peple: []\nteems: []\n")
    found = [(finding.good, finding.says) for finding in check(settings)]
    assert found[0][0] is False
    assert "`peple`" in found[0][1]
    assert "`teems`" in found[0][1]
    assert (True, "The database answers") in found


def test_a_database_that_cannot_be_used_is_told(settings: Settings) -> None:
    settings = settings.changed(database_url=Secret("oracle://nowhere"))
    assert any(f.good is False and f.says.startswith("The database: ") for f in check(settings))


def test_tokens_are_made_listed_and_ended(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.config.exists()
    code, token, told = shipmate(capsys, "token", "create", "Dana", "--label", "laptop")
    assert (code, token.startswith("shm_")) == (0, True)
    assert "not shown again" in told
    _, listed, _ = shipmate(capsys, "token", "list")
    token_id, person, *_, label = listed.split()
    assert (person, label) == ("dana", "laptop")
    assert token.strip() not in listed
    assert shipmate(capsys, "token", "revoke", token_id)[0] == 0
    assert "revoked" in shipmate(capsys, "token", "list")[1]
    assert "No token in force" in shipmate(capsys, "token", "revoke", token_id)[2]


def test_a_token_for_nobody_names_the_nearest(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.config.exists()
    code, _, told = shipmate(capsys, "token", "create", "dan")
    assert (code, told) == (3, "shipmate: There is no person “dan”. Did you mean dana?\n")


def test_the_doctor_looks_at_what_is_kept(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.config.exists()
    code, told, _ = shipmate(capsys, "doctor")
    assert code == 1  # GitLab and Argo CD are not connected
    assert "- No Shipmate runs on" in told
    assert "✔ The audit chain holds" in told
    assert "✔ Operations whose outcome is not known: none" in told


def test_the_real_thing_does_not_start_on_a_sandboxs_history(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings.state_dir / "sandbox").mkdir(parents=True)
    code, _, told = shipmate(capsys, "up")
    assert (code, "holds the history of a sandbox" in told) == (3, True)


def test_a_port_that_is_taken_is_told(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:

    assert settings.config.exists()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, told = shipmate(capsys, "up", "--port", str(port))
    assert code == 3
    assert f"Shipmate cannot listen on 127.0.0.1:{port}" in told
    assert "--port" in told


def test_who_nobody_knows_cannot_talk(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.config.exists()
    monkeypatch.setattr("time.sleep", lambda _: None)
    code, _, told = shipmate(capsys, "say", "help")
    assert (code, "shipmate token create NAME" in told) == (3, True)
