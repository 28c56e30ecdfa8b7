"""Reads playbooks: Shipmate's own library, and a folder of the organization's that adds to it and overrides it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actions.core.errors import ShipmateError
from playbooks import expressions
from playbooks.playbook import Playbook

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


def load(own: Path | None = None) -> Library:
    """Read every playbook.

    Args:
        own: the organization's folder; a playbook there with a name of the library's takes its place.

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
            found, wrong = _read(path)
            faults += wrong
            if found is not None and found.name in mine:
                faults.append(f"{path} and {mine[found.name]} are both called {found.name}")
            elif found is not None:
                mine[found.name] = path
                playbooks[found.name], places[found.name] = found, path
    if faults:
        raise FaultyPlaybooks(faults)
    return Library(playbooks, places)


def _read(path: Path) -> tuple[Playbook | None, list[str]]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - takes a tenth of a second, and not every process reads playbooks
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - as above

    try:
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        return None, [f"{path}: {' '.join(str(error).split())[:300]}"]
    try:
        found = Playbook.model_validate(_plain(document))
    except ValidationError as error:
        return None, [
            f"{path}:{_line(document, fault['loc'])}: {'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        ]
    return found, [f"{path}: {fault}" for fault in _bad_expressions(found)]


def _bad_expressions(playbook: Playbook) -> Iterator[str]:
    texts = [trigger.where for trigger in playbook.on if trigger.where]
    texts += [step.when for step in playbook.steps if step.when]
    for step in playbook.steps:
        for value in step.parameters.values():
            if isinstance(value, str) and value.startswith("${") and value.endswith("}"):
                texts.append(value[2:-1])
    for text in texts:
        try:
            expressions.check(text)
        except expressions.BadExpression as error:
            yield str(error)


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
