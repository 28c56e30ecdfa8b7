"""Earned autonomy: up by verified outcomes, down at once by one that went wrong; and when the loop stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from actions.analysis.categories import Category
from actions.core.organization import AutonomyRules
from actions.core.ports.autonomy import Stage
from playbooks.autonomy import stage, stopped, wilson
from playbooks.playbook import Autonomy, Limits, Match, Playbook
from playbooks.record import Attempt

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def attempt(
    number: int, *, good: bool | None = True, hours: float = 0, fingerprint: str = "f1", **more: object
) -> Attempt:
    known = {"outcome": "proposed", "merged_at": None, "merge_sha": "", **more}
    return Attempt(
        request=f"R-{number}",
        playbook="pb-dep-001",
        category="dependency-missing-python",
        fingerprint=fingerprint,
        project="shop/checkout",
        good=good,
        at=NOW - timedelta(hours=hours),
        **known,  # type: ignore[arg-type]
    )


def playbook(**autonomy: Stage) -> Playbook:
    return Playbook(
        name="pb-dep-001",
        title="t",
        purpose="p",
        match=Match(category=Category.DEPENDENCY_MISSING_PYTHON),
        autonomy=Autonomy(**autonomy),
    )


def test_the_wilson_bound_is_that_of_the_textbook() -> None:
    assert wilson(0, 0) == 0.0
    assert wilson(10, 10) == pytest.approx(0.7225, abs=1e-4)
    assert wilson(9, 10) == pytest.approx(0.5958, abs=1e-4)
    assert wilson(0, 10) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [(0, 0, Stage.PROPOSE), (3, 0, Stage.PROPOSE), (4, 0, Stage.APPROVE), (16, 0, Stage.AUTO), (16, 5, Stage.APPROVE)],
)
def test_a_stage_is_earned_by_verified_outcomes(good: int, bad: int, expected: Stage) -> None:
    history = [attempt(n) for n in range(good)] + [attempt(100 + n, good=False, hours=1) for n in range(bad)]
    assert stage(playbook(), history)[0] is expected


def test_one_failure_moves_it_down_at_once() -> None:
    history = [attempt(0, good=False, wrong="it was reverted"), *(attempt(n, hours=1) for n in range(1, 40))]
    found, why = stage(playbook(), history)
    assert found is Stage.PROPOSE
    assert "0 since R-0, which went wrong: it was reverted" in why


def test_trust_that_was_lost_is_earned_anew_and_not_by_one_success() -> None:
    before = [attempt(0, good=False, hours=9), *(attempt(n, hours=10) for n in range(1, 40))]
    once = [attempt(50), *before]
    assert stage(playbook(), once)[0] is Stage.PROPOSE
    assert stage(playbook(), [attempt(50 + n) for n in range(4)] + before)[0] is Stage.APPROVE


def test_what_starts_high_falls_to_a_proposal_too() -> None:
    trusted = playbook(start=Stage.AUTO)
    assert stage(trusted, [])[0] is Stage.AUTO
    assert stage(trusted, [attempt(0, good=False)])[0] is Stage.PROPOSE


def test_the_configuration_says_how_much_is_enough() -> None:
    strict = AutonomyRules(approve_above=0.7, auto_above=0.95)
    history = [attempt(n) for n in range(16)]
    assert stage(playbook(), history)[0] is Stage.AUTO
    assert stage(playbook(), history, strict)[0] is Stage.APPROVE


def test_nobody_goes_beyond_the_highest_stage_or_leaves_the_shadow_unproven() -> None:
    assert stage(playbook(highest=Stage.APPROVE), [attempt(n) for n in range(40)])[0] is Stage.APPROVE
    assert stage(playbook(start=Stage.SHADOW), [])[0] is Stage.SHADOW


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([], ""),
        ([attempt(1, good=None)], "R-1 is about the same failure already"),
        ([attempt(1, merged_at=NOW - timedelta(hours=3))], "It is back within a day"),
        ([attempt(1, merged_at=NOW - timedelta(days=3), hours=72)], ""),
        ([attempt(1, good=False, hours=30), attempt(2, good=False, hours=40)], "The same fix failed 2 times"),
        ([attempt(n, fingerprint=f"g{n}", hours=0.5) for n in range(4)], "4 fixes were tried"),
        ([attempt(1, fingerprint="other", merge_sha="bad0", hours=50)], "Shipmate's own fix of R-1"),
    ],
)
def test_when_the_loop_stops(history: list[Attempt], says: str) -> None:
    found = stopped(history, Limits(), "f1", "shop/checkout", "bad0", NOW)
    assert says in (found.says if found else "")
    assert bool(says) == bool(found)
