"""What people say of how they were understood is kept, and can be exported as evaluation items."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actions import catalog
from actions.core.organization import Organization
from actions.core.request import State
from bot.evaluation_export import export, items
from bot.evaluation_intents import read_sentences
from bot.testing import COMPANY, Bot
from intents.evaluation import predict, score
from intents.meaning import Asks, Meaning, Message
from intents.recognizer import Recognizer


@pytest.fixture(scope="module")
def reader(learned: Path) -> Recognizer:
    return Recognizer(catalog(), Organization.model_validate(COMPANY), cache=learned)


@pytest.fixture
def bot(reader: Recognizer) -> Bot:
    return Bot(understanding=lambda: reader)


def kept(bot: Bot) -> list[dict[str, object]]:
    bot.settle()
    return items(bot.house.kept.opinions.since(bot.clock.now().replace(year=2000)))


def test_a_complaint_is_kept_and_answered(bot: Bot) -> None:
    bot.say("vic", "services of payments")
    bot.say("vic", "how is checkout doing these days")
    answer = bot.say("vic", "that's wrong")
    assert answer.request is None
    assert answer.reply.title == "Noted: I misunderstood you. Say what you meant, and I keep that too."
    (item,) = kept(bot)
    assert item["say"] == "how is checkout doing these days"
    assert item["did"] == {"outcome": "asks", "action": "status", "params": {"service": "checkout"}}
    assert item["thread"] == [
        {"say": "services of payments", "did": {"action": "services", "params": {"owner": "payments"}}}
    ]


def test_what_is_said_after_a_complaint_is_what_was_meant(bot: Bot) -> None:
    bot.say("vic", "how is checkout doing these days")
    bot.say("vic", "that's not what I meant")
    bot.say("vic", "deployments of checkout")
    (item,) = kept(bot)
    assert (item["kind"], item["say"]) == ("corrected", "how is checkout doing these days")
    assert item["expect"] == {"outcome": "asks", "action": "deployments", "params": {"service": "checkout"}}


def test_a_misreading_is_kept_with_what_was_meant(bot: Bot) -> None:
    class Misreads:
        def recognize(self, message: Message, thread: object = ()) -> Meaning:
            del thread
            service = "catalog" if "meant" in message.text else "checkout"
            return Asks(action="status", parameters={"service": service})

    bot = Bot(understanding=Misreads)
    bot.say("vic", "how is the shop's list of things doing")
    bot.say("vic", "no, I meant catalog")
    (item,) = kept(bot)
    assert item["say"] == "how is the shop's list of things doing"
    assert item["expect"] == {"outcome": "asks", "action": "status", "params": {"service": "catalog"}}


@pytest.mark.parametrize("words", ["no, I meant staging", "not production, staging", "sorry, staging"])
def test_who_misspoke_teaches_how_a_correction_is_read(bot: Bot, words: str) -> None:
    bot.say("vic", "status of checkout in prod")
    bot.say("vic", words)
    (item,) = kept(bot)
    assert item["say"] == words
    expected = {"service": "checkout", "environment": "staging"}
    assert item["expect"] == {"outcome": "asks", "action": "status", "params": expected}


def test_a_whole_sentence_after_i_meant_is_read_but_a_change_is_shown_back(bot: Bot) -> None:
    bot.say("lena", "how is checkout doing these days")
    read = bot.say("lena", "no, I meant pipelines of checkout")
    assert bot.request(read).action == "pipelines"
    change = bot.say("lena", "no, I meant restart checkout in staging")
    bot.settle()
    assert bot.request(change).state in {State.AWAITING_CONFIRMATION, State.REFUSED}
    assert not bot.cluster.commits


def test_somebody_elses_remark_is_no_correction(bot: Bot) -> None:
    bot.say("vic", "status of checkout in prod")
    bot.say("sam", "that's wrong")
    bot.say("sam", "no, staging")
    assert kept(bot) == []


def test_a_thumb_is_kept_with_what_it_is_about(bot: Bot) -> None:
    good = bot.say("vic", "status of checkout in prod")
    bad = bot.say("vic", "how is catalog doing these days")
    bot.settle()
    pressed = bot.ask("vic", "whoami")
    feedback = bot.house.conversation.feedback
    feedback.rated(bot.request(good), "vic", good=True)
    feedback.rated(bot.request(bad), "lena", good=False)
    feedback.rated(bot.request(pressed), "vic", good=False)
    up, down = kept(bot)
    assert (up["kind"], up["expect"]) == (
        "up",
        {"outcome": "asks", "action": "status", "params": {"service": "checkout", "environment": "production"}},
    )
    assert (down["kind"], "expect" in down) == ("down", False)


def test_secrets_are_not_kept(bot: Bot) -> None:
    bot.say("vic", "how is checkout doing with token=abc123def456 these days")
    bot.say("vic", "wrong")
    assert "abc123def456" not in json.dumps(kept(bot))


def test_what_is_exported_can_be_measured(
    reader: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHIPMATE_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("SHIPMATE_DATABASE_URL", raising=False)
    bot = Bot(understanding=lambda: reader, database=f"sqlite:///{tmp_path / 'shipmate.db'}")
    bot.say("vic", "how is checkout doing these days")
    bot.say("vic", "that's not what I meant")
    bot.say("vic", "deployments of checkout")
    bot.say("vic", "how is catalog doing these days", thread="t2")
    bot.say("vic", "wrong", thread="t2")
    out = tmp_path / "items.jsonl"
    assert export(["--out", str(out)], bot.clock) == 0
    assert "1 items; 1 more were called wrong" in capsys.readouterr().err
    found = read_sentences(out)
    assert [item.expect.action for item in found] == ["deployments"]
    figures = score(found, predict(found, reader, lambda: 0.0), set())
    assert (figures.n, figures.exact) == (1, 0.0)
    assert export(["--unlabelled"], bot.clock) == 0
    assert json.loads(capsys.readouterr().out)["did"]["action"] == "status"
