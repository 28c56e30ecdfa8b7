"""`shipmate playbook`: check, list and show playbooks, and say what one would do about an event."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actions import catalog
from actions.core.errors import Refused, ShipmateError
from actions.core.event import Event
from actions.core.kinds import format_duration
from actions.core.organization import AutonomyRules
from actions.core.ports.autonomy import PlaybookRecord, Terrain
from actions.core.request import Source
from bot.settings import Settings
from playbooks import expressions
from playbooks.autonomy import EarnedAutonomy
from playbooks.loader import FaultyPlaybooks, Library, load
from playbooks.playbook import Playbook, StepOf, schema
from playbooks.triggers import woken
from playbooks.values import holes, resolved, sources


class UnknownPlaybook(Refused):
    """There is no playbook of that name."""

    def __init__(self, name: str, library: Library) -> None:
        super().__init__(f"There is no playbook “{name}”.", remedy=f"There are {', '.join(library)}.")


class NotAnEvent(Refused):
    """What was given is no event."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"That is no event: {why}",
            remedy='Give JSON such as {"id": "e1", "name": "pipeline.failed", "at": "2026-11-20T09:00:00Z", "facts": {}}.',
        )


class OnlyDry(Refused):
    """A playbook is woken by events, through the gate, and not from a shell."""

    def __init__(self) -> None:
        super().__init__("From here a playbook can only be tried.", remedy="Add --dry-run.")


def check(_: argparse.Namespace, settings: Settings) -> int:
    """Say whether every playbook can be used, its steps held against the verbs; 1 where one cannot."""
    try:
        library = load(settings.playbooks, catalog())
    except FaultyPlaybooks as error:
        for fault in error.faults:
            print(f"✖ {fault}")  # noqa: T201 - this is the command's output
        return 1
    print(f"✔ {len(library)} playbooks can be used")  # noqa: T201 - as above
    return 0


def show_all(_: argparse.Namespace, settings: Settings) -> int:
    """List every playbook in a line."""
    for playbook in load(settings.playbooks).values():
        about = playbook.match.category.value if playbook.match else _woken_by(playbook)
        off = "" if playbook.enabled else "  (switched off)"
        print(f"{playbook.name:<18}{playbook.title:<32}{about}{off}")  # noqa: T201 - as above
    return 0


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show one playbook and its record."""
    library = load(settings.playbooks)
    playbook = _named(library, arguments.name)
    lines = [
        f"{playbook.name}: {playbook.title}",
        playbook.purpose,
        "",
        f"from       {library.places[playbook.name]}",
        f"woken by   {_woken_by(playbook)}",
        f"mends      {playbook.match.category.value if playbook.match else '-'}",
        f"risk       {playbook.risk.value}",
        f"starts at  {playbook.autonomy.start.value}, at most {playbook.autonomy.highest.value}",
        f"stops      after {playbook.limits.an_hour} fixes an hour in a project, {playbook.limits.failing} failures of one fix",
        f"success    {playbook.criterion.says or playbook.criterion.when or '-'}",
        *(f"step       {step.id}: {step.action}{_notes(step)}" for step in playbook.steps),
        *_record(playbook, settings),
    ]
    print("\n".join(lines))  # noqa: T201 - as above
    return 0


def _woken_by(playbook: Playbook) -> str:
    times = (f"{each.cron} ({each.timezone})" if each.cron else str(each.event) for each in playbook.on)
    return ", ".join(times) or ("a diagnosis" if playbook.match else "people")


def _notes(step: StepOf) -> str:
    """What a step has beside its action."""
    found = [f"when {step.when}"] if step.when else []
    found += [f"{step.retry.times} more tries"] if step.retry else []
    found += [f"within {format_duration(step.timeout)}"] if step.timeout else []
    found += [f"taken back by {step.undo.action}"] if step.undo else []
    return f" ({', '.join(found)})" if found else ""


def _record(playbook: Playbook, settings: Settings) -> list[str]:
    """What it has done and earned, as the ledger has it."""
    if playbook.match is None:
        return []
    from bot.stores.open import open_sql  # noqa: PLC0415 - only a record needs the database

    try:
        kept = open_sql(settings.database.get_secret_value())
    except ShipmateError as error:
        return [f"record     not known: {error.message}"]
    now = datetime.now(UTC)
    try:
        autonomy = EarnedAutonomy(kept.ledger, lambda: {playbook.name: playbook}, _rules(settings))
        stands = [
            autonomy.stands(playbook.name, category=playbook.match.category.value, terrain=terrain, now=now)
            for terrain in Terrain
        ]
        records = {each.playbook: each for each in autonomy.records(since=None, now=now)}
    finally:
        kept.close()
    lines = [f"stands at  {leave.stage.value}: {leave.why}" for leave in stands]
    return [*lines, f"record     {in_words(records.get(playbook.name) or PlaybookRecord(playbook=playbook.name))}"]


def _rules(settings: Settings) -> AutonomyRules:
    """The organization's thresholds and pins; the defaults where there is no shipmate.yaml."""
    from bot.configuration import load as load_organization  # noqa: PLC0415 - only a record needs it

    return load_organization(settings.config).autonomy if settings.config.exists() else AutonomyRules()


def in_words(record: PlaybookRecord) -> str:
    """A playbook's record in a line."""
    parts = [f"{record.attempts} attempts, {record.verified} verified, {record.failed} went wrong"]
    if record.rate is not None:
        parts.append(f"{record.rate:.0%} worked")
    if record.seconds_to_green is not None:
        parts.append(f"green after {record.seconds_to_green:.0f} s")
    if record.compared:
        parts.append(f"{record.seconds_saved / 60:.0f} minutes saved against the same failures' past")
    return ", ".join(parts)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say whether a playbook would be woken, and which requests it would make; 1 where it would not."""
    if not arguments.dry_run:
        raise OnlyDry
    playbook = _named(load(settings.playbooks), arguments.name)
    if any(trigger.event for trigger in playbook.on) or arguments.event:
        event = _event(arguments.event or "-")
        if playbook.on and not woken([playbook], event):
            print(f"{playbook.name} is not woken by {event.name} {event.id}")  # noqa: T201 - as above
            return 1
    else:
        event = Event(id="now", name="time.due" if playbook.on else "started.by_hand", at=datetime.now(UTC))
    names = {"event": event.model_dump(mode="json"), "steps": {}, "previous": None}
    for step in playbook.steps:
        print(_dry(playbook, step, names))  # noqa: T201 - as above
    return 0


def _dry(playbook: Playbook, step: StepOf, names: Mapping[str, Any]) -> str:
    """What a step would do, as far as that is known before the steps it builds on are done."""
    if step.when is not None and not _is_later(step.when) and not expressions.evaluate(step.when, names):
        return f"{step.id}: passed over, as it needs {step.when}"
    said = []
    for key, value in step.parameters.items():
        later = any(_is_later(text) for text in holes(value))
        shown = value if later else resolved({key: value}, names).get(key)
        quoted = sources({key: value}, names)[key] is Source.QUOTED
        said.append(f"{key}={shown}" + (" (written by others: a change is confirmed by a person)" if quoted else ""))
    needs = f", if {step.when}" if step.when and _is_later(step.when) else ""
    return f"{step.id}: {step.action} {' '.join(said)}, as playbook:{playbook.name}{needs}"


def _is_later(text: str) -> bool:
    return any(path[0] in {"steps", "previous"} for path in expressions.reads(text))


def print_schema(_: argparse.Namespace, __: Settings) -> int:
    """Print the JSON Schema."""
    print(json.dumps(schema(), indent=2, ensure_ascii=False))  # noqa: T201 - as above
    return 0


def _named(library: Library, name: str) -> Playbook:
    if name not in library:
        raise UnknownPlaybook(name, library)
    return library[name]


def _event(place: str) -> Event:
    try:
        text = sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")
        return Event.model_validate_json(text)
    except (OSError, UnicodeDecodeError) as error:
        raise NotAnEvent(str(error)) from error
    except ValidationError as error:
        raise NotAnEvent("; ".join(fault["msg"] for fault in error.errors())) from error
