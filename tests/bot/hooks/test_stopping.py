"""When the loop stops, as people live through it; who is told, and how often. And what fixes saved."""

from __future__ import annotations

import pytest

from actions.core.ports.autonomy import Autonomy, PlaybookRecord
from actions.core.request import Request, State
from tests.bot.hooks.company import PROJECT, Company
from tests.bot.test_failures import CI, MISSING, OWN, words


def left(here: Company) -> Request:
    """The newest failure, which is left to people."""
    here.settle()
    found = here.newest("fix_pipeline")
    assert found.outcome == "left alone"
    return found


def test_the_same_fix_that_failed_twice_is_not_tried_a_third_time() -> None:
    here = Company()
    for _ in range(2):
        assert here.failure_and_proof("failed").outcome == "not proven"
        here.later(hours=2)
    here.pipeline()
    stop = left(here)
    card = here.bot.card(stop.id)
    assert "The same fix failed 2 times already" in card.title
    assert "It would be: Add lantern" in words(card)
    assert card.mentions == ("sam",)
    assert not any(branch.startswith("shipmate/") for _, branch in here.bot.repositories.branches)


def test_people_are_called_by_name_once_and_told_quietly_after_that() -> None:
    here = Company()
    for _ in range(2):
        here.failure_and_proof("failed")
        here.later(hours=2)
    here.pipeline()
    first = left(here)
    here.later(hours=1)
    here.pipeline()
    again = here.bot.card(left(here).id)
    assert f"people were told in {first.id}" in again.title
    assert not again.mentions
    here.later(days=1)
    here.pipeline()
    assert here.bot.card(left(here).id).mentions == ("sam",), "a day later it is worth saying again"


def test_more_than_so_many_fixes_an_hour_in_a_project_stop_it() -> None:
    here = Company()
    for number in range(4):
        files = {".gitlab-ci.yml": CI, "requirements.txt": "flask==3.0.0\n", "app.py": "import lantern\n"}
        made = here.bot.repositories.commit(PROJECT, f"work-{number}", files)
        # Each job's name makes it a failure of its own.
        pipeline = here.bot.pipelines.add(PROJECT, "failed", ref=f"work-{number}", trace=MISSING, sha=made.id)
        job = pipeline.jobs[0].model_copy(update={"name": f"unit-{number}"})
        here.bot.pipelines.pipelines[PROJECT, pipeline.id] = pipeline.model_copy(update={"jobs": (job,)})
        here.bot.repositories.trees[PROJECT, made.id][".gitlab-ci.yml"] = CI.replace("unit:", f"unit-{number}:")
        here.tell(pipeline.id, "failed", made.id, ref=f"work-{number}")
        here.bot.work()
    here.pipeline()
    here.bot.work()
    assert "4 fixes were tried in shop/checkout within an hour" in here.newest("fix_pipeline").result["summary"]  # type: ignore[call-overload,index,operator]


def test_its_own_fix_on_a_branch_is_never_mended_in_turn() -> None:
    here = Company()
    here.failure_and_proof()
    branch = next(branch for _, branch in here.bot.repositories.branches if branch.startswith("shipmate/"))
    before = here.newest("fix_pipeline").id
    here.tell("815", "failed", "ab", ref=branch, user="shipmate")
    assert here.newest("fix_pipeline").id == before


def test_its_own_fix_as_the_cause_after_the_merge_is_left_to_people() -> None:
    here = Company()
    attempt = here.failure_and_proof()
    here.merged_and_green(status="failed")
    sha = here.bot.repositories.branches[PROJECT, "main"]
    number = here.bot.pipelines.recent(PROJECT, ref="main", limit=1)[0].id
    here.bot.pipelines.traces[f"{number}1"] = MISSING
    here.tell(number, "failed", sha)
    stop = left(here)
    assert f"The commit that fails is Shipmate's own fix of {attempt.id}" in here.bot.card(stop.id).title


def test_a_proposal_that_nobody_decided_about_keeps_others_back_for_a_week() -> None:
    here = Company()
    attempt = here.failure_and_proof()
    here.later(days=1)
    here.pipeline()
    stop = here.bot.card(left(here).id)
    assert f"{attempt.id} is about the same failure already" in stop.title
    assert not stop.mentions, "there is nothing wrong"
    here.later(days=8)
    assert here.failure_and_proof().outcome == "proposed"


def record(here: Company, playbook: str = "pb-dep-001") -> PlaybookRecord:
    here.later(minutes=1)
    found = here.bot.house.gate.tools.use(Autonomy).records(since=None, now=here.bot.clock.now())
    return next(each for each in found if each.playbook == playbook)


def green(here: Company) -> None:
    """People mend it: the branch is green again."""
    here.pipeline("success", author="lena", trace="$ python3 -m unittest\nOK\n")


def test_what_a_fix_saved_is_measured_against_the_same_failures_past() -> None:
    here = Company()
    here.bot.ask("ada", "set_autonomy", playbook="pb-dep-001", stage="shadow")
    for hours in (1, 3):
        here.pipeline()
        here.settle()
        here.later(hours=hours)
        green(here)
        here.later(days=2)
    here.bot.ask("ada", "set_autonomy", playbook="pb-dep-001", stage="earned")
    here.failure_and_proof()
    here.merged_and_green()
    found = record(here)
    assert (found.attempts, found.verified, found.failed, found.compared) == (1, 1, 0, 1)
    assert found.seconds_to_green is not None
    assert found.seconds_to_green < 60
    assert found.seconds_saved == pytest.approx(2 * 3600, abs=120), "the median of one and three hours, less its own"


def test_what_nobody_mended_before_saves_nothing_that_is_known() -> None:
    here = Company()
    here.failure_and_proof()
    here.merged_and_green()
    assert (record(here).compared, record(here).seconds_saved) == (0, 0.0)


def test_the_weekly_summary_tells_what_playbooks_did() -> None:
    here = Company()
    here.failure_and_proof()
    here.merged_and_green()
    here.later(days=2)
    here.failure_and_proof("failed")
    here.later(minutes=1)
    answer = here.bot.ask("sam", "weekly_summary")
    table = str(answer.reply.blocks[-1])
    for expected in ("pb-dep-001", "1 (50%)", "not known"):
        assert expected in table
    here.later(days=8)
    assert "pb-dep-001" not in str(here.bot.ask("sam", "weekly_summary").reply.blocks)


def test_a_merge_by_hand_counts_once_its_branch_is_green() -> None:
    here = Company()
    attempt = here.failure_and_proof()
    here.merged_by_hand("1")
    assert record(here).verified == 0
    here.later(minutes=5)
    sha = here.bot.repositories.requests[PROJECT, "1"].merge_sha
    here.bot.pipelines.add(PROJECT, "success", sha=sha)
    here.tell("814", "success", sha)
    assert record(here).verified == 1
    assert here.bot.request(attempt.id).state is State.DONE


def test_a_failure_of_the_code_itself_is_no_attempt() -> None:
    here = Company()
    here.pipeline(trace=OWN)
    here.settle()
    found = here.bot.house.gate.tools.use(Autonomy).records(since=None, now=here.bot.clock.now())
    assert not found
