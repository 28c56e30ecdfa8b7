"""How rollouts get on, by a clock that the test turns."""

from typing import Any

import pytest

from bot.sandbox.argocd.workload import Behaviour, Condition, Subject, Timings, condition, fresh, seconds

TIMINGS = Timings(rollout=10, step=2, healthy_spell=3, progress_deadline=60)
CANARY = {"canary": {"steps": [{"setWeight": 25}, {"pause": {"duration": "5s"}}, {"setWeight": 50}, {"pause": {}}]}}
BLUE_GREEN = {"blueGreen": {"autoPromotionEnabled": False}}


class Rollout:
    """A workload that was given v2 at 0, while v1 is stable."""

    def __init__(self, strategy: dict[str, Any] | None = None, behaviour: Behaviour = Behaviour.HEALTHY) -> None:
        self.state = fresh("v2", 0, "v1")
        kind = "Rollout" if strategy else "Deployment"
        self.subject = Subject(self.state, kind, strategy or {}, 4, behaviour, TIMINGS)

    def at(self, now: float) -> Condition:
        return condition(self.subject, now)

    def told(self, *moments: float) -> list[str]:
        return [self.at(moment).health for moment in moments]


def test_a_deployment_progresses_and_is_healthy() -> None:
    assert Rollout().told(0, 9.9, 10) == ["Progressing", "Progressing", "Healthy"]
    assert Rollout().at(10).done


def test_a_version_that_crashes_is_healthy_for_a_spell() -> None:
    bad = Rollout(behaviour=Behaviour.TURNS_UNHEALTHY)
    assert bad.told(5, 11, 14) == ["Progressing", "Healthy", "Degraded"]
    assert "CrashLoopBackOff" in bad.at(14).message


@pytest.mark.parametrize(
    ("behaviour", "why"), [(Behaviour.NEVER_READY, "readiness probe"), (Behaviour.NO_IMAGE, "ImagePullBackOff")]
)
def test_a_version_that_does_not_get_ready_runs_into_its_deadline(behaviour: Behaviour, why: str) -> None:
    bad = Rollout(behaviour=behaviour)
    assert bad.told(11, 59, 60) == ["Progressing", "Progressing", "Degraded"]
    assert "ProgressDeadlineExceeded" in bad.at(60).message
    assert why in bad.at(60).message


def test_a_canary_goes_step_by_step_and_waits_where_nobody_said_how_long() -> None:
    canary = Rollout(CANARY)
    seen = [(found.phase, found.step, found.weight) for found in map(canary.at, (1, 3, 8, 10, 9999))]
    assert seen == [
        ("Progressing", 0, 25),
        ("Paused", 1, 25),
        ("Progressing", 2, 50),
        ("Paused", 3, 50),
        ("Paused", 3, 50),
    ]
    assert canary.at(10).health == "Suspended"
    canary.state["resumed"]["3"] = 20
    assert canary.told(21, 22) == ["Progressing", "Healthy"]


def test_a_blue_green_rollout_waits_for_somebody() -> None:
    rollout = Rollout(BLUE_GREEN)
    assert rollout.told(5, 10, 9999) == ["Progressing", "Suspended", "Suspended"]
    rollout.state["resumed"]["preview"] = 20
    assert rollout.told(21, 22) == ["Progressing", "Healthy"]


def test_promotion_may_be_automatic() -> None:
    rollout = Rollout({"blueGreen": {"autoPromotionSeconds": 4}})
    assert rollout.told(11, 15, 16) == ["Suspended", "Progressing", "Healthy"]


def test_full_promotion_leaves_the_steps_out() -> None:
    canary = Rollout(CANARY)
    canary.state["full"] = 3
    assert canary.told(4, 13) == ["Progressing", "Healthy"]


def test_an_aborted_rollout_is_degraded_and_a_retry_begins_again() -> None:
    canary = Rollout(CANARY)
    canary.state["aborted"] = 4
    assert (canary.at(5).health, canary.at(5).weight) == ("Degraded", 0)
    canary.state.update(aborted=None, retried=100)
    assert (canary.at(101).step, canary.at(101).weight) == (0, 25)


def test_a_restart_progresses_again() -> None:
    deployment = Rollout()
    deployment.state["restarted"] = 100
    assert deployment.told(101, 110) == ["Progressing", "Healthy"]


def test_durations_of_pauses() -> None:
    assert [seconds(text) for text in (5, "10", "500ms", "2m", "1h", "soon")] == [5, 10, 0.5, 120, 3600, 0]
