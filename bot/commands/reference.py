"""`shipmate docs` and `shipmate config schema`: the reference that is generated from the code and checked in."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from actions import catalog
from actions.core.action import Need, Risk
from actions.core.catalog import Verb
from bot import configuration
from bot.settings import Settings

HEADER = """# Actions

Everything Shipmate can do. This page is generated from the actions themselves by `shipmate docs`; change their classes,
not this file. What stands in `[…]` may be left out; a value in `{…}` is a parameter.
"""


def schema(_: argparse.Namespace, __: Settings) -> int:
    """Print the JSON Schema of shipmate.yaml."""
    sys.stdout.write(schema_text())
    return 0


def actions(_: argparse.Namespace, __: Settings) -> int:
    """Print the reference of all actions that Shipmate brings itself."""
    sys.stdout.write(actions_text(catalog(())))
    return 0


def schema_text() -> str:
    """The JSON Schema as it is checked in."""
    return json.dumps(configuration.schema(), indent=2, ensure_ascii=False) + "\n"


def actions_text(verbs: Iterable[Verb]) -> str:
    """The reference page as it is checked in."""
    ordered = sorted((v for v in verbs if v.policy.public), key=lambda v: (v.policy.group, v.policy.name))
    parts = [HEADER]
    for group, members in groupby(ordered, key=lambda verb: verb.policy.group):
        parts.append(f"## {group.replace('_', ' ').capitalize()}\n")
        parts.extend("\n".join(_verb(member)) for member in members)
    return "\n".join(parts)


def _verb(verb: Verb) -> Iterator[str]:
    policy = verb.policy
    yield f"### `{policy.name}`\n"
    yield _text(verb) + "\n"
    changes = "changes things" if policy.risk is Risk.CHANGE else "only reads"
    lock = "; one at a time per service and environment" if policy.lock else ""
    yield f"It {changes}{lock}. Who may: {_who(policy.needs)}.\n"
    if verb.model_fields:
        yield "| Parameter | Kind | Needed |\n|---|---|---|"
        for name, field in verb.model_fields.items():
            choices = verb.choices_of(name)
            kind = ", ".join(f"`{choice}`" for choice in choices) if choices else verb.kind_of(name)
            yield f"| `{name}` | {kind} | {'yes' if field.is_required() else 'no'} |"
        yield ""
    if policy.phrases:
        yield "Said as:\n"
        yield from (f"- `{phrase}`" for phrase in policy.phrases)
        yield ""
    if policy.examples:
        yield "For example: " + ", ".join(f"“{example}”" for example in policy.examples) + ".\n"


def _text(verb: Verb) -> str:
    return inspect.cleandoc(verb.__doc__ or "").partition("\n\nAttributes:")[0]


def _who(needs: object) -> str:
    if needs is Need.BY_ENVIRONMENT:
        return "developers in development, senior developers in staging, devops in production"
    if needs is Need.OWN_RULE:
        return "by a rule of its own"
    return f"{needs} and above"
