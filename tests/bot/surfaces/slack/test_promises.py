"""What Slack's people are promised beside the main road: answers typed or chosen, decisions that lapse, messages that go away."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from actions import catalog
from actions.core.organization import Organization
from actions.core.request import State
from bot.commands.doctor import examine
from bot.stores.open import SqlStores
from bot.testing import COMPANY, Bot
from intents.meaning import Asks, Message
from intents.recognizer import Recognizer
from tests.bot.surfaces.slack.workspace import (
    CHANNEL,
    DANA,
    ERIN,
    LENA,
    ME,
    PRODUCTION,
    STAGING,
    TEAM,
    Office,
    buttons,
    company,
    message,
    refused,
    says,
    whispered,
)

SAM = "U0SAM"


@pytest.fixture(scope="module")
def local(learned: Path) -> Recognizer:
    return Recognizer(catalog(), Organization.model_validate(COMPANY), cache=learned)


@pytest.fixture
def listening(local: Recognizer) -> Office:
    """An office that understands what people type as the real one does."""
    return Office(bot=Bot(company(), understanding=lambda: local))


def test_what_is_missing_can_be_typed_into_the_thread(listening: Office) -> None:
    thread = listening.say(DANA, f"<@{ME}> deploy checkout v1.4.2")
    assert "Which environment?" in says(listening.card())
    listening.say(DANA, "staging", thread=thread)
    listening.pass_time(60)
    assert "checkout v1.4.2 runs in staging" in says(listening.posted()[-1])


def test_more_than_a_few_choices_are_a_select() -> None:
    many = [{"name": f"test-{number}"} for number in range(6)]
    known = company(environments=[*COMPANY["environments"], *many])
    office = Office(known)
    office.say(DANA, f"<@{ME}> deploy checkout v1.4.2")
    question = office.card()
    (select,) = next(b for b in question["blocks"] if b["type"] == "actions")["elements"]
    assert select["type"] == "static_select"
    office.choose(DANA, question, "staging")
    office.pass_time(60)
    assert "checkout v1.4.2 runs in staging" in says(office.posted()[-1])


def test_the_commands_of_their_own(listening: Office) -> None:
    listening.command(DANA, "/deploy", "checkout v1.4.2 to staging", "1.1")
    listening.pass_time(60)
    listening.command(DANA, "/status", "checkout", "1.2")
    listening.pass_time(5)
    assert any("checkout is" in told or "healthy" in told for told in whispered(listening, DANA))
    listening.command(DANA, "/rollback", "checkout in staging", "1.3")
    listening.pass_time(60)
    first, second = listening.posted()
    assert "checkout v1.4.2 runs in staging" in says(first)
    assert "checkout v1.4.1 runs in staging" in says(second)


def test_who_waits_alone_is_told_within_a_second(office: Office) -> None:
    office.command(DANA, "/shipmate", "how is checkout", "1.1")
    office.listen()
    assert not whispered(office, DANA)
    office.bot.clock.advance(0.9)
    office.listen()
    (word,) = whispered(office, DANA)
    assert "the answer follows" in word
    office.bot.clock.advance(2)
    office.pass_time(5)
    assert len(whispered(office, DANA)) == 2
    assert not office.posted()


def test_an_approval_that_lapses_loses_its_buttons_and_says_so(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    card = deepcopy(office.posted()[0])
    assert "Approve" in buttons(card)
    office.bot.tick(16 * 60)
    office.listen()
    assert "expired" in says(office.card())
    assert buttons(office.card()) == ["Try again"]
    office.press(ERIN, card, "Approve")
    assert office.bot.request("R-1").state is State.EXPIRED
    assert whispered(office, ERIN)


def test_a_denial_says_who_and_when(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    office.press(ERIN, office.posted()[0], "Deny")
    office.send_off(ERIN, office.workspace.views[-1], reason="not on a Friday")
    office.pass_time(2)
    assert f"<@{ERIN}> denied <!date^" in says(office.card())


def test_a_refusal_tells_the_one_who_pressed_and_changes_nothing(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    before = office.bot.request("R-1")
    office.press(SAM, office.posted()[0], "Approve")
    (told,) = whispered(office, SAM)
    assert "devops" in told
    assert office.bot.request("R-1") == before
    assert not whispered(office, DANA)


def test_a_card_that_somebody_deleted_is_posted_anew(office: Office) -> None:
    office.say(DANA, STAGING)
    del office.workspace.messages[CHANNEL, office.card()["ts"]]
    office.pass_time(60)
    assert "runs in staging" in says(office.card())


@pytest.mark.parametrize("gone", ["not_in_channel", "channel_not_found", "is_archived", "restricted_action"])
def test_where_shipmate_may_not_post_the_outcome_goes_to_the_one_who_asked(office: Office, gone: str) -> None:
    office.workspace.fail["chat.postMessage"] = [refused(gone)]
    office.say(DANA, STAGING)
    office.pass_time(60)
    assert "runs in staging" in says(office.card("D0DANA"))


def test_the_doctor_names_what_was_not_delivered(office: Office) -> None:
    office.workspace.gone |= {CHANNEL, DANA}
    office.say(DANA, STAGING)
    office.pass_time(60)
    office.workspace.fail["chat.postMessage"] = [refused("token_revoked")] * 9
    office.say(ERIN, f"<@{ME}> deploy catalog v1.4.2 to staging", channel="C0DEV")
    office.pass_time(3)
    kept = office.bot.house.kept
    assert isinstance(kept, SqlStores)
    wrong = [finding.says for finding in examine(kept, office.bot.clock.now()) if finding.good is False]
    assert "Cards on slack that were not delivered: R-2" in wrong
    assert any("delivered nowhere this week: R-1 (" in says and "is_archived" in says for says in wrong)


def test_too_many_messages_are_waited_for_and_not_taken_for_a_refusal(office: Office) -> None:
    office.workspace.fail["chat.postMessage"] = [refused("rate_limited")]
    office.say(DANA, STAGING)
    office.pass_time(60)
    assert "runs in staging" in says(office.card())
    assert not office.posted("D0DANA")


@pytest.mark.parametrize("subtype", ["message_changed", "message_deleted", "bot_message", "channel_join"])
def test_what_is_no_new_message_of_a_person_is_no_request(office: Office, subtype: str) -> None:
    office.deliver(message(DANA, STAGING, "1.1", subtype=subtype))
    office.listen()
    assert not office.posted()
    assert office.bot.house.kept.ledger.get("R-1") is None


def test_thumbs_stay_where_a_card_is_posted_anew(office: Office) -> None:
    office.say(DANA, f"<@{ME}> help")
    office.pass_time(2)
    request = office.bot.request("R-1")
    office.slack.cards.rate(request, DANA, "down")
    assert office.slack.cards.reference(request)["feedback"] == {DANA: "down"}


@pytest.mark.parametrize("said", ["help", "services"])
def test_answers_can_be_rated(office: Office, said: str) -> None:
    office.say(DANA, f"<@{ME}> {said}")
    office.pass_time(2)
    assert "feedback_buttons" in str(office.card()["blocks"])


def test_changes_and_decisions_are_not_rated(office: Office) -> None:
    office.say(DANA, STAGING)
    office.pass_time(60)
    assert "feedback_buttons" not in str(office.card()["blocks"])


def test_services_of_ones_teams_come_first_at_home() -> None:
    teams = [{"name": "payments", "members": ["lena"]}, {"name": "discovery"}]
    office = Office(company(teams=teams))
    for service in ("checkout", "catalog"):
        office.say(DANA, f"<@{ME}> deploy {service} v1.4.2 to staging")
        office.pass_time(60)
    event = {"type": "app_home_opened", "tab": "home", "user": LENA, "event_ts": "1"}
    office.deliver({"type": "event_callback", "team_id": TEAM, "event_id": "Ev", "event": event})
    office.listen()
    home = says(office.workspace.homes[LENA])
    assert "checkout" in home
    assert "catalog" not in home


def test_the_assistant_suggests_what_is_understood(office: Office, local: Recognizer) -> None:
    begun = {"user_id": DANA, "channel_id": "D0DANA", "thread_ts": "1.1"}
    event = {"type": "assistant_thread_started", "assistant_thread": begun}
    office.deliver({"type": "event_callback", "team_id": TEAM, "event_id": "Ev", "event": event})
    office.listen()
    ((_, told),) = [call for call in office.workspace.calls if call[0] == "assistant.threads.setSuggestedPrompts"]
    assert (told["channel_id"], told["thread_ts"]) == ("D0DANA", "1.1")
    assert len(told["prompts"]) <= 4
    meant = [local.recognize(Message(text=prompt["message"], by="dana")) for prompt in told["prompts"]]
    actions = [meaning.action for meaning in meant if isinstance(meaning, Asks)]
    assert actions == ["approvals", "status", "deployments", "help"]


@pytest.mark.parametrize(("fails", "posts"), [([], 0), (["channel_not_found"], 1)], ids=["status", "no assistant"])
def test_a_slow_read_in_an_assistants_thread_shows_its_status_and_no_card_before_its_answer(
    office: Office, fails: list[str | Exception], posts: int
) -> None:
    office.workspace.fail["assistant.threads.setStatus"] = fails
    office.say(DANA, "how is checkout", thread="1.0", channel="D0DANA")
    office.bot.clock.advance(1)
    office.listen()
    assert office.workspace.count("assistant.threads.setStatus") == 1
    assert len(office.posted("D0DANA")) == posts
    office.pass_time(5)
    assert "checkout is" in says(office.card("D0DANA"))
    assert office.workspace.count("assistant.threads.setStatus") == 1


def test_for_what_is_asked_directly_those_who_may_approve_are_sent_the_card(office: Office) -> None:
    office.say(DANA, "deploy checkout v1.4.2 to production", channel="D0DANA")
    office.pass_time(3)
    assert "waits for approval" in says(office.card("D0DANA"))
    call = office.card("D0ERIN")
    assert "Approve" in buttons(call)
    office.press(ERIN, call, "Approve")
    office.pass_time(60)
    assert "runs in production" in says(office.card("D0DANA"))
    assert not buttons(office.card("D0ERIN"))
    assert "approved it" in says(office.card("D0ERIN"))
