"""Deploying, as people live through it."""

from __future__ import annotations

import copy

import pytest

from actions.core.reply import Paragraph, Reply, Tone
from actions.core.request import State
from bot.testing import COMPANY, Bot


@pytest.fixture
def bot() -> Bot:
    return Bot()


def words(reply: Reply) -> str:
    """All that a reply says in its title and paragraphs."""
    paragraphs = [block for block in reply.blocks if isinstance(block, Paragraph)]
    return " ".join([reply.title, *(str(span) for p in paragraphs for span in p.text)])


def test_a_deployment_to_staging_runs_through_and_ends_with_a_way_on_and_a_way_back(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    assert answer.reply.tone is Tone.WORKING
    bot.settle()
    card = bot.card(answer)
    assert card.title == "checkout v1.4.2 runs in staging"
    assert card.tone is Tone.GOOD
    assert [button.label for button in card.buttons] == ["Promote to production", "Roll back"]
    assert bot.cluster.files["apps/checkout/staging/kustomization.yaml"] == "v1.4.2"


def test_a_developer_is_refused_production_with_the_reason(bot: Bot) -> None:
    answer = bot.ask("sam", "deploy", service="checkout", version="v1.4.2", environment="production")
    assert bot.request(answer).state is State.REFUSED
    assert "You are developer" in words(answer.reply)
    assert "devops" in words(answer.reply)
    assert not bot.cluster.commits


def test_production_waits_for_a_second_person_who_approves(bot: Bot) -> None:
    answer = bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="production")
    bot.settle()
    card = bot.card(answer)
    assert card.title == "Deploy checkout v1.4.2 to production waits for approval"
    assert "erin" in card.mentions
    assert "dana" not in card.mentions
    approved = bot.press("erin", card, "Approve")
    assert approved.request is not None
    assert approved.request.state is State.DONE
    assert approved.follow == answer.request.id  # type: ignore[union-attr]
    bot.settle()
    assert bot.card(answer).title == "checkout v1.4.2 runs in production"


def test_nobody_approves_their_own_request(bot: Bot) -> None:
    answer = bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="production")
    bot.settle()
    refused = bot.press("dana", bot.card(answer), "Approve")
    assert "nobody approves their own" in words(refused.reply)
    assert bot.request(answer).state is State.AWAITING_APPROVAL


def test_a_developer_cannot_approve(bot: Bot) -> None:
    answer = bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="production")
    bot.settle()
    refused = bot.press("sam", bot.card(answer), "Approve")
    assert "You may not approve" in words(refused.reply)


def test_an_unapproved_request_expires_and_says_so(bot: Bot) -> None:
    answer = bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="production")
    bot.settle()
    bot.tick(15 * 60 + 1)
    card = bot.card(answer)
    assert bot.request(answer).state is State.EXPIRED
    assert "Nobody approved it in time" in words(card)
    assert [b.label for b in card.buttons] == ["Try again"]


def test_an_approval_is_void_when_what_runs_has_changed_meanwhile(bot: Bot) -> None:
    answer = bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="production")
    bot.settle()
    bot.cluster.files["apps/checkout/production/kustomization.yaml"] = "v1.4.0"
    bot.press("erin", bot.card(answer), "Approve")
    bot.settle()
    assert bot.request(answer).state is State.REFUSED
    assert "from was v1.4.1 and is v1.4.0" in words(bot.card(answer))
    assert not bot.cluster.commits


def test_a_version_that_turns_unhealthy_rolls_itself_back_and_says_so(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.5.0-bad", environment="staging")
    bot.settle()
    request = bot.request(answer)
    assert (request.state, request.outcome) == (State.FAILED, "rolled back")
    assert "turned unhealthy" in words(bot.card(answer))
    assert "back on v1.4.1 and healthy" in words(bot.card(answer))
    assert bot.cluster.files["apps/checkout/staging/kustomization.yaml"] == "v1.4.1"


def test_a_version_that_never_comes_up_rolls_itself_back_in_time(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.5.1-stuck", environment="staging")
    bot.settle()
    assert bot.request(answer).outcome == "rolled back"
    assert "within 60 s" in words(bot.card(answer))


def test_a_version_that_does_not_exist_is_refused_with_the_nearest(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.9", environment="staging")
    bot.settle()
    assert bot.request(answer).state is State.REFUSED
    assert "no version v1.4.9" in words(bot.card(answer))
    assert "v1.4.2" in words(bot.card(answer))


def test_an_unknown_service_is_answered_with_the_nearest(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="chekout", version="v1.4.2", environment="staging")
    assert answer.request is None
    assert "Did you mean checkout?" in words(answer.reply)


def test_a_second_operation_on_the_same_place_is_refused_with_who_holds_it(bot: Bot) -> None:
    bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    second = bot.ask("dana", "restart", service="checkout", environment="staging")
    assert bot.request(second).state is State.REFUSED
    assert "busy with R-1" in words(second.reply)
    assert "lena" in words(second.reply)


def test_the_same_cause_makes_one_request(bot: Bot) -> None:
    for _ in range(3):
        bot.ask("lena", "deploy", cause="once", service="checkout", version="v1.4.2", environment="staging")
    bot.settle()
    assert len(bot.cluster.commits) == 1


def test_a_freeze_stops_changes_until_it_is_thawed(bot: Bot) -> None:
    bot.ask("dana", "freeze", environment="staging", reason="the sale")
    refused = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    assert "dana froze staging: the sale" in words(refused.reply)
    bot.ask("dana", "thaw", environment="staging")
    bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.settle()
    assert bot.cluster.files["apps/checkout/staging/kustomization.yaml"] == "v1.4.2"


def test_a_freeze_between_approval_and_work_stops_the_work(bot: Bot) -> None:
    answer = bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="production")
    bot.settle()
    bot.press("erin", bot.card(answer), "Approve")
    bot.ask("erin", "freeze", environment="production")
    bot.settle()
    assert bot.request(answer).state is State.REFUSED
    assert not bot.cluster.commits


def test_rollback_without_a_version_goes_to_the_last_healthy_one(bot: Bot) -> None:
    bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.settle()
    back = bot.ask("lena", "rollback", service="checkout", environment="staging")
    bot.settle()
    assert bot.card(back).title == "checkout v1.4.1 runs in staging"


def test_promote_brings_what_the_environment_before_runs(bot: Bot) -> None:
    bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="development")
    bot.settle()
    bot.ask("lena", "promote", service="checkout", environment="staging")
    bot.settle()
    assert bot.cluster.files["apps/checkout/staging/kustomization.yaml"] == "v1.4.2"


def test_a_deployment_under_way_can_be_cancelled_and_is_taken_back(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.work()
    bot.tick()
    bot.press("lena", bot.card(answer), "Cancel")
    bot.settle()
    request = bot.request(answer)
    assert (request.state, request.outcome) == (State.CANCELLED, "rolled back")
    assert bot.cluster.files["apps/checkout/staging/kustomization.yaml"] == "v1.4.1"


def test_argo_cd_being_down_is_told_and_waited_for(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.work()
    bot.cluster.down = True
    bot.tick()
    assert "Argo CD does not answer" in words(bot.card(answer))
    bot.cluster.down = False
    bot.settle()
    assert bot.request(answer).outcome == "deployed"


def test_a_worker_that_dies_after_asking_is_found_out_and_nothing_is_asked_twice(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    real, bot.cluster.write = bot.cluster.write, _dies_after(bot.cluster.write)  # type: ignore[method-assign,assignment]
    with pytest.raises(SystemExit):
        bot.work()
    bot.cluster.write = real  # type: ignore[method-assign]
    assert bot.request(answer).state is State.RUNNING
    bot.tick(31)
    bot.settle()
    assert bot.request(answer).outcome == "deployed"
    assert len(bot.cluster.commits) == 1


def _dies_after(call: object) -> object:
    def dying(*arguments: object, **named: object) -> object:
        call(*arguments, **named)  # type: ignore[operator]
        raise SystemExit

    return dying


def test_a_queue_that_does_not_answer_loses_nothing(bot: Bot) -> None:
    bot.passing.queue.down = True
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    assert bot.request(answer).state is State.ACCEPTED
    bot.passing.queue.down = False
    bot.tick(31)
    bot.settle()
    assert bot.request(answer).outcome == "deployed"


def test_a_frozen_person_neither_approves_nor_thaws(bot: Bot) -> None:
    answer = bot.ask("dana", "deploy", service="checkout", version="v1.4.2", environment="production")
    bot.settle()
    bot.ask("ada", "freeze", person="erin", reason="lost laptop")
    refused = bot.press("erin", bot.card(answer), "Approve")
    assert "ada froze erin" in words(refused.reply)
    assert bot.request(bot.ask("erin", "thaw", person="erin")).state is State.REFUSED
    assert bot.request(answer).state is State.AWAITING_APPROVAL


def test_a_restart_that_nobody_saw_happen_is_done_where_the_service_is_healthy_in_the_end() -> None:
    company = copy.deepcopy(COMPANY)
    for service in company["services"]:
        service["argocd"]["healthy_within"] = "1s"
    bot = Bot(company)
    answer = bot.ask("dana", "restart", service="checkout", environment="staging")
    bot.settle()
    assert bot.request(answer).state is State.DONE


def test_an_outage_that_does_not_end_is_given_up_honestly_and_lets_go_of_the_lock(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.work()
    bot.cluster.down = True
    for _ in range(70):
        bot.tick(60)
    request = bot.request(answer)
    assert (request.state, request.outcome) == (State.FAILED, "not known")
    assert "How it went is not known" in words(bot.card(answer))
    bot.cluster.down = False
    again = bot.ask("lena", "restart", service="checkout", environment="staging")
    assert bot.request(again).state is not State.REFUSED
