"""Earned autonomy as people live through it: proposed, approved, merged by itself, and trust that is lost."""

from __future__ import annotations

from typing import Any

import pytest

from actions.core.request import State
from playbooks.loader import load
from tests.bot.hooks.company import PROJECT, Company
from tests.bot.test_failures import prove, words

EAGER = {"approve_above": 0.2, "auto_above": 0.34}
"""Thresholds at which one verified fix earns `approve`, and two earn `auto`."""


def company(*, role: bool = False, **rules: object) -> Company:
    machines = {"playbook:pb-dep-001": {"roles": ["developer"]}} if role else {}
    return Company(machines=machines, autonomy={**EAGER, **rules})


def test_at_first_a_person_merges() -> None:
    here = company()
    attempt = here.failure_and_proof()
    card = here.bot.card(attempt.id)
    assert "propose: on the default branch 0 of 0 verified" in str(attempt.result)
    assert [button.label for button in card.buttons] == ["Merge", "Discard"]
    with pytest.raises(AssertionError, match="nobody asked for merge_fix"):
        here.newest("merge_fix")


@pytest.mark.parametrize("person", ["sam", "erin"])
def test_neither_who_pushed_the_break_nor_whom_its_commit_names_merges_its_fix(person: str) -> None:
    here = company()
    attempt = here.failure_and_proof(author="erin", pusher="sam")
    refused = here.bot.ask(person, "merge_fix", request=attempt.id)
    here.settle()
    assert "somebody else has to look at its fix" in words(here.bot.card(refused))
    merged = here.bot.ask("lena", "merge_fix", request=attempt.id)
    here.bot.work()
    assert here.ended(merged.request.id if merged.request else "").outcome == "merged"


def test_what_has_earned_it_asks_one_person_for_approval_and_then_merges() -> None:
    here = company()
    here.success()
    here.failure_and_proof()
    here.settle()
    asked = here.newest("merge_fix")
    assert (asked.requester.name, asked.state) == ("playbook:pb-dep-001", State.AWAITING_APPROVAL)
    refused = here.bot.ask("sam", "approve", request=asked.id)
    assert "your own" in words(refused.reply), "who broke it is not the one to approve its fix"
    assert "sam" not in here.bot.card(asked.id).mentions
    here.bot.ask("lena", "approve", request=asked.id)
    here.bot.work()
    assert here.ended(asked.id).outcome == "merged"
    assert here.bot.repositories.requests[PROJECT, "2"].state == "merged"


def test_a_denied_merge_is_a_failure_of_its_playbook() -> None:
    here = company()
    here.success()
    attempt = here.failure_and_proof()
    here.settle()
    here.bot.ask("lena", "deny", request=here.newest("merge_fix").id, reason="pin it lower")
    here.later(days=1)
    again = here.failure_and_proof()
    assert f"since {attempt.id}, which went wrong: its merge was denied" in str(again.result)


def test_with_the_role_and_enough_proof_it_merges_by_itself() -> None:
    here = company(role=True)
    here.success(2)
    here.failure_and_proof()
    here.bot.work()
    merging = here.newest("merge_fix")
    assert merging.requester.name == "playbook:pb-dep-001"
    assert here.ended(merging.id).outcome == "merged"


@pytest.mark.parametrize(("allowed", "state"), [(False, State.AWAITING_APPROVAL), (True, State.WAITING)])
def test_a_protected_branch_takes_nothing_by_itself_unless_its_playbook_says_so(*, allowed: bool, state: State) -> None:
    own = load()["pb-dep-001"].model_copy(update={"protected_branch": allowed})
    machines = {"playbook:pb-dep-001": {"roles": ["developer"]}}
    here = Company({own.name: own}, machines=machines, autonomy=EAGER)
    here.bot.repositories.protected.add((PROJECT, "main"))
    here.success(2)
    here.failure_and_proof()
    here.bot.work()
    asked = here.newest("merge_fix")
    assert asked.state is state
    if not allowed:
        assert "main is protected" in str(asked.verdicts)


def test_without_the_role_it_asks_however_much_it_has_earned() -> None:
    here = company()
    here.success(2)
    here.failure_and_proof()
    here.bot.work()
    assert here.newest("merge_fix").state is State.AWAITING_APPROVAL


def test_what_was_earned_on_other_branches_does_not_hold_on_the_default_branch() -> None:
    here = company(role=True)
    here.success(2)
    here.pipeline(ref="feature/lamps")
    here.bot.work()
    assert "propose: on other branches 0 of 0" in str(here.newest("fix_pipeline").handle)


@pytest.mark.parametrize(
    "message",
    [
        'Revert "Add lantern==2.1.0 to requirements.txt"\n\nThis reverts commit {sha}.',
        'Revert "Merge branch"\n\nThis reverts merge request shop/checkout!1',
        'Revert "Merge branch"\n\nThis reverts merge request !1',
    ],
)
def test_a_revert_takes_the_trust_back_at_once_and_is_told(message: str) -> None:
    here = company()
    here.success()
    reverted = here.newest("fix_pipeline")
    sha = here.bot.repositories.requests[PROJECT, "1"].merge_sha
    here.push(message.format(sha=sha))
    note = here.newest("note_outcome")
    assert "A fix of checkout was reverted" in here.bot.card(note.id).title
    assert note.place.channel == "C0PAY"
    attempt = here.failure_and_proof()
    assert "propose: on the default branch 0 of 1 verified" in str(attempt.result)
    assert f"since {reverted.id}, which went wrong: it was reverted" in str(attempt.result)


def test_a_revert_of_something_else_or_elsewhere_takes_nothing() -> None:
    here = company()
    here.success()
    sha = here.bot.repositories.requests[PROJECT, "1"].merge_sha
    here.push(f"This reverts commit {'ab' * 20}.", after="c1")
    here.push(f"This reverts commit {sha}.", after="c2", ref="experiment")
    here.push("This reverts merge request tools/checkout!1", "This reverts merge request out!1", after="c3")
    with pytest.raises(AssertionError, match="nobody asked for note_outcome"):
        here.newest("note_outcome")


def test_a_failure_that_is_back_within_a_day_is_left_to_people_and_counts_against_its_fix() -> None:
    here = company()
    here.failure_and_proof()
    here.merged_and_green()
    merged = here.newest("fix_pipeline")
    here.later(hours=3)
    here.pipeline()
    here.settle()
    back = here.newest("fix_pipeline")
    card = here.bot.card(back.id)
    assert f"back within a day after the fix of {merged.id} was merged" in card.title
    assert card.mentions == ("sam",)
    here.later(days=2)
    later = here.failure_and_proof()
    assert f"since {merged.id}, which went wrong: it was back in {back.id}" in str(later.result)


def test_an_old_pipeline_that_is_run_again_is_not_the_failure_that_is_back() -> None:
    here = company()
    here.failure_and_proof()
    old = "811"
    here.merged_and_green()
    here.later(hours=2)
    here.tell(old, "failed", here.bot.pipelines.get(PROJECT, old).sha)
    here.settle()
    here.later(days=2)
    attempt = here.failure_and_proof()
    assert "1 of 1 verified" in str(attempt.result)


def test_the_branch_that_is_red_after_a_merge_is_a_failure() -> None:
    here = company()
    here.failure_and_proof()
    here.merged_and_green(status="failed")
    here.later(days=2)
    assert "main was red after it was merged" in str(here.failure_and_proof().result)


def test_an_admin_pins_a_stage_in_the_configuration() -> None:
    here = company(pins=[{"playbook": "pb-dep-001", "stage": "shadow", "reason": "an audit is on"}])
    here.pipeline()
    here.settle()
    card = here.bot.card(here.newest("fix_pipeline").id)
    assert "What would be done about pipeline" in card.title
    assert "pinned in shipmate.yaml: an audit is on" in str(here.newest("fix_pipeline").result)


def test_what_was_closed_by_hand_in_gitlab_is_known_and_holds_nobody_back() -> None:
    here = company()
    first = here.failure_and_proof()
    body = {
        "object_kind": "merge_request",
        "object_attributes": {
            "iid": 1,
            "action": "close",
            "updated_at": here.finished(),
            "target_branch": "main",
            "source_branch": "shipmate/fix-811-r-1",
        },
        "project": {"path_with_namespace": PROJECT},
        "user": {"username": "lena"},
    }
    assert here.deliver(body) == 202
    here.listen()
    assert here.newest("note_outcome").parameters == {"request": first.id, "kind": "closed", "commit": ""}
    here.later(minutes=1)
    second = here.failure_and_proof()
    assert second.outcome == "proposed"
    assert "its merge request was closed" in str(second.result)


def test_an_approval_does_not_hold_for_another_branch_than_the_proven_one() -> None:
    here = company()
    here.success()
    here.failure_and_proof()
    here.settle()
    asked = here.newest("merge_fix")
    here.retarget("2", "release")
    here.bot.ask("lena", "approve", request=asked.id)
    here.bot.work()
    assert "was proven for main, and now it would go into release" in here.bot.request(asked.id).message
    assert here.bot.repositories.requests[PROJECT, "2"].state == "opened"


def test_what_was_earned_does_not_hold_for_another_branch_than_the_proven_one() -> None:
    here = company(role=True)
    here.success(2)
    here.failure_and_proof()
    here.retarget("3", "release")
    here.settle()
    assert here.newest("merge_fix").state is State.REFUSED
    assert here.bot.repositories.requests[PROJECT, "3"].state == "opened"


def test_one_failure_that_is_fixed_many_times_earns_no_more_than_once() -> None:
    here = company()
    first = here.failure_and_proof()
    assert first.result is not None
    others = [here.bot.ask("lena", "fix_pipeline", service="checkout", pipeline="811") for _ in range(2)]
    here.bot.work()
    for each in others:
        prove(here.bot, each)
    for attempt in (first.id, *(here.bot.request(other).id for other in others)):
        merging = here.bot.ask("lena", "merge_fix", request=attempt).request
        assert merging is not None
        here.bot.work()
        assert here.ended(merging.id).outcome == "merged"
    assert "1 of 1 verified" in here.leave().why


@pytest.mark.parametrize(
    ("more", "number"),
    [
        ({"source": "merge_request_event"}, "990"),
        ({"tag": True}, "990"),
        ({}, "1"),
    ],
)
def test_what_is_green_for_another_reason_verifies_no_fix(more: dict[str, Any], number: str) -> None:
    here = company()
    here.failure_and_proof()
    here.merged_by_hand("1")
    here.tell(number, "success", "0123", **more)
    assert "0 of 0 verified" in here.leave().why
    here.tell("991", "success", "0123")
    assert "1 of 1 verified" in here.leave().why
