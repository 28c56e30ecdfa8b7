"""Cron lines: five fields (minute, hour, day, month, weekday) with lists, ranges, steps and English names, in a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, tuple(_MONTHS)),
    ("weekday", 0, 7, tuple(_DAYS)),
)
_MINUTE = timedelta(minutes=1)


class BadCron(ValueError):
    """A line that is no cron line, or a time zone that is not known."""


@dataclass(frozen=True)
class Cron:
    """When something is due.

    Attributes:
        minutes: the minutes of the hour; likewise the others.
        weekdays: 0 is Sunday.
        any_day: whether every day of the month will do; so the weekday alone decides.
        any_weekday: likewise.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def holds(self, local: datetime) -> bool:
        """Whether it is due in this minute of local time."""
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        # As cron has it: where both are narrowed, either will do.
        fits = day and weekday if self.any_day or self.any_weekday else day or weekday
        return fits and local.minute in self.minutes and local.hour in self.hours and local.month in self.months


@lru_cache(maxsize=256)
def parsed(line: str) -> Cron:
    """Read a line.

    Raises:
        BadCron: it is none; says which field is wrong, and what it may be.
    """
    parts = line.split()
    if len(parts) != len(_FIELDS):
        message = f"“{line[:60]}” has {len(parts)} fields; a cron line has five: minute, hour, day, month, weekday"
        raise BadCron(message)
    found = [
        _values(part, what, least, most, names) for part, (what, least, most, names) in zip(parts, _FIELDS, strict=True)
    ]
    weekdays = frozenset(day % 7 for day in found[4])
    return Cron(
        minutes=found[0],
        hours=found[1],
        days=found[2],
        months=found[3],
        weekdays=weekdays,
        any_day=parts[2].startswith("*"),
        any_weekday=parts[4].startswith("*"),
    )


def zone(name: str) -> tzinfo:
    """A time zone by its name, such as "Europe/Berlin".

    Raises:
        BadCron: it is not known here.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"the time zone “{name[:60]}” is not known on this machine; UTC always is"
        raise BadCron(message) from None


def due(line: str, timezone: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The local minutes after `since` and up to `until` in which a line is due; a local minute that comes twice, twice."""
    cron, where = parsed(line), zone(timezone)
    minute = since.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
    while minute <= until:
        if cron.holds(local := minute.astimezone(where)):
            yield local
        minute += _MINUTE


def _values(text: str, what: str, least: int, most: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.casefold().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            begin = least if span == "*" else _number(first, names, least)
            end = most if span == "*" or (step and not last) else _number(last or first, names, least)
            every = int(step) if step else 1
        except ValueError:
            begin, end, every = 1, 0, 1
        if not (least <= begin <= end <= most and every >= 1):
            message = f"“{part[:20]}” is no {what}; it is a number from {least} to {most}, or like *, 1-5, */10, 1,15"
            raise BadCron(message)
        found.update(range(begin, end + 1, every))
    return frozenset(found)


def _number(text: str, names: tuple[str, ...], least: int) -> int:
    return names.index(text) + least if text in names else int(text)
