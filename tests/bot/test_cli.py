"""The command line: quick to answer, and never a stack trace to a person."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from actions import catalog
from bot import cli
from bot.commands.processes import PROCESSES
from bot.commands.reference import actions_text, schema_text


def shipmate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bot", *arguments], capture_output=True, text=True, check=False)


def test_help_imports_only_the_parser() -> None:
    """Start-up time is noisy; what is imported is not."""
    program = "import sys, bot.cli; bot.cli.parser().format_help(); print('\\n'.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    third_party = {name.partition(".")[0] for name in out.stdout.split()} - set(sys.stdlib_module_names)
    ours = {name for name in out.stdout.split() if name.startswith(("bot", "actions", "intents", "playbooks"))}
    assert ours == {"bot", "bot.cli"}
    assert not third_party & {"pydantic", "rich", "sqlalchemy", "starlette", "httpx", "anthropic", "slack_sdk", "rq"}


def test_every_command_has_its_code() -> None:
    for command in cli.COMMANDS:
        module, _, function = command.runs.partition(":")
        assert callable(getattr(import_module(module), function)), command.name


def test_the_version_and_a_wrong_command() -> None:
    assert shipmate("--version").stdout.startswith("shipmate 0.")
    wrong = shipmate("fly")
    assert wrong.returncode == cli.USAGE
    assert "invalid choice: 'fly'" in wrong.stderr


def test_a_failure_is_a_sentence_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHIPMATE_PORT", "lots")
    assert cli.main(["docs"]) == cli.UNREACHABLE
    assert capsys.readouterr().err.startswith("shipmate: These environment variables cannot be used: SHIPMATE_PORT")


def test_an_unknown_suite_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", "everything"]) == cli.UNREACHABLE
    assert "nothing to measure called “everything”" in capsys.readouterr().err


def test_the_schema_that_is_checked_in_is_current() -> None:
    checked_in = Path("docs/shipmate.schema.json").read_text(encoding="utf-8")
    assert checked_in == schema_text(), "docs/shipmate.schema.json is not current: run `make docs`"


def test_the_reference_that_is_checked_in_is_current() -> None:

    checked_in = Path("docs/actions.md").read_text(encoding="utf-8")
    assert checked_in == actions_text(catalog(())), "docs/actions.md is not current: run `make docs`"


def test_the_procfile_names_the_processes_that_up_runs() -> None:
    procfile = [line.split(": ") for line in Path("Procfile").read_text(encoding="utf-8").splitlines()]
    assert procfile == [[name, f"shipmate {name}"] for name in PROCESSES]


@pytest.mark.parametrize(
    "fault",
    [
        ("SHIPMATE_DATABASE_URL", "nonsense", "is not a database that Shipmate can use"),
        ("SHIPMATE_REDIS_URL", "nonsense", "is not the address of a Redis"),
        ("SHIPMATE_STATE_DIR", "/dev/null/state", "Nothing can be kept in /dev/null/state"),
    ],
)
def test_what_could_never_work_is_told_before_anything_starts(
    fault: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable, value, says = fault
    monkeypatch.setenv("SHIPMATE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv(variable, value)
    assert cli.main(["up", "--sandbox", "--port", "0"]) == cli.UNREACHABLE
    assert says in capsys.readouterr().err
