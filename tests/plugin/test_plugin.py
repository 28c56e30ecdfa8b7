"""A verb from a package of its own: installed, it is understood, asked, drawn and documented like any other."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actions import catalog, installed
from actions.core.organization import Organization
from bot.surfaces.slack import render as slack
from bot.surfaces.terminal.render import draw, plain
from bot.testing import COMPANY, Bot
from bot.web.openapi import describe
from intents.recognizer import Recognizer

pytestmark = pytest.mark.wheels


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plug-in is installed, apart from everything else."""
    target = tmp_path_factory.mktemp("packages")
    source = Path(__file__).parent / "duty"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--disable-pip-version-check", "--target", target, source], check=True)
    return target


@pytest.fixture
def bot(packages: Path, monkeypatch: pytest.MonkeyPatch, learned: Path) -> Bot:
    monkeypatch.syspath_prepend(str(packages))
    organization = Organization.model_validate(COMPANY)
    return Bot(verbs=installed(), understanding=lambda: Recognizer(catalog(), organization, learned))


def test_what_a_person_says_is_understood_done_and_answered(bot: Bot) -> None:
    answer = bot.say("vic", "who is on duty")
    assert bot.request(answer).state == "done"
    assert answer.reply.title in {"dana is on duty in week 47", "erin is on duty in week 47"}
    among = bot.say("vic", "who is on duty among developer")
    assert among.reply.title == "sam is on duty in week 47"


def test_its_other_words_are_learned(bot: Bot) -> None:
    answer = bot.say("vic", "whose turn is it this week")
    assert bot.request(answer).action == "on_duty"


def test_a_refusal_of_its_own_is_told(bot: Bot) -> None:
    answer = bot.ask("vic", "on_duty", role="nobody-has-this")
    assert answer.request is None


def test_it_draws_on_every_surface(bot: Bot) -> None:
    reply = bot.ask("vic", "on_duty").reply
    assert "is on duty in week 47" in draw(reply, plain(datetime(2026, 11, 20, tzinfo=UTC), zone=None))
    look = slack.Look(users=lambda _: None, hold=lambda action, parameters: f"{action} {parameters}")
    assert "is on duty in week 47" in str(slack.draw(reply, look))


def test_help_explains_it(bot: Bot) -> None:
    assert "on duty" in str(bot.ask("vic", "help").reply)
    page = bot.ask("vic", "help", topic="on duty").reply
    assert page.title == "on duty: Say who is on duty this week: those who hold a role take turns."
    assert "who is on duty [among <role>]" in str(page)


def test_programs_find_it_in_the_api(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(packages))
    assert "/api/v1/actions/on_duty" in describe(catalog(), version="1")["paths"]
