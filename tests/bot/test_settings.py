"""Settings come from the environment, and what cannot be used is told at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot import settings
from bot.settings import Settings, UnusableSettings


def test_everything_has_a_default_that_works_on_one_machine(tmp_path: Path) -> None:
    one = Settings(state_dir=tmp_path)
    assert one.database.get_secret_value() == f"sqlite:///{tmp_path}/shipmate.db"
    assert one.address == "http://127.0.0.1:8080"
    assert one.redis_url is None


def test_variables_are_read_by_their_documented_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPMATE_PORT", "7000")
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-made-up-for-tests")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "")
    one = settings.load()
    assert one.port == 7000
    assert one.slack_bot_token is None
    assert "made-up" not in repr(one)


def test_every_fault_is_told_at_once_without_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPMATE_PORT", "lots")
    monkeypatch.setenv("SHIPMATE_LOG_LEVEL", "loud")
    with pytest.raises(UnusableSettings, match=r"SHIPMATE_PORT .*; SHIPMATE_LOG_LEVEL .*'DEBUG', 'INFO'"):
        settings.load()


@pytest.mark.parametrize(("variable", "value"), [("SHIPMATE_PORT", "65536"), ("SHIPMATE_SANDBOX", "perhaps")])
def test_a_number_and_a_switch_have_bounds(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UnusableSettings, match=rf"{variable} \(must be "):
        settings.load()


def test_what_is_changed_counts_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPMATE_SANDBOX", "Yes")
    one = settings.load().changed(port=0)
    assert (one.sandbox, one.port, one.given) == (True, 0, frozenset({"sandbox", "port"}))


def test_variables_that_nothing_reads_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPMATE_STATEDIR", "/tmp/x")  # noqa: S108 - never touched
    assert settings.strangers()["SHIPMATE_STATEDIR"][0] == "SHIPMATE_STATE_DIR"


def test_reading_them_needs_nothing_but_the_standard_library() -> None:
    program = "import sys, bot.settings; bot.settings.load(); print('\\n'.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in out.stdout.split()}
    assert not loaded & {"pydantic", "asyncio", "logging"}
    assert "actions.core.action" not in out.stdout.split()


def test_every_variable_is_documented() -> None:
    page = Path("docs/configuration.md").read_text(encoding="utf-8")
    assert [name for name in settings.VARIABLES.values() if f"`{name}`" not in page] == []
