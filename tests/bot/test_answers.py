"""Questions in prose: looked into by reads of the one who asks, named by their requests, and never more than reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actions import catalog
from actions.core.organization import Organization
from actions.core.ports.language import Choice, Said, Unavailable
from actions.core.reply import Note, Reply
from actions.core.request import Origin, State
from bot.conversation import Answer
from bot.surfaces.slack import render as slack
from bot.surfaces.terminal import render as terminal
from bot.testing import COMPANY, Bot
from bot.testing.models import NO_ANSWER, ScriptedModel, chosen, said
from bot.web import html as web
from intents.claude import ModelRecognizer
from intents.recognizer import Recognizer

ORGANIZATION = Organization.model_validate(COMPANY)
QUESTION = "Why is checkout red on staging?"
LOOKED_INTO = chosen("look_into", question=QUESTION)


@pytest.fixture(scope="module")
def local(learned: Path) -> Recognizer:
    return Recognizer(catalog(), ORGANIZATION, cache=learned)


def asked(local: Recognizer, *answers: Choice | Said | Unavailable, who: str = "vic") -> tuple[Bot, Answer, Reply]:
    """Vic asks why; the bot, what it answered at once, and the card in the end."""
    model = ScriptedModel(LOOKED_INTO, *answers)
    bot = Bot(understanding=lambda: ModelRecognizer(catalog(), ORGANIZATION, model, local, prose=True), model=model)
    bot.cluster.model = model  # type: ignore[attr-defined] # for the tests to look at
    answer = bot.say(who, "hm why is checkout red on staging")
    bot.settle()
    return bot, answer, bot.card(answer)


def model_of(bot: Bot) -> ScriptedModel:
    found: ScriptedModel = bot.cluster.model  # type: ignore[attr-defined] # see above
    return found


def words(reply: Reply) -> str:
    """All that a card says, as plain words."""
    found = [reply.title]
    for block in reply.blocks:
        spans = getattr(block, "text", ())
        found.append("".join(span if isinstance(span, str) else getattr(span, "text", "") for span in spans))
    return "\n".join(found)


def test_the_answer_names_the_reads_it_rests_on(local: Recognizer) -> None:
    bot, answer, card = asked(
        local,
        said(
            "",
            ("status", {"service": "checkout-service", "environment": "stage"}),
            ("pipelines", {"service": "checkout"}),
        ),
        said("checkout **v1.4.1** is `Degraded`.\n\nIts pipeline failed."),
    )
    request = bot.request(answer)
    assert (request.state, request.action, request.origin) == (State.DONE, "look_into", Origin.MODEL)
    assert card.title == QUESTION
    assert "checkout v1.4.1 is Degraded." in words(card)
    assert "Sources: status checkout staging (R-2), pipelines checkout (R-3)" in words(card)
    assert "Written by claude-sonnet-5-5" in words(card)


def test_each_read_is_a_request_of_the_one_who_asked(local: Recognizer) -> None:
    bot, answer, _ = asked(local, said("", ("status", {"service": "checkout"})), said("It is well."), who="sam")
    read = bot.request("R-2")
    assert (read.requester.name, read.action, read.state) == ("sam", "status", State.DONE)
    assert read.said == f"to answer {bot.request(answer).id}"
    assert read.place.surface == "answer"
    told = [entry.request for entry in bot.house.kept.audit.find(person="sam")]
    assert {"R-1", "R-2"} <= set(told)


def test_what_a_read_returns_is_data_and_without_secrets(local: Recognizer) -> None:
    bot, _, _ = asked(local, said("", ("status", {"service": "checkout"})), said("It is well."))
    first, second = model_of(bot).heard[1:]
    assert len(first) == 1
    assert second[-1].results[0].text.startswith('{"service": "checkout"')
    assert not second[-1].results[0].failed


def test_only_reads_are_offered_and_nothing_else_is_done_whatever_the_model_says(local: Recognizer) -> None:
    worst = said(
        "Deploying.",
        ("deploy", {"service": "checkout", "version": "v1.4.2", "environment": "staging"}),
        ("grant_role", {"person": "vic", "role": "admin"}),
        ("look_into", {"question": "again"}),
        ("rm_rf", {}),
    )
    bot, answer, card = asked(local, worst, said("I deployed it."), who="dana")
    offered = {tool.name for tool in model_of(bot).tools[1]}
    reads = (verb.policy for verb in catalog() if verb.policy.risk == "read" and verb.policy.public)
    assert offered == {policy.name for policy in reads if not policy.private}
    assert not bot.cluster.commits
    assert bot.request(answer).state is State.DONE
    assert "Sources: none; nothing was looked up." in words(card)
    assert all(result.failed for result in model_of(bot).heard[2][-1].results)
    assert bot.house.kept.ledger.get("R-2") is None


def test_no_more_is_looked_up_than_the_configuration_allows(local: Recognizer) -> None:
    reads = [("status", {"service": name}) for name in ("checkout", "ledger-writer", "catalog")]
    many = [said("", *reads), said("", ("services", {}), ("whoami", {}), ("approvals", {})), said("Enough.")]
    bot, _, card = asked(local, *many)
    assert words(card).count("(R-") == ORGANIZATION.answers.reads
    last = model_of(bot).heard[3][-1].results[-1]
    assert last.failed
    assert "Nothing more can be looked up" in last.text


def test_a_model_that_never_ends_is_ended(local: Recognizer) -> None:
    _, _, card = asked(local, said("", ("services", {}), ("whoami", {}), ("approvals", {})))
    assert "Claude wanted to look further than it may" in words(card)


def test_a_read_that_fails_or_is_refused_is_told_to_the_model(local: Recognizer) -> None:
    bot, _, card = asked(
        local, said("", ("status", {"service": "nothing-such"}), ("why", {"request": "R-99"})), said("I cannot tell.")
    )
    results = model_of(bot).heard[2][-1].results
    assert all(result.failed for result in results)
    assert "nothing-such" in results[0].text
    assert "which found nothing" in words(card)


def test_without_an_answer_the_nearest_read_stands_in_and_says_so(local: Recognizer) -> None:
    model = ScriptedModel(LOOKED_INTO, NO_ANSWER)
    bot = Bot(understanding=lambda: ModelRecognizer(catalog(), ORGANIZATION, model, local, prose=True), model=model)
    answer = bot.say("vic", "how is checkout getting on in staging these days?")
    bot.settle()
    card = bot.card(answer)
    assert card.title == "checkout in staging is healthy"
    assert (
        "Claude did not answer within 2.5 s, so the local recogniser chose the nearest that can be looked up: "
        "status checkout staging (R-2)." in words(card)
    )


def test_what_was_asked_about_is_what_it_means_afterwards(local: Recognizer) -> None:
    model = ScriptedModel(LOOKED_INTO, NO_ANSWER)
    bot = Bot(understanding=lambda: ModelRecognizer(catalog(), ORGANIZATION, model, local, prose=True), model=model)
    bot.say("lena", "how is checkout getting on in staging these days?")
    bot.settle()
    (turn,) = bot.passing.sessions.turns("terminal//c1/t1")
    assert (turn.action, turn.parameters) == ("status", {"service": "checkout", "environment": "staging"})


def test_where_nothing_is_near_it_says_that(local: Recognizer) -> None:
    _, _, card = asked(local, NO_ANSWER)
    assert "Claude did not answer within 2.5 s" in words(card)


def test_the_words_can_be_followed_as_they_are_written(local: Recognizer) -> None:
    seen: list[str] = []
    bot: Bot

    class Watching(ScriptedModel):
        def converse(self, **given: Any) -> Said | Unavailable:
            got = super().converse(**given)
            seen.append(words(bot.card("R-1")))
            return got

    long = "checkout does not become healthy on staging, since its database cannot be reached from there.\nSee the log."
    model = Watching(LOOKED_INTO, said(long))
    bot = Bot(understanding=lambda: ModelRecognizer(catalog(), ORGANIZATION, model, local, prose=True), model=model)
    bot.say("vic", "hm why is checkout red on staging")
    bot.settle()
    assert "does not become healthy on staging" in seen[0]
    assert bot.house.cards.draft(bot.request("R-1")) == ""


def test_people_cannot_ask_for_it_by_its_name(local: Recognizer) -> None:
    bot = Bot(understanding=lambda: local)
    answer = bot.ask("vic", "look_into", question="why?")
    assert answer.request is None
    assert "cannot ask for it" in answer.reply.title


@pytest.mark.parametrize(
    "text", ["deploy checkout 1.4 to staging tomorrow maybe?", "kindly bounce checkout on staging"]
)
def test_a_card_says_in_a_line_that_the_local_recogniser_stood_in(local: Recognizer, text: str) -> None:
    model = ScriptedModel(Unavailable(why="Claude answered 529"))
    bot = Bot(understanding=lambda: ModelRecognizer(catalog(), ORGANIZATION, model, local))
    answer = bot.say("lena", text)
    bot.settle()
    reply = bot.card(answer) if answer.request else answer.reply
    note = "Claude answered 529, so the local recogniser read this."
    assert [block for block in reply.blocks if isinstance(block, Note) and block.text == (note,)]


def test_every_surface_shows_that_the_local_recogniser_stood_in(local: Recognizer) -> None:
    model = ScriptedModel(Unavailable(why="Claude answered 529"))
    bot = Bot(understanding=lambda: ModelRecognizer(catalog(), ORGANIZATION, model, local))
    answer = bot.say("lena", "kindly bounce checkout on staging")
    bot.settle()
    card = bot.card(answer)
    note = "Claude answered 529, so the local recogniser read this."
    assert note in " ".join(terminal.draw(card, terminal.plain(bot.clock.now())).split())
    assert note in str(slack.draw(card, slack.Look(users=lambda _: None, hold=lambda _, __: "id")).blocks)
    assert note in web.draw(card)
    assert note in card.model_dump_json()
