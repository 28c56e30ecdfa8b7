"""The kinds of value that parameters have, and how a name that a person typed becomes the known one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

from actions.core.errors import ShipmateError
from actions.core.redaction import redact


class Kind(StrEnum):
    """What a parameter's value names; it tells grammar, forms and renderers how to treat the value."""

    SERVICE = "service"
    ENVIRONMENT = "environment"
    VERSION = "version"
    PERSON = "person"
    ROLE = "role"
    TEAM = "team"
    REQUEST = "request"
    PIPELINE = "pipeline"
    REF = "ref"
    DURATION = "duration"
    TOPIC = "topic"
    VERB = "verb"
    PLAYBOOK = "playbook"
    TEXT = "text"


NAMES = frozenset({Kind.SERVICE, Kind.ENVIRONMENT, Kind.PERSON, Kind.ROLE, Kind.TEAM, Kind.VERB})
"""The kinds whose values are names out of a closed list, known before anybody speaks."""


class UnknownName(ShipmateError, ValueError):
    """A name that is not known.

    Args:
        kind: what it should have been a name of.
        given: what was typed.
        known: every known name, from which the nearest are told.
    """

    def __init__(self, kind: Kind, given: str, known: Iterable[str]) -> None:
        names = sorted(set(known))
        self.kind, self.given = kind, given
        self.nearest = nearest(given, names)
        super().__init__(f"There is no {kind} “{given}”.", remedy=self._remedy(names))

    def _remedy(self, names: list[str]) -> str:
        if self.nearest:
            return f"Did you mean {' or '.join(self.nearest)}?"
        if not names:
            return f"No {self.kind} is known yet."
        shown = ", ".join(names[:8])
        return f"Known are {shown}{' and others' if len(names) > 8 else ''}."  # noqa: PLR2004


def nearest(given: str, known: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """The known names most like the given one, best first; none where nothing is alike.

    Args:
        given: what was typed.
        known: the names to choose from.
        limit: how many to return at the most.
    """
    folded = {name.casefold(): name for name in known}
    return tuple(folded[hit] for hit in difflib.get_close_matches(given.casefold(), folded, limit, cutoff=0.5))


class Vocabulary(Protocol):
    """Knows the names of the organization; the validation context of every action."""

    def resolve(self, kind: Kind, text: str) -> str | None:
        """The canonical name for a name or alias, without regard to case; None where it is unknown."""

    def names(self, kind: Kind) -> Iterable[str]:
        """Every canonical name of a kind."""


def _known(kind: Kind) -> AfterValidator:
    def check(value: str, info: ValidationInfo) -> str:
        context: Mapping[str, Any] = info.context or {}
        vocabulary: Vocabulary | None = context.get("vocabulary")
        if vocabulary is None:
            return value
        found = vocabulary.resolve(kind, value)
        if found is None:
            raise UnknownName(kind, value, vocabulary.names(kind))
        return found

    return AfterValidator(check)


def _shape(pattern: str, says: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            message = f"“{value[:80]}” is not {says}."
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _request_id(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _pipeline_id(value: object) -> object:
    return str(value).lstrip("#") if isinstance(value, int | str) else value


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")


def parse_duration(value: object) -> timedelta:
    """Read a duration such as "30m", "24h", "7d" or "1h30m".

    Raises:
        ValueError: it is not a duration of that form, or is zero.
    """
    if isinstance(value, timedelta):
        return value
    text = str(value).strip().casefold()
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        message = f"“{text[:40]}” is not a duration; write it like 30m, 24h or 7d."
        raise ValueError(message)
    total = timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))
    if not timedelta(0) < total <= timedelta(days=3650):
        message = f"“{text[:40]}” is not a usable duration; it must be more than nothing and at most ten years."
        raise ValueError(message)
    return total


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest unit that divides it: "7d", "90m", "45s"."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def spoken_duration(value: timedelta) -> str:
    """A duration as one reads it, in its two largest units at most: "48 s", "12 min", "1 h 2 min", "7 days"."""
    seconds = max(round(value.total_seconds()), 0)
    if seconds < 120:  # noqa: PLR2004 - up to two minutes the seconds tell something
        return f"{seconds} s"
    minutes = round(seconds / 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [f"{days} day{'s' if days > 1 else ''}" if days else "", f"{hours} h" if hours else ""]
    parts.append(f"{rest} min" if rest and not days else "")
    return " ".join(part for part in parts if part)


ServiceName = Annotated[str, Kind.SERVICE, _known(Kind.SERVICE)]
EnvironmentName = Annotated[str, Kind.ENVIRONMENT, _known(Kind.ENVIRONMENT)]
PersonName = Annotated[str, Kind.PERSON, _known(Kind.PERSON)]
RoleName = Annotated[str, Kind.ROLE, _known(Kind.ROLE)]
TeamName = Annotated[str, Kind.TEAM, _known(Kind.TEAM)]
VerbName = Annotated[str, Kind.VERB, _known(Kind.VERB)]
# A version becomes an image tag and a piece of YAML, so its alphabet is that of OCI tags:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
Version = Annotated[str, Kind.VERSION, _shape(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}", "a version")]
Ref = Annotated[str, Kind.REF, _shape(r"(?!-)(?!.*\.\.)[\w./+@#-]{1,200}", "a branch or tag")]
RequestId = Annotated[str, Kind.REQUEST, BeforeValidator(_request_id), _shape(r"R-\d{1,12}", "a request, such as R-12")]
PipelineId = Annotated[
    str,
    Kind.PIPELINE,
    BeforeValidator(_pipeline_id),
    _shape(r"\d{1,15}", "a pipeline's number"),
]
Duration = Annotated[
    timedelta,
    Kind.DURATION,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+[smhdw])+$", "examples": ["30m", "24h", "7d"]}),
]
Topic = Annotated[str, Kind.TOPIC, _shape(r"(?s).{1,200}", "a topic")]
Reason = Annotated[
    str, Kind.TEXT, _shape(r"(?s).{1,1000}", "a reason of at most 1,000 characters"), AfterValidator(redact)
]
