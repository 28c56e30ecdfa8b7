"""What a typed value becomes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actions.core.kinds import format_duration, nearest, parse_duration, spoken_duration


@pytest.mark.parametrize(
    ("typed", "seconds"), [("30m", 1800), ("24h", 86400), ("7d", 604800), ("1h30m", 5400), ("2w", 1209600)]
)
def test_a_duration_is_read(typed: str, seconds: int) -> None:
    assert parse_duration(typed) == timedelta(seconds=seconds)


@pytest.mark.parametrize("typed", ["", "soon", "5", "0m", "-3h", "1h foo", "999999w"])
def test_what_is_no_duration_is_refused_with_the_form_that_is_allowed(typed: str) -> None:
    with pytest.raises(ValueError, match=r"30m|ten years"):
        parse_duration(typed)


def test_a_duration_is_written_in_its_largest_whole_unit() -> None:
    assert [format_duration(timedelta(minutes=minutes)) for minutes in (1440, 90, 120)] == ["1d", "90m", "2h"]


def test_the_nearest_names_come_best_first() -> None:
    assert nearest("chekout", ["catalog", "checkout", "search"])[0] == "checkout"
    assert nearest("zzz", ["catalog"]) == ()


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (0, "0 s"),
        (48.4, "48 s"),
        (119, "119 s"),
        (725, "12 min"),
        (3725, "1 h 2 min"),
        (7200, "2 h"),
        (604_800, "7 days"),
    ],
)
def test_a_duration_can_be_read(seconds: float, read: str) -> None:
    assert spoken_duration(timedelta(seconds=seconds)) == read
