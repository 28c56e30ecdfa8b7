"""Cron lines: when they are due, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from playbooks.cron import BadCron, due, parsed, zone

FRIDAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("* * * * *", True),
        ("0 9 * * *", True),
        ("0 9 * * fri", True),
        ("0 9 * * 1-4", False),
        ("*/15 8-10 20 nov *", True),
        ("5/10 * * * *", False),
        ("0 9 1 * 5", True),
        ("0 9 1 * *", False),
        ("0,30 9 * * sat,5", True),
        ("0 9 * * 7", False),
    ],
)
def test_when_a_line_is_due(line: str, *, holds: bool) -> None:
    assert parsed(line).holds(FRIDAY) is holds


@pytest.mark.parametrize(
    "line",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "x * * * *",
    ],
)
def test_what_is_no_line_says_what_it_may_be(line: str) -> None:
    with pytest.raises(BadCron, match=r"five|number from"):
        parsed(line)


def test_a_time_zone_counts_and_summer_time_too() -> None:
    def times(day: datetime) -> list[str]:
        found = due("0 7 * * *", "Europe/Berlin", day, day + timedelta(days=1))
        return [f"{minute.astimezone(UTC):%H:%M}" for minute in found]

    assert times(datetime(2026, 1, 10, tzinfo=UTC)) == ["06:00"]
    assert times(datetime(2026, 7, 10, tzinfo=UTC)) == ["05:00"]
    with pytest.raises(BadCron, match="not known on this machine"):
        zone("Europe/Atlantis")
