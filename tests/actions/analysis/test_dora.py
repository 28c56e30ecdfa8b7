"""DORA's measures over a handful of deployments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from actions.analysis.dora import delivery
from actions.core.deployment import Deployment

START = datetime(2026, 11, 13, tzinfo=UTC)
END = START + timedelta(days=7)


def deployment(hour: float, *, healthy: bool = True, action: str = "deploy", outcome: str = "deployed") -> Deployment:
    ended = START + timedelta(hours=hour)
    return Deployment(
        request="R-1",
        action=action,
        service="checkout",
        environment="production",
        version="v1",
        healthy=healthy,
        outcome=outcome,
        by="dana",
        started_at=ended - timedelta(minutes=2),
        finished_at=ended,
    )


def test_nothing_measured_is_told_as_nothing() -> None:
    measured = delivery([], since=START, until=END)
    assert (measured.deployments, measured.failure_rate, measured.restore_seconds) == (0, None, None)


def test_the_failure_rate_counts_changes_and_not_rollbacks() -> None:
    found = [
        deployment(1),
        deployment(2, healthy=False, outcome="failed"),
        deployment(3, action="rollback"),
        deployment(4),
    ]
    measured = delivery(found, since=START, until=END)
    assert measured.failure_rate == pytest.approx(1 / 3)
    assert measured.rollbacks == 1
    assert measured.restore_seconds == pytest.approx(3600)


def test_a_failure_that_rolled_itself_back_was_restored_when_it_ended() -> None:
    measured = delivery([deployment(2, healthy=False, outcome="rolled back")], since=START, until=END)
    assert measured.restore_seconds == pytest.approx(120)


def test_what_ended_before_is_left_out() -> None:
    assert delivery([deployment(-1)], since=START, until=END).deployments == 0
