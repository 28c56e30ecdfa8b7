"""Reads `shipmate.yaml` into the organization, and tells every fault at once with its place and remedy."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from actions.core.errors import ShipmateError
from actions.core.kinds import format_duration, nearest
from actions.core.organization import Inconsistent, Location, Organization

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


class Fault(NamedTuple):
    """Something wrong in the file.

    Attributes:
        line: counted from 1.
        column: counted from 1.
    """

    file: str
    line: int
    column: int
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} {self.remedy}".strip()


class NoConfiguration(ShipmateError):
    """The file is not there or cannot be read."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The configuration {path} cannot be read: {why}.",
            remedy="Set SHIPMATE_CONFIG to your shipmate.yaml, or try everything on a sandbox with `shipmate demo`.",
        )


class InvalidConfiguration(ShipmateError):
    """The file has faults; all of them.

    Args:
        faults: in the order of the file.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults), key=lambda fault: (fault.line, fault.column, fault.message)))
        count = f"{len(self.faults)} faults" if len(self.faults) > 1 else "a fault"
        super().__init__(
            f"The configuration has {count}:\n" + "\n".join(f"  {fault}" for fault in self.faults),
            remedy="docs/configuration.md shows the form of every key.",
        )

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}"


def load(path: Path) -> Organization:
    """Read the organization from a file.

    Raises:
        NoConfiguration: the file cannot be read.
        InvalidConfiguration: it has faults; every one is told.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), file=str(path))
    except OSError as error:
        raise NoConfiguration(path, (error.strerror or str(error)).lower()) from None
    except UnicodeDecodeError as error:
        raise NoConfiguration(path, f"byte {error.start} is not UTF-8") from None


def parse(text: str, *, file: str = "shipmate.yaml") -> Organization:
    """Read the organization from text.

    Raises:
        InvalidConfiguration: it has faults; every one is told.
    """
    # The safe loader is several times quicker than the one that knows places, which is needed for faults alone.
    document = _yaml(text, file, places=False)
    if not isinstance(document, dict):
        remedy = "Begin with `environments:`, `services:` and `people:`."
        raise InvalidConfiguration([Fault(file, 1, 1, "The file must be a mapping of keys.", remedy)])
    try:
        return Organization.model_validate(document)
    except ValidationError as error:
        located = _yaml(text, file, places=True)
        faults = [*_faults(error), *_contradictions_beside(error, document)]
        raise InvalidConfiguration(
            Fault(file, *_position(located, location), message, remedy) for location, message, remedy in faults
        ) from None


def place(path: Path, location: Location) -> str:
    """Where something stands in a file that was read without faults: "shipmate.yaml:12:5"."""
    line, column = _position(_yaml(path.read_text(encoding="utf-8"), str(path), places=True), location)
    return f"{path}:{line}:{column}"


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors; descriptions come from the classes' docstrings."""
    found = Organization.model_json_schema()
    for model in _models(Organization):
        part = found if model is Organization else found["$defs"].get(model.__name__)
        if part is not None:
            _describe(part, model)
    return {"$schema": SCHEMA_ID, **found, "title": "shipmate.yaml"}


def _yaml(text: str, file: str, *, places: bool) -> Any:
    try:
        document = YAML(typ="rt" if places else "safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = str(error.problem or error.context)
        remedy = (
            "Write each key once."
            if "duplicate key" in problem
            else "Check the indentation, quotes and brackets there."
        )
        raise InvalidConfiguration([Fault(file, line, column, f"This is not YAML: {problem}.", remedy)]) from None
    except YAMLError as error:
        raise InvalidConfiguration([Fault(file, 1, 1, f"This is not YAML: {error}.")]) from None
    return {} if document is None else document


_Told = tuple[Location, str, str]
_DEEPEST = 6


def _faults(error: ValidationError, *, contradictions_only: bool = False) -> Iterator[_Told]:
    """Where each fault stands, what it is, and what to do."""
    for detail in error.errors(include_url=False):
        location: Location = detail["loc"]
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, Inconsistent):
            yield from ((place, _sentence(message), "") for place, message in cause.faults)
        elif contradictions_only:
            continue
        elif detail["type"] == "extra_forbidden":
            yield _unknown_key(location)
        elif detail["type"] == "missing":
            yield location[:-1], f"The key `{location[-1]}` is missing here.", f"Add `{location[-1]}:`."
        else:
            message = detail["msg"].removeprefix("Value error, ")
            yield location, _sentence(f"`{_dotted(location)}`: {message}"), ""


def _contradictions_beside(error: ValidationError, document: dict[str, Any]) -> Iterator[_Told]:
    """The contradictions that pydantic does not look for while a section has faults of its own."""
    pruned = deepcopy(document)
    # What is faulty is left out; that can leave a section without a key it needs, which is then left out as well.
    for _ in range(_DEEPEST):
        _prune(pruned, error)
        try:
            Organization.model_validate(pruned)
        except ValidationError as next_error:
            error = next_error
        else:
            return
    yield from _faults(error, contradictions_only=True)


def _prune(document: dict[str, Any], error: ValidationError) -> None:
    for detail in error.errors(include_url=False):
        location = detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"]
        parent: Any = document
        for key in location[:-1]:
            parent = parent.get(key) if isinstance(parent, dict) else parent[key]
            if parent is None:
                break
        if location and isinstance(parent, dict):
            parent.pop(location[-1], None)


def _unknown_key(location: Location) -> _Told:
    model = _model_at(location[:-1])
    allowed = sorted(model.model_fields) if model else []
    near = nearest(str(location[-1]), allowed)
    remedy = f"Did you mean {' or '.join(f'`{key}`' for key in near)}?" if near else ""
    where = f"`{_dotted(location[:-1])}`" if location[:-1] else "the file"
    listed = ", ".join(allowed)
    return location, f"The key `{location[-1]}` is not known in {where}.", remedy or f"Allowed are {listed}."


def _position(document: Any, location: Location) -> tuple[int, int]:
    """Line and column, from 1, of the innermost part on the way to a location that is there."""
    line, column = 0, 0
    for key in location:
        try:
            line, column = document.lc.item(key) if isinstance(key, int) else document.lc.key(key)
            document = document[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line + 1, column + 1


def _model_at(location: Location) -> type[BaseModel] | None:
    """The class that describes a place in the document."""
    model: Any = Organization
    for key in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(key))
            model = _plain(field.annotation) if field else None
        elif get_origin(model) is tuple:
            model = _plain(get_args(model)[0])
        elif get_origin(model) is dict:
            model = _plain(get_args(model)[1])
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _plain(annotation: Any) -> Any:
    """An annotation without `Annotated` and `None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return _plain(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        inner = _plain(field.annotation)
        for part in (inner, *map(_plain, get_args(inner))):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _models(part)


_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def _describe(part: dict[str, Any], model: type[BaseModel]) -> None:
    summary, _, attributes = inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:\n")
    part["description"] = summary
    for name, description in cast("list[tuple[str, str]]", _ATTRIBUTE.findall(attributes)):
        properties: Mapping[str, dict[str, Any]] = part.get("properties", {})
        if name in properties:
            properties[name]["description"] = re.sub(r"\s+", " ", description)
    for name, field in model.model_fields.items():
        if isinstance(field.default, timedelta):
            part["properties"][name]["default"] = format_duration(field.default)


def _dotted(location: Location) -> str:
    """The keys on the way; which item of a list it is, the line says."""
    return ".".join(part for part in location if isinstance(part, str))


def _sentence(message: str) -> str:
    message = message[:1].upper() + message[1:]
    return message if message.endswith((".", "!", "?")) else f"{message}."
