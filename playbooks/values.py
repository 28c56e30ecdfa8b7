"""A step's parameters: expressions worked out, and for each whether its value is ours or text that others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from actions.core.request import Source
from playbooks import expressions

_HOLE = re.compile(r"\$\{([^{}]*)\}")
_OURS_OF_EVENT = frozenset({"name", "at", "service"})
_OURS_OF_STEP = frozenset({"id", "outcome", "state"})


def holes(value: Any) -> Iterator[str]:
    """Every expression in a parameter's value, however deep it stands."""
    match value:
        case str():
            yield from _HOLE.findall(value)
        case Mapping():
            for each in value.values():
                yield from holes(each)
        case list() | tuple():
            for each in value:
                yield from holes(each)


def filled(value: Any, names: Mapping[str, Any]) -> JsonValue:
    """A value with its expressions worked out. One that is nothing but `${…}` keeps the kind of what it comes to.

    Raises:
        BadExpression: one cannot be worked out.
    """
    match value:
        case str():
            whole = _HOLE.fullmatch(value)
            if whole is not None:
                found: JsonValue = expressions.evaluate(whole[1], names)
                return found
            return _HOLE.sub(lambda hole: _said(expressions.evaluate(hole[1], names)), value)
        case Mapping():
            return {str(key): filled(each, names) for key, each in value.items()}
        case list() | tuple():
            return [filled(each, names) for each in value]
        case _:
            plain: JsonValue = value
            return plain


def _said(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def resolved(parameters: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, JsonValue]:
    """A step's parameters worked out; those that come to nothing are left out.

    Raises:
        BadExpression: one cannot be worked out.
    """
    found = {key: filled(value, names) for key, value in parameters.items()}
    return {key: value for key, value in found.items() if value is not None}


def sources(parameters: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Source]:
    """Where each parameter's value comes from.

    What stands in the playbook is chosen, and so is what a hook answers for (`event.vouched`). Everything else of an
    event, and every result of an earlier step, may hold what others wrote, and counts as quoted.

    Args:
        parameters: as the playbook has them.
        names: what its expressions know.
    """
    return {
        key: Source.QUOTED
        if any(not _ours(path, names) for text in holes(value) for path in expressions.reads(text))
        else Source.CHOSEN
        for key, value in parameters.items()
    }


def _ours(path: Sequence[str | None], names: Mapping[str, Any]) -> bool:
    match tuple(path):
        case ("event", str(part)):
            return part in _OURS_OF_EVENT
        case ("event", "facts", str(fact), *_):
            return fact in ((names.get("event") or {}).get("vouched") or ())
        case ("previous", str(part), *rest):
            return _ours_of(names.get("previous"), part, rest)
        case ("steps", str(step), str(part), *rest):
            return _ours_of((names.get("steps") or {}).get(step), part, rest)
        case _:
            return False


def _ours_of(step: Any, part: str, rest: Sequence[str | None]) -> bool:
    """Whether a part of an earlier step is ours: its parameters are as good as where they came from."""
    if part == "parameters" and rest:
        return isinstance(step, Mapping) and (step.get("sources") or {}).get(rest[0]) == Source.CHOSEN
    return part in _OURS_OF_STEP and not rest
