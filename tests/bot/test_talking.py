"""Conversations in words: what was not certain is shown back, and a thread remembers what it was about."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions import catalog
from actions.core.organization import Organization
from actions.core.people import Requester, Standing
from actions.core.request import State
from bot.testing import COMPANY, Bot
from intents.meaning import Understanding
from intents.recognizer import Recognizer


@pytest.fixture(scope="module")
def reader(learned: Path) -> Understanding:
    return Recognizer(catalog(), Organization.model_validate(COMPANY), cache=learned)


@pytest.fixture
def bot(reader: Understanding) -> Bot:
    return Bot(understanding=lambda: reader)


def test_a_plain_sentence_is_done_at_once(bot: Bot) -> None:
    answer = bot.say("lena", "deploy checkout v1.4.2 to staging")
    bot.settle()
    assert bot.card(answer).title == "checkout v1.4.2 runs in staging"


def test_what_was_read_from_free_words_is_shown_back_and_a_yes_does_it(bot: Bot) -> None:
    answer = bot.say("lena", "hey can u get checkout v1.4.2 out to stage pls")
    bot.settle()
    assert bot.request(answer).state is State.AWAITING_CONFIRMATION
    assert not bot.cluster.commits
    confirmed = bot.say("lena", "yes")
    assert confirmed.follow == bot.request(answer).id
    bot.settle()
    assert bot.card(answer).title == "checkout v1.4.2 runs in staging"


def test_a_no_does_nothing(bot: Bot) -> None:
    answer = bot.say("lena", "hey can u get checkout v1.4.2 out to stage pls")
    bot.settle()
    bot.say("lena", "no")
    bot.settle()
    assert bot.request(answer).state is State.CANCELLED
    assert not bot.cluster.commits


def test_somebody_elses_yes_confirms_nothing(bot: Bot) -> None:
    answer = bot.say("lena", "hey can u get checkout v1.4.2 out to stage pls")
    bot.settle()
    bot.say("dana", "yes")
    bot.settle()
    assert bot.request(answer).state is State.AWAITING_CONFIRMATION


def test_the_same_elsewhere_means_what_was_confirmed(bot: Bot) -> None:
    bot.say("lena", "hey can u get checkout v1.4.2 out to dev pls")
    bot.settle()
    bot.say("lena", "yes")
    bot.settle()
    again = bot.say("lena", "and the same on staging")
    assert again.request is not None
    expected = {"service": "checkout", "version": "v1.4.2", "environment": "staging"}
    assert bot.request(again).parameters == expected


def test_what_is_missing_is_asked_and_the_answer_goes_on(bot: Bot) -> None:
    asked = bot.say("lena", "deploy checkout v1.4.2")
    assert asked.kind == "question"
    assert asked.reply.question is not None
    assert asked.reply.question.parameter == "environment"
    assert [choice.value for choice in asked.reply.question.choices] == ["development", "production", "staging"]
    answered = bot.say("lena", "stage")
    bot.settle()
    assert bot.card(answered).title == "checkout v1.4.2 runs in staging"


def test_a_place_that_only_the_thread_told_is_shown_back(bot: Bot) -> None:
    bot.say("dana", "status of checkout in production")
    bot.settle()
    answer = bot.say("dana", "restart checkout")
    bot.settle()
    assert bot.request(answer).state is State.AWAITING_CONFIRMATION
    assert not bot.cluster.restarts


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("deploy nosuch v1.4.2 to staging", "service"),
        ("deploy checkout v1.4.2 to moonbase", "environment"),
        ("rollback nosuch in production", "service"),
        ("status of billing", "service"),
    ],
)
def test_a_name_that_is_not_known_is_never_replaced_by_one_of_the_thread(bot: Bot, words: str, missing: str) -> None:
    bot.say("lena", "deploy checkout v1.4.1 to staging")
    bot.settle()
    answer = bot.say("lena", words)
    assert answer.request is None
    assert answer.reply.question is not None
    assert answer.reply.question.parameter == missing


def test_a_freeze_of_something_unknown_is_no_freeze_of_everything(bot: Bot) -> None:
    answer = bot.say("dana", "freeze nosuch")
    assert answer.request is None
    assert bot.say("dana", "freeze everything for 2h").request is not None


@pytest.mark.parametrize(
    "words",
    [
        "don't deploy checkout v1.4.2 to staging",
        "we deployed checkout v1.4.2 to staging yesterday and it broke",
        "if the tests pass, deploy checkout v1.4.2 to staging",
        "thanks!",
        "scale checkout to 10 pods",
    ],
)
def test_what_does_not_ask_does_nothing(bot: Bot, words: str) -> None:
    answer = bot.say("dana", words)
    bot.settle()
    assert answer.request is None
    assert not bot.cluster.commits


@pytest.mark.parametrize("said", ["deploy", "deploy chekout v1.4.2 to staging", "wer weiss", "status of checkut"])
def test_an_outsider_is_told_no_names(bot: Bot, said: str) -> None:
    guest = Requester(name="slack:U0GUEST", standing=Standing.OUTSIDER)
    answer = bot.say(guest, said)
    assert answer.reply.question is None
    assert not {"checkout", "ledger-writer", "lena"} & set(answer.reply.model_dump_json().replace('"', " ").split())


def test_what_an_outsider_named_is_nobodys_it(bot: Bot) -> None:
    guest = Requester(name="slack:U0GUEST", standing=Standing.OUTSIDER)
    bot.say(guest, "deploy checkout v1.5.0-bad to staging")
    bot.say("lena", "deploy it")
    bot.settle()
    assert not bot.cluster.commits


@pytest.mark.parametrize(
    ("said", "verb"),
    [
        ("grant devops to sam until yesterday", "grant_role"),
        ("freeze production until friday", "freeze"),
        ("freeze production for 999999 days", "freeze"),
    ],
)
def test_an_end_that_cannot_be_read_is_asked_for_and_never_becomes_for_ever(bot: Bot, said: str, verb: str) -> None:
    asked = bot.say("ada", said)
    assert asked.kind == "question"
    assert asked.reply.question is not None
    assert (asked.reply.question.action, asked.reply.question.parameter) == (verb, "until")
    answer = bot.say("ada", "2h")
    bot.settle()
    assert bot.request(answer).parameters["until"]


@pytest.mark.parametrize("verb", ["deploy", "Restart", "promote"])
def test_a_verb_alone_is_asked_what_it_is_about(bot: Bot, verb: str) -> None:
    asked = bot.say("lena", verb)
    assert asked.reply.question is not None
    assert asked.reply.question.action == verb.casefold()


def test_a_freeze_of_an_environment_is_titled_as_one_says_it(bot: Bot) -> None:
    refused = bot.say("dana", "thaw production")
    assert refused.reply.title == "Thaw production was refused"


def test_a_decision_that_is_shown_back_says_about_what_and_is_about_nothing_else(bot: Bot) -> None:
    first = bot.say("dana", "deploy checkout v1.4.2 to production")
    bot.work()
    approval = bot.say("erin", "lgtm")
    card = bot.card(approval)
    assert card.title == "Shall I approve R-1?"
    assert "deploy checkout v1.4.2 to production" in str(card.blocks)
    bot.say("dana", "cancel R-1")
    second = bot.say("dana", "deploy checkout v1.4.2 to production")
    bot.settle(1)
    bot.say("erin", "yes")
    bot.settle(1)
    assert bot.request(first).state is State.CANCELLED
    assert bot.request(second).state is State.AWAITING_APPROVAL, "it is not what erin was shown"
