"""Playbooks at work, as people see it: steps that know what happened, tries, times, undoing, and who is asked and told."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from actions import catalog
from actions.core.errors import Unreachable
from actions.core.people import Requester, Standing
from actions.core.ports.ledger import RequestQuery
from actions.core.request import Request, Source, State
from bot.playing import Playing
from playbooks.playbook import Playbook
from tests.bot.hooks.company import PROJECT, Company
from tests.bot.test_failures import OWN, TRANSIENT, words

EXPLAIN = {
    "id": "explain",
    "action": "explain_failure",
    "with": {"service": "${event.service}", "pipeline": "${event.facts.pipeline}"},
}


def company(*playbooks: dict[str, Any], roles: tuple[str, ...] = (), **more: Any) -> Company:
    """Playbooks of our own in the place of the library's, which would answer the same events."""
    known = [Playbook.model_validate({"title": "Ours", "for": "A test.", **each}) for each in playbooks]
    quiet = Playbook.model_validate(
        {"name": "pipeline-failed", "title": "x", "for": "x", "enabled": False, "steps": [EXPLAIN]}
    )
    machines = {f"playbook:{each.name}": {"roles": list(roles)} for each in known}
    return Company({each.name: each for each in (quiet, *known)}, machines=machines, **more)


def made(here: Company, name: str = "ours") -> list[Request]:
    """The requests of a playbook, oldest first."""
    found = here.bot.house.kept.ledger.find(RequestQuery(requester=f"playbook:{name}", limit=50))
    return list(reversed(found))


def went_on(here: Company, *, seconds: int = 60) -> None:
    """Let time pass, with the clock's look at playbooks."""
    for _ in range(seconds // 5):
        here.bot.tick(5)
        here.bot.house.playing.tick()


def test_a_later_step_knows_the_event_and_what_came_of_the_earlier_ones() -> None:
    tell = {
        "id": "say",
        "action": "tell",
        "with": {"text": "${event.service} broke on ${event.facts.ref} in #${steps.explain.result.pipeline.id}"},
        "when": 'steps.explain.outcome == "done" and size(previous.result.jobs) == 1',
    }
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [EXPLAIN, tell]})
    number = here.pipeline()
    here.settle()
    assert here.bot.card(made(here)[-1].id).title == f"checkout broke on main in #{number}"


def test_a_step_whose_condition_does_not_hold_is_passed_over() -> None:
    never = {"id": "never", "action": "tell", "with": {"text": "no"}, "when": 'event.facts.ref == "other"'}
    last = {"id": "last", "action": "tell", "with": {"text": "yes"}}
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [never, EXPLAIN, last]})
    here.pipeline()
    here.settle()
    assert [request.occasion.step for request in made(here) if request.occasion] == ["explain", "last"]


HOSTILE = {"id": "run", "action": "run_pipeline", "with": {"service": "checkout", "ref": "${event.facts.ref}"}}


def test_what_others_wrote_reaches_no_change_before_the_one_it_is_for_has_seen_it() -> None:
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [HOSTILE]}, roles=("developer",))
    here.pipeline(ref="feature/x")
    here.bot.work()
    (asked,) = made(here)
    assert asked.sources["ref"] is Source.QUOTED
    assert asked.state is State.AWAITING_CONFIRMATION
    card = here.bot.card(asked.id)
    assert card.mentions == ("sam",)
    assert "feature/x" in str(card.blocks)
    refused = here.bot.ask("lena", "confirm", request=asked.id)
    assert "is for sam to confirm" in words(refused.reply)
    here.bot.ask("sam", "confirm", request=asked.id)
    here.bot.work()
    assert here.bot.request(asked.id).state is State.WAITING


def test_where_a_team_is_acted_for_its_members_confirm() -> None:
    book = {"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [HOSTILE], "on_behalf_of": "payments"}
    here = company(book, roles=("developer",))
    here.pipeline()
    here.bot.work()
    (asked,) = made(here)
    assert here.bot.card(asked.id).mentions == ("lena",)
    assert "is for lena to confirm" in words(here.bot.ask("sam", "confirm", request=asked.id).reply)
    here.bot.ask("lena", "confirm", request=asked.id)
    here.bot.work()
    assert here.bot.request(asked.id).state is State.WAITING


def test_where_nobody_in_particular_is_acted_for_whoever_may_do_it_confirms() -> None:
    book = {"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [HOSTILE], "on_behalf_of": "discovery"}
    here = company(book, roles=("developer",))
    here.pipeline()
    here.bot.work()
    (asked,) = made(here)
    assert "You may not confirm" in words(here.bot.ask("vic", "confirm", request=asked.id).reply)
    machine = Requester(name="playbook:ours", standing=Standing.MACHINE)
    assert "to confirm" in words(here.bot.ask(machine, "confirm", request=asked.id).reply)
    here.bot.ask("dana", "confirm", request=asked.id)
    assert here.bot.request(asked.id).confirmed


def test_the_one_for_whom_it_acts_does_not_approve_it() -> None:
    step = {
        "id": "go",
        "action": "deploy",
        "with": {"service": "checkout", "version": "v1.4.2", "environment": "production"},
    }
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [step]}, roles=("devops",))
    here.pipeline(author="dana")
    here.bot.work()
    (asked,) = made(here)
    assert asked.state is State.AWAITING_APPROVAL
    assert "nobody approves their own" in words(here.bot.ask("dana", "approve", request=asked.id).reply)
    here.bot.ask("erin", "approve", request=asked.id)
    assert here.bot.request(asked.id).state is State.ACCEPTED


def test_a_value_the_hook_answers_for_needs_nobodys_word() -> None:
    step = {
        "id": "again",
        "action": "retry_pipeline",
        "with": {"service": "${event.service}", "pipeline": "${event.facts.pipeline}"},
    }
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [step]}, roles=("developer",))
    here.pipeline()
    here.bot.work()
    assert made(here)[0].state is State.WAITING


def test_a_step_that_failed_is_tried_again_after_a_while() -> None:
    step = {**EXPLAIN, "retry": {"times": 2, "after": "30s"}}
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [step]})
    real = here.bot.pipelines.trace

    def down(*_: object, **__: object) -> NoReturn:
        raise Unreachable("GitLab", "GitLab does not answer.")

    here.bot.pipelines.trace = down  # type: ignore[method-assign]
    here.pipeline()
    here.settle()
    assert [each.state for each in made(here)] == [State.FAILED]
    went_on(here, seconds=20)
    assert len(made(here)) == 1, "it waits half a minute"
    here.bot.pipelines.trace = real  # type: ignore[method-assign]
    went_on(here, seconds=40)
    assert [each.state for each in made(here)] == [State.FAILED, State.DONE]
    assert [each.occasion.attempt for each in made(here) if each.occasion] == [1, 2]


FREEZE = {
    "id": "hold",
    "action": "freeze",
    "with": {"service": "checkout"},
    "undo": {"action": "thaw", "with": {"service": "${steps.hold.parameters.service}"}},
}


def test_a_step_over_its_time_is_cancelled_and_what_was_done_before_is_taken_back() -> None:
    slow = {"id": "slow", "action": "run_pipeline", "with": {"service": "catalog"}, "timeout": "5m"}
    book = {
        "name": "ours",
        "on": [{"event": "pipeline.failed"}],
        "steps": [FREEZE, slow],
        "notify": {"team": "payments", "on": ["failed"]},
    }
    here = company(book, roles=("admin",))
    here.pipeline()
    here.hear()
    here.bot.work()
    here.hear()
    went_on(here, seconds=290)
    assert [each.action for each in made(here)] == ["freeze", "run_pipeline"]
    went_on(here, seconds=60)
    assert [each.action for each in made(here)] == ["freeze", "run_pipeline", "thaw", "tell"]
    assert made(here)[1].state is State.CANCELLED
    assert not here.bot.house.kept.freezes.in_force(here.bot.clock.now())
    said = made(here)[-1]
    assert said.place.channel == "C0PAY"
    assert "Ours: failed" in here.bot.card(said.id).title
    assert "hold was taken back" in str(said.result)


def test_what_does_not_count_as_success_is_told_even_where_nobody_asked_to_be() -> None:
    book = {
        "name": "ours",
        "on": [{"event": "pipeline.failed"}],
        "steps": [EXPLAIN],
        "success": {
            "says": "a known kind of failure",
            "when": 'steps.explain.result.jobs[0].diagnosis.category != "none"',
        },
    }
    here = company(book)
    here.pipeline(trace=OWN)
    here.settle()
    assert "It is not what counts as success: a known kind of failure" in str(made(here)[-1].result)


def test_an_expression_that_cannot_be_worked_out_is_told_and_ends_the_run() -> None:
    bad = {"id": "bad", "action": "tell", "with": {"text": "x"}, "when": "steps.explain.result > 3"}
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [EXPLAIN, bad]})
    here.pipeline()
    here.settle()
    assert "It cannot go on" in str(made(here)[-1].result)
    went_on(here)
    assert len(made(here)) == 2


NIGHTLY = {
    "name": "ours",
    "on": [{"cron": "30 10 * * mon-fri", "timezone": "Europe/Berlin"}],
    "steps": [{"id": "say", "action": "tell", "with": {"text": "Good morning"}}],
    "notify": {"slack": "C0ALL", "on": []},
}


def test_a_time_wakes_it_once_however_many_clocks_there_are() -> None:
    here = company(NIGHTLY)
    playing = here.bot.house.playing
    other = Playing(here.bot.house.desk, lambda: here.playbooks)
    playing.tick()
    assert not made(here), "it is ten o'clock in Berlin"
    for _ in range(30):
        here.later(minutes=2)
        playing.tick()
        other.tick()
    assert [each.occasion.of for each in made(here) if each.occasion] == ["cron/2026-11-20T10:30"]
    here.later(days=1)
    playing.tick()
    assert len(made(here)) == 1, "the next day is a Saturday"


def test_a_time_that_came_while_nothing_ran_is_made_up_for_within_ten_minutes() -> None:
    here = company(NIGHTLY)
    here.later(minutes=38)
    here.bot.house.playing.tick()
    assert len(made(here)) == 1


BY_HAND = {
    "name": "ours",
    "steps": [{"id": "say", "action": "tell", "with": {"text": "${event.facts.by} wants ${event.service} looked at"}}],
}


def test_a_person_starts_one_by_hand() -> None:
    here = company(BY_HAND)
    answer = here.bot.ask("sam", "run_playbook", playbook="ours", service="checkout")
    assert answer.reply.title == "The playbook ours runs"
    (said,) = made(here)
    assert (said.requester.on_behalf_of, said.place) == ("sam", here.bot.request(answer).place)
    assert here.bot.card(said.id).title == "sam wants checkout looked at"


def test_where_the_first_step_is_refused_it_is_not_said_to_run() -> None:
    here = company({"name": "ours", "steps": [{"id": "look", "action": "status", "with": {"service": "checkout"}}]})
    answer = here.bot.ask("sam", "run_playbook", playbook="ours")
    (step,) = made(here)
    assert step.state is State.REFUSED
    said = words(answer.reply)
    assert f"The first step of ours, {step.id}, was refused, so nothing was done" in said
    assert "under machines in shipmate.yaml" in said


def test_one_that_is_not_for_people_to_start_is_not() -> None:
    here = company(BY_HAND)
    answer = here.bot.ask("sam", "run_playbook", playbook="pipeline-failed")
    assert "is started by hand" in words(answer.reply)
    assert here.bot.ask("vic", "run_playbook", playbook="ours").request.state is State.REFUSED  # type: ignore[union-attr]


def test_one_with_steps_of_its_own_answers_a_diagnosis() -> None:
    book = {
        "name": "ours",
        "match": {"category": "network-transient", "pattern": "resolve host: downloads"},
        "steps": [{"id": "say", "action": "tell", "with": {"text": "The mirror is away: ${event.facts.root_cause}"}}],
    }
    other = {**book, "name": "other", "match": {"category": "network-transient", "pattern": "registry"}}
    here = company(book, other)
    here.bot.pipelines.add(PROJECT, "failed", trace=TRANSIENT, sha="5a")
    machine = Requester(name="playbook:pb-infra-001", standing=Standing.MACHINE)
    attempt = here.bot.ask(machine, "fix_pipeline", service="checkout", pipeline="811")
    here.bot.work()
    here.bot.pipelines.finish(PROJECT, "811", "success")
    here.settle()
    assert here.bot.request(attempt).state is State.DONE
    assert "The mirror is away" in here.bot.card(made(here)[0].id).title
    assert not made(here, "other")


def test_a_step_that_nobody_heard_of_is_taken_up_by_the_clock() -> None:
    last = {"id": "last", "action": "tell", "with": {"text": "there"}}
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [EXPLAIN, last]})
    here.pipeline()
    here.bot.settle()
    assert len(made(here)) == 1, "the bus lost the word"
    here.bot.house.playing.tick()
    assert [each.action for each in made(here)] == ["explain_failure", "tell"]


def test_a_freeze_of_playbooks_stops_their_changes() -> None:
    step = {"id": "again", "action": "retry_pipeline", "with": {"service": "checkout", "pipeline": "811"}}
    here = company({"name": "ours", "on": [{"event": "pipeline.failed"}], "steps": [step]}, roles=("developer",))
    here.bot.ask("ada", "freeze", only="playbooks")
    here.pipeline()
    assert made(here)[0].state is State.REFUSED


def test_a_playbook_can_be_pinned_and_let_go_by_an_admin() -> None:
    here = Company()
    assert here.bot.ask("dana", "set_autonomy", playbook="pb-dep-001", stage="shadow").request.state is State.REFUSED  # type: ignore[union-attr]
    answer = here.bot.ask("ada", "set_autonomy", playbook="pb-dep-001", stage="shadow")
    assert answer.reply.title == "pb-dep-001 is held at shadow"
    here.pipeline()
    here.settle()
    assert "pinned by ada on 2026-11-20" in str(here.newest("fix_pipeline").result)
    here.later(days=2)
    here.bot.ask("ada", "set_autonomy", playbook="pb-dep-001", stage="earned")
    assert "propose: on the default branch 0 of 0" in str(here.failure_and_proof().result)
    assert "There is no playbook" in words(here.bot.ask("ada", "set_autonomy", playbook="pb-dep-9", stage="auto").reply)


@pytest.mark.parametrize("verb", ["tell", "note_outcome"])
def test_steps_of_playbooks_are_not_for_people(verb: str) -> None:
    here = Company()
    answer = here.bot.ask("ada", verb, **catalog()[verb].sample().action.parameters())
    assert "step of playbooks" in words(answer.reply)
