"""Files of labelled items, by which an evaluation judges: read one JSON object a line, and write what was made of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from actions.core.errors import Refused

T = TypeVar("T", bound=BaseModel)


class NotItems(Refused):
    """The file of labelled items cannot be read as one."""

    def __init__(self, path: Path, what: str, form: str) -> None:
        super().__init__(f"{path}: {what}.", remedy=f"Each line is a JSON object with {form}.")


def read_items(path: Path, model: type[T], form: str) -> list[T]:
    """Read labelled items.

    Args:
        path: a file with one JSON object a line.
        model: what a line is.
        form: the fields of a line, in words.

    Returns:
        The items, in order; at least one.

    Raises:
        NotItems: the file is absent, empty, or holds a line that is no item.
    """
    items = []
    try:
        # Line by line as the file has them: what else separates lines may stand in what somebody said.
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    items.append(_item(path, number, line, model, form))
    except OSError as error:
        raise NotItems(path, error.strerror or "cannot be read", form) from error
    if not items:
        raise NotItems(path, "holds no item", form)
    return items


def _item(path: Path, number: int, line: str, model: type[T], form: str) -> T:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        fault = f"line {number} is no item ({where or 'line'}: {first['msg'].lower()})"
        raise NotItems(path, fault, form) from error


def write_lines(path: Path, objects: Iterable[Mapping[str, JsonValue]]) -> None:
    """Write one JSON object a line."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(f"{json.dumps(each, ensure_ascii=False)}\n" for each in objects)
