"""Reads playbooks: Shipmate's own library, and a folder of the organization's that adds to it and overrides it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actions.core.catalog import Catalog
from actions.core.errors import ShipmateError
from actions.core.kinds import nearest
from playbooks import expressions
from playbooks.playbook import Playbook
from playbooks.values import holes

LIBRARY = Path(__file__).parent / "library"


class FaultyPlaybooks(ShipmateError):
    """Playbooks that cannot be used; every fault with its place."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "These playbooks cannot be used: " + "; ".join(faults),
            remedy="docs/playbooks.md has the form of a playbook; `shipmate playbook check` looks again.",
        )


@dataclass(frozen=True)
class Library(Mapping[str, Playbook]):
    """Playbooks by their name.

    Attributes:
        playbooks: every playbook.
        places: name → the file it was read from.
    """

    playbooks: Mapping[str, Playbook]
    places: Mapping[str, Path]

    def __getitem__(self, name: str) -> Playbook:
        return self.playbooks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.playbooks)

    def __len__(self) -> int:
        return len(self.playbooks)


def load(own: Path | None = None, catalog: Catalog | None = None) -> Library:
    """Read every playbook.

    Args:
        own: the organization's folder; a playbook there with a name of the library's takes its place.
        catalog: every verb, where the steps are to be held against what there is.

    Raises:
        FaultyPlaybooks: some cannot be used; says all that is wrong with each, and where.
    """
    playbooks: dict[str, Playbook] = {}
    places: dict[str, Path] = {}
    faults: list[str] = []
    for folder in (LIBRARY, own):
        if folder is None:
            continue
        if not folder.is_dir():
            faults.append(f"{folder} is no folder")
            continue
        mine: dict[str, Path] = {}
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            found, wrong = _read(path, catalog)
            faults += wrong
            if found is not None and found.name in mine:
                faults.append(f"{path} and {mine[found.name]} are both called {found.name}")
            elif found is not None:
                mine[found.name] = path
                playbooks[found.name], places[found.name] = found, path
    if faults:
        raise FaultyPlaybooks(faults)
    return Library(playbooks, places)


def _read(path: Path, catalog: Catalog | None) -> tuple[Playbook | None, list[str]]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - takes a tenth of a second, and not every process reads playbooks
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415 - as above

    try:
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return None, [f"{path}:{line}: {error.problem or 'this is no YAML'}"]
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        return None, [f"{path}: {' '.join(str(error).split())[:300]}"]
    try:
        found = Playbook.model_validate(_plain(document))
    except ValidationError as error:
        return None, [
            f"{path}:{_line(document, fault['loc'])}: {'.'.join(map(str, fault['loc'])) or 'it'}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False)
        ]
    faults = [*_bad_expressions(found), *(_bad_steps(found, catalog) if catalog else ())]
    return found, [f"{path}:{_line(document, place)}: {fault}" for place, fault in faults]


Fault = tuple[tuple[str | int, ...], str]
"""A place in the document, and what is wrong there."""


def _bad_expressions(playbook: Playbook) -> Iterator[Fault]:
    earlier = {step.id: at for at, step in enumerate(playbook.steps)}
    for place, text in _expressions(playbook):
        try:
            read = expressions.reads(text)
            expressions.check(text)
        except expressions.BadExpression as error:
            yield place, str(error)
            continue
        for path in read:
            if path[0] not in {"event", "steps", "previous"}:
                yield place, f"“{text[:80]}” reads {path[0]}, and there are event, steps and previous"
            elif path[0] == "steps" and len(path) > 1 and path[1] not in earlier:
                yield (
                    place,
                    f"“{text[:80]}” reads the step {path[1]}, which there is not; there are {', '.join(earlier)}",
                )


def _expressions(playbook: Playbook) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every expression of a playbook with its place."""
    yield from ((("on", at, "where"), trigger.where) for at, trigger in enumerate(playbook.on) if trigger.where)
    if playbook.criterion.when:
        yield ("success", "when"), playbook.criterion.when
    for at, step in enumerate(playbook.steps):
        if step.when:
            yield ("steps", at, "when"), step.when
        for key, value in step.parameters.items():
            yield from ((("steps", at, "with", key), text) for text in holes(value))
        for key, value in step.undo.parameters.items() if step.undo else ():
            yield from ((("steps", at, "undo", "with", key), text) for text in holes(value))


def _bad_steps(playbook: Playbook, catalog: Catalog) -> Iterator[Fault]:
    """Steps that name no verb, or give it what it does not take."""
    for at, step in enumerate(playbook.steps):
        yield from _bad_action(("steps", at), step.action, step.parameters, catalog)
        if step.undo is not None:
            yield from _bad_action(("steps", at, "undo"), step.undo.action, step.undo.parameters, catalog)


def _bad_action(
    place: tuple[str | int, ...], action: str, parameters: Mapping[str, Any], catalog: Catalog
) -> Iterator[Fault]:
    if action not in catalog:
        near = nearest(action, (verb.policy.name for verb in catalog))
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        yield (*place, "action"), f"there is no action “{action}”{hint}"
        return
    verb = catalog[action]
    for key in parameters:
        if key not in verb.model_fields:
            yield (
                (*place, "with", key),
                f"{action} takes no {key}; it takes {', '.join(verb.model_fields) or 'nothing'}",
            )
    lacking = [name for name in verb.required() if name not in parameters]
    if lacking:
        yield place, f"{action} needs {', '.join(lacking)} under `with`"
    fixed = {key: value for key, value in parameters.items() if key in verb.model_fields and not any(holes(value))}
    try:
        verb.parse(fixed)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            if fault["loc"] and fault["loc"][0] in fixed:
                yield (*place, "with", *fault["loc"]), fault["msg"].removeprefix("Value error, ")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


def _line(document: Any, location: Sequence[str | int]) -> int:
    """The line in which a place of the document begins, as near as it is known."""
    line, here = 1, document
    for part in location:
        try:
            line = here.lc.data[part][0] + 1
            here = here[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line
