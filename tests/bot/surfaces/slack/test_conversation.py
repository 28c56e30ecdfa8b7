"""Slack as people live through it: mention, thread, card, approval, slash command, form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from actions.core.people import Requester, Standing
from actions.core.ports.messaging import Change
from actions.core.request import Origin, Proposal
from bot.surfaces.slack.client import Api, Down, OneWorkspace
from bot.surfaces.slack.places import place_of
from bot.surfaces.slack.waiting import AtIt
from bot.testing import COMPANY
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
    click,
    company,
    message,
    refused,
    says,
    whispered,
)

STRANGER = "U0NEW"


def test_a_mention_is_answered_in_its_thread_by_one_card_that_lives(office: Office) -> None:
    ts = office.say(DANA, STAGING)
    card = office.card()
    assert card["thread_ts"] == ts
    assert "Deploy checkout v1.4.2 to staging is accepted" in says(card)
    office.pass_time(2)
    assert "✅" in says(office.card())
    assert buttons(office.card()) == ["Cancel"]
    office.pass_time(60)
    assert office.card()["blocks"][0]["text"]["text"] == "🟢 checkout v1.4.2 runs in staging"
    assert buttons(office.card()) == ["Promote to production", "Roll back"]
    assert office.workspace.count("chat.postMessage") == 1


def test_a_card_is_edited_about_once_a_second_at_most(office: Office) -> None:
    office.say(DANA, STAGING)
    updates = []
    for _ in range(30):
        before = office.workspace.count("chat.update")
        office.pass_time(1)
        updates.append(office.workspace.count("chat.update") - before)
    assert max(updates) <= 1


def test_the_last_state_arrives_though_a_hand_is_quicker_than_who_hears_of_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(1)
    inbox, slack = office.bot.passing.inbox, office.slack
    put = inbox.put

    def put_and_handle(**delivery: Any) -> bool:
        new = put(**delivery)
        for delivered in inbox.take("a quick hand", wait=0):
            slack.handlers()[delivered.kind](delivered)
            inbox.done(delivered, "a quick hand")
        return new

    monkeypatch.setattr(inbox, "put", put_and_handle)
    office.bot.say("dana", "cancel R-1")
    office.listen()
    assert "waits for approval" in says(office.posted()[0]), "it was edited this very second"
    office.bot.tick()
    office.listen()
    assert "was cancelled" in says(office.card())


@pytest.mark.parametrize("times", [2, 5])
def test_one_message_acts_once_however_often_and_as_whatever_it_is_delivered(office: Office, times: int) -> None:
    for number in range(times):
        for kind in ("message", "app_mention"):
            office.deliver({**message(DANA, STAGING, "1.1", type=kind), "event_id": f"Ev{number}{kind}"})
        office.listen()
    office.pass_time(40)
    assert len(office.posted()) == 1
    assert len(office.bot.passing.bus.announced)
    assert office.bot.house.kept.ledger.get("R-2") is None


def test_production_is_approved_by_a_second_person_who_was_called(office: Office) -> None:
    thread = office.say(DANA, PRODUCTION)
    office.pass_time(3)
    card, call = office.posted()
    assert "waits for approval" in says(card)
    assert f"<@{ERIN}>" in says(card)
    assert buttons(card) == ["Approve", "Deny", "Cancel"]
    assert call["thread_ts"] == thread
    assert f"<@{ERIN}>" in call["text"]
    assert f"<@{DANA}>" not in call["text"]

    office.press(LENA, card, "Approve")
    assert "may not" in whispered(office, LENA)[0] or "devops" in whispered(office, LENA)[0]
    office.press(DANA, card, "Approve")
    assert len(whispered(office, DANA)) == 1
    assert "waits for approval" in says(office.posted()[0])

    office.press(ERIN, card, "Approve")
    office.pass_time(60)
    assert len(office.posted()) == 1
    assert "runs in production" in says(office.card())
    assert f"<@{ERIN}> approved" in says(office.card())
    assert not whispered(office, ERIN)


def test_a_decision_made_elsewhere_takes_the_buttons_away(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    office.bot.ask("erin", "deny", request="R-1", reason="no tests")
    office.pass_time(2)
    assert "was denied" in says(office.card())
    assert "no tests" in says(office.card())
    assert not buttons(office.card())


def test_deny_asks_for_the_reason_in_a_modal(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    office.press(ERIN, office.posted()[0], "Deny")
    (view,) = office.workspace.views
    assert [b["block_id"] for b in view["blocks"] if b["type"] == "input"] == ["reason"]
    assert office.send_off(ERIN, view, reason="not on a Friday") is None
    office.send_off(ERIN, view, reason="not on a Friday")
    office.pass_time(2)
    assert "not on a Friday" in says(office.card())


def test_a_form_that_came_too_late_is_offered_again(office: Office) -> None:
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    office.press(ERIN, office.posted()[0], "Deny", trigger="expired")
    user, said = office.workspace.whispers[-1]
    assert (user, buttons(said)) == (ERIN, ["Open the form"])
    office.press(ERIN, {**said, "channel": CHANNEL, "ts": "9.9"}, "Open the form")
    assert office.workspace.views


def test_what_is_missing_is_asked_for_with_buttons(office: Office) -> None:
    office.say(DANA, f"<@{ME}> deploy checkout v1.4.2")
    question = office.card()
    assert buttons(question) == ["development", "production", "staging"]
    office.press(DANA, question, "staging")
    office.pass_time(60)
    answered, card = office.posted()
    assert not buttons(answered)
    assert "runs in staging" in says(card)


def test_a_choice_that_leaves_something_open_is_followed_by_the_next_question(office: Office) -> None:
    office.say(DANA, f"<@{ME}> deploy checkout")
    assert buttons(office.card()) == ["Fill in the form"]
    office.press(DANA, office.card(), "Fill in the form")
    (view,) = office.workspace.views
    asked = [b["block_id"] for b in view["blocks"] if b["type"] == "input"]
    assert set(asked[:2]) == {"version", "environment"}
    refused_ = office.send_off(DANA, view, version="no such!", environment="staging")
    assert refused_ is not None
    assert list(refused_["errors"]) == ["version"]
    assert office.send_off(DANA, view, version="v1.4.2", environment="staging") is None
    office.pass_time(60)
    assert "runs in staging" in says(office.posted()[-1])


def test_the_menu_leads_to_a_form_whose_errors_stand_at_their_fields(office: Office) -> None:
    office.command(DANA, "/shipmate")
    (menu,) = office.workspace.views
    select = menu["blocks"][1]["elements"][0]
    assert any(o["value"] == "deploy" for g in select["option_groups"] for o in g["options"])
    chosen = {"action_id": "verb:menu", "type": "static_select", "selected_option": {"value": "deploy"}}
    office.deliver(
        {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": DANA},
            "view": {**menu, "id": "V1", "hash": "h"},
            "actions": [chosen],
        }
    )
    form = office.workspace.views[-1]
    assert office.send_off(DANA, form, service="checkout", version="v1.4.2", environment="staging") is None
    office.pass_time(60)
    assert "runs in staging" in says(office.card())


def test_a_slash_command_posts_the_operations_card_to_the_channel(office: Office) -> None:
    office.command(DANA, "/deploy", "checkout v1.4.2 to staging")
    office.pass_time(60)
    assert "thread_ts" not in office.card()
    assert "runs in staging" in says(office.card())
    assert not office.workspace.whispers


def test_a_slash_command_that_reads_or_lacks_something_answers_to_the_one_alone(office: Office) -> None:
    office.command(DANA, "/shipmate", "help", "1.1")
    office.command(DANA, "/shipmate", "make coffee", "1.2")
    office.command(LENA, "/deploy", "checkout v1.4.2 to production", "1.3")
    office.pass_time(3)
    assert not office.posted()
    assert len(whispered(office, f"https://respond/{DANA}")) == 2
    assert len(whispered(office, f"https://respond/{LENA}")) == 1


def test_a_quick_read_is_posted_once_with_its_answer(office: Office) -> None:
    office.say(DANA, f"<@{ME}> help")
    office.pass_time(2)
    assert office.workspace.count("chat.postMessage") == 1
    assert "feedback_buttons" in str(office.card()["blocks"])


def test_thumbs_are_kept_with_the_request(office: Office) -> None:
    office.say(DANA, f"<@{ME}> help")
    office.pass_time(2)
    card = office.card()
    block = next(b for b in card["blocks"] if b["type"] == "context_actions")
    element = {"type": "feedback_buttons", "action_id": "feedback", "block_id": block["block_id"], "value": "up"}
    office.deliver(click(DANA, card, element, {}))
    office.listen()
    request = office.bot.request("R-1")
    assert office.slack.cards.reference(request)["feedback"] == {DANA: "up"}
    (kept,) = office.bot.house.kept.opinions.since(request.created_at)
    assert (kept.person, kept.verdict, kept.about, kept.say) == ("dana", "up", "R-1", "help")


def test_talk_among_people_is_left_alone(office: Office) -> None:
    thread = office.say(DANA, STAGING)
    office.say(ERIN, "nice weather", thread=thread)
    office.say(ERIN, f"<@{DANA}> deploy checkout v1.4.1 to staging", thread=thread)
    office.say(ERIN, "deploy checkout v1.4.1 to staging")
    office.say(ERIN, "deploy checkout v1.4.1 to staging", thread="1.99")
    office.say(ERIN, f"<@{ME}> deploy x", bot_id="B1")
    office.say(ERIN, f"<@{ME}> help", subtype="message_changed")
    office.say(ME, f"<@{ME}> help")
    assert len(office.posted()) == 1


def test_a_thread_goes_on_without_a_mention(office: Office) -> None:
    thread = office.say(DANA, STAGING)
    office.say(DANA, "help", thread=thread)
    office.pass_time(2)
    assert len(office.posted()) == 2


def test_a_direct_message_needs_no_mention(office: Office) -> None:
    office.say(DANA, "deploy checkout v1.4.2 to staging", channel="D0DANA")
    assert "thread_ts" not in office.card("D0DANA")


def test_guests_and_people_of_other_workspaces_get_nothing_done(office: Office) -> None:
    office.workspace.users["U0GUEST"] = {"is_restricted": True}
    office.say("U0GUEST", STAGING)
    office.say(DANA, STAGING, user_team="T0OTHER")
    office.pass_time(5)
    assert all("guests may do nothing" in says(card) for card in office.posted())
    assert not office.bot.cluster.commits


@pytest.mark.parametrize(
    ("user", "told", "standing"),
    [
        (DANA, {}, Standing.KNOWN),
        (STRANGER, {}, Standing.STRANGER),
        (STRANGER, {"is_ultra_restricted": True}, Standing.OUTSIDER),
        (STRANGER, {"team_id": "T0OTHER"}, Standing.OUTSIDER),
    ],
)
def test_who_somebody_is(office: Office, user: str, told: Mapping[str, Any], standing: Standing) -> None:
    office.workspace.users[user] = dict(told)
    people = office.slack.handler._people
    assert people.requester(TEAM, user).standing is standing
    office.workspace.fail["users.info"] = ["internal_error"]
    assert people.requester(TEAM, user).standing is standing


def test_user_groups_carry_roles_and_fail_closed() -> None:
    office = Office(company(roles={"devops": {"slack_usergroups": ["S1"]}}))
    people = office.slack.handler._people
    office.workspace.groups["S1"] = [LENA]
    assert people.requester(TEAM, LENA).roles == {"devops"}
    office.bot.clock.advance(300)
    office.workspace.fail["usergroups.users.list"] = ["internal_error"]
    assert people.requester(TEAM, LENA).roles == frozenset()


def test_an_archived_channel_sends_the_outcome_to_the_one_who_asked(office: Office) -> None:
    office.say(DANA, STAGING)
    office.workspace.gone.add(CHANNEL)
    office.pass_time(60)
    assert "runs in staging" in says(office.card("D0DANA"))


def test_what_can_be_delivered_nowhere_is_recorded(office: Office) -> None:
    office.workspace.gone |= {CHANNEL, DANA}
    office.say(DANA, STAGING)
    office.pass_time(60)
    delivery = office.bot.house.kept.deliveries.get("R-1", office.bot.request("R-1").place.key)
    assert delivery is not None
    assert "is_archived" in delivery.failed
    week = office.bot.clock.now() - timedelta(days=7)
    assert [failed.request for failed in office.bot.house.kept.deliveries.failed("slack", since=week)] == ["R-1"]


@pytest.mark.parametrize(
    "trouble",
    [
        refused("ratelimited", 429, {"Retry-After": "30"}),
        refused("internal_error", 500),
        Down("chat.postMessage", "ReadTimeout"),
        refused("token_revoked"),
    ],
    ids=["limited", "broken", "stalled", "revoked"],
)
def test_the_last_state_arrives_after_slack_failed(office: Office, trouble: Exception) -> None:
    office.workspace.fail["chat.postMessage"] = [trouble, trouble]
    office.say(DANA, STAGING)
    office.pass_time(120)
    assert "runs in staging" in says(office.card())


def test_after_a_broken_connection_the_card_is_found_again_instead_of_posted_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = office.workspace.chat_postMessage

    def post_and_break(**arguments: Any) -> dict[str, Any]:
        post(**arguments)
        monkeypatch.setattr(office.workspace, "chat_postMessage", post)
        raise Down("chat.postMessage", "ReadError")

    monkeypatch.setattr(office.workspace, "chat_postMessage", post_and_break)
    office.say(DANA, STAGING)
    office.pass_time(60)
    assert "runs in staging" in says(office.card())


def test_a_listener_that_comes_back_draws_what_lags(office: Office) -> None:
    office.deliver(message(DANA, STAGING, "1.1"))
    office.listen()
    office.bot.settle()
    office.bot.passing.bus.announced.clear()
    office._heard = 0
    other = office.another_listener()
    office.bot.clock.advance(10)
    other.redraw_lagging()
    office.listen(other)
    assert "runs in staging" in says(office.card())


def test_the_first_card_of_what_nobody_in_slack_asked_for_comes_a_moment_later(office: Office) -> None:
    proposal = Proposal(
        action="deploy",
        parameters={"service": "checkout", "version": "v1.4.2", "environment": "staging"},
        requester=Requester(name="dana"),
        place=place_of(TEAM, CHANNEL, ""),
        cause="a rule",
        origin=Origin.PLAYBOOK,
    )
    office.bot.house.gate.submit(proposal)
    office.listen()
    assert not office.posted()
    office.bot.clock.advance(1)
    office.slack.redraw_lagging()
    office.listen()
    assert "is accepted" in says(office.card())


def test_two_listeners_that_hear_of_a_change_post_one_card(office: Office) -> None:
    office.bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="staging")
    office.say(DANA, f"<@{ME}> deploy catalog v1.4.2 to staging")
    other = office.another_listener()
    for listener in (office.slack, other):
        for request_id in ("R-1", "R-2"):
            request = office.bot.house.kept.ledger.get(request_id)
            assert request
            listener.draw(Change.of(request.model_copy(update={"version": 2})))
    office.listen(other)
    assert len(office.posted()) == 1


def test_blocks_that_slack_refuses_still_leave_their_words(office: Office) -> None:
    office.workspace.fail["chat.postMessage"] = ["invalid_blocks"]
    office.say(DANA, STAGING)
    assert "is accepted" in office.card()["text"]


def home_of(office: Office, user: str) -> dict[str, Any]:
    event = {"type": "app_home_opened", "tab": "home", "user": user, "event_ts": f"{office.bot.clock.now()}"}
    office.deliver({"type": "event_callback", "team_id": TEAM, "event_id": "Ev", "event": event})
    office.listen()
    return {**office.workspace.homes[user], "channel": None, "ts": "V1"}


def from_home(home: Mapping[str, Any]) -> dict[str, Any]:
    return {"container": {"type": "view", "view_id": "V1"}, "channel": {}, "message": {}, "view": dict(home)}


def test_home_shows_what_waits_and_lets_it_be_approved(office: Office) -> None:
    office.say(LENA, f"<@{ME}> deploy catalog v1.4.2 to staging")
    office.pass_time(60)
    office.say(DANA, PRODUCTION)
    office.pass_time(3)
    home = home_of(office, ERIN)
    assert "1 request waits for your approval" in says(home)
    assert "Deploy checkout v1.4.2 to production" in says(home)
    assert "catalog  staging v1.4.2" in says(home).replace("\n", "")
    office.press(ERIN, home, "Approve", **from_home(home))
    office.pass_time(60)
    assert "Nothing." in says(office.workspace.homes[ERIN])
    assert "runs in production" in says(office.posted()[-1])
    assert "Deploy checkout v1.4.2 to production" in says(home_of(office, DANA))


def test_home_tells_of_freezes(office: Office) -> None:
    office.bot.ask("erin", "freeze", environment="production", reason="the sale")
    home = home_of(office, DANA)
    assert "Frozen" in says(home)
    assert "every change in production" in says(home)
    assert ": the sale" in says(home)


def test_home_is_closed_to_guests(office: Office) -> None:
    office.workspace.users["U0GUEST"] = {"is_restricted": True}
    assert "members of this workspace" in says(home_of(office, "U0GUEST"))


def test_a_shortcut_takes_a_message_as_context(office: Office) -> None:
    office.deliver(
        {
            "type": "message_action",
            "team": {"id": TEAM},
            "user": {"id": DANA},
            "channel": {"id": CHANNEL},
            "message": {"ts": "1.5", "text": "deploy failed: " + "x" * 5000},
            "trigger_id": "t",
        }
    )
    (view,) = office.workspace.views
    assert office.send_off(DANA, view, text="help") is None
    office.pass_time(2)
    assert office.card()["thread_ts"] == "1.5"


def test_long_lists_are_offered_while_one_types() -> None:
    services = [{"name": f"service-{i}"} for i in range(150)]
    office = Office(company(services=[*COMPANY["services"], *services]))
    office.say(DANA, f"<@{ME}> deploy checkout")
    view = {"callback_id": "form", "private_metadata": '{"action": "deploy"}'}
    who = {"team": {"id": TEAM}, "user": {"id": DANA}}
    asked = {"type": "block_suggestion", "block_id": "service", "value": "CE-14", "view": view, **who}
    answer = office.deliver(asked)
    assert answer is not None
    assert [option["value"] for option in answer["options"]][:3] == ["service-14", "service-140", "service-141"]
    assert office.deliver({**asked, "block_id": "nonsense"}) == {"options": []}
    office.workspace.users["U0GUEST"] = {"is_restricted": True}
    assert office.deliver({**asked, "user": {"id": "U0GUEST"}}) == {"options": []}


@pytest.mark.parametrize(
    ("body", "fails", "shown"),
    [
        ({"direct": False}, {}, ["reactions.add", "reactions.remove"]),
        ({"direct": True}, {}, ["assistant.threads.setStatus", "assistant.threads.setStatus"]),
        (
            {"direct": True},
            {"assistant.threads.setStatus": ["missing_scope"]},
            ["assistant.threads.setStatus", "reactions.add", "reactions.remove"],
        ),
    ],
)
def test_who_waits_is_shown_that_it_is_at_it(
    office: Office, body: dict[str, Any], fails: dict[str, list[str | Exception]], shown: list[str]
) -> None:
    office.workspace.fail = fails
    said = {"team": TEAM, "channel": CHANNEL, "ts": "1.1", "thread": "1.0", **body}
    seconds = count(step=2)
    at_it = AtIt(OneWorkspace(Api(office.workspace)), now=lambda: next(seconds))
    with at_it(said):
        at_it.look()
        at_it.look()
    assert [method for method, _ in office.workspace.calls if method != "auth.test"] == shown


def test_an_answer_does_not_wait_until_it_is_shown_that_it_comes(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"team": TEAM, "channel": CHANNEL, "ts": "1.1", "thread": "1.0", "direct": False}
    seconds = count(step=2)
    at_it = AtIt(OneWorkspace(Api(office.workspace)), now=lambda: next(seconds))
    answering = at_it(said)

    def stalls(**_: Any) -> dict[str, Any]:
        # The answer comes while Slack has not answered yet.
        answering.__exit__(None, None, None)
        return {}

    monkeypatch.setattr(office.workspace, "reactions_add", stalls)
    answering.__enter__()
    at_it.look()
    assert [method for method, _ in office.workspace.calls if method != "auth.test"] == [
        "reactions.add",
        "reactions.remove",
    ]


def test_a_quick_answer_shows_nothing_before_it(office: Office) -> None:
    office.say(DANA, STAGING)
    assert not office.workspace.count("reactions.add")


def test_an_edit_that_slack_refuses_still_leaves_its_words(office: Office) -> None:
    office.say(DANA, STAGING)
    office.workspace.fail["chat.update"] = ["invalid_blocks"]
    office.pass_time(2)
    assert "is under way" in office.card()["text"]
    assert office.workspace.count("chat.postMessage") == 1
