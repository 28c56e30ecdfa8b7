"""`shipmate usage`: what Claude was used for and what it cost, by day, person, purpose, model or what made it necessary."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from actions.core.errors import Refused
from actions.core.kinds import parse_duration
from actions.core.ports.usage import Spent
from bot import configuration, instance
from bot.budgets import money
from bot.commands.up import joined
from bot.settings import Settings
from bot.stores.open import open_sql
from bot.surroundings import SystemClock


class NoLength(Refused):
    """It is no length of time."""

    def __init__(self, given: str) -> None:
        super().__init__(f"“{given}” is no length of time.", remedy="Write it like 30m, 24h or 7d.")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a table, or JSON.

    Raises:
        NoLength: `--since` cannot be read.
    """
    here = instance.running(settings.state_dir)
    settings = joined(settings) if here is not None and here.sandbox else settings
    try:
        since = SystemClock().now() - parse_duration(arguments.since)
    except ValueError:
        raise NoLength(arguments.since) from None
    currency = configuration.load(settings.config).usage.currency
    stores = open_sql(settings.database.get_secret_value())
    try:
        found = stores.uses.summed(arguments.by, since=since)
    finally:
        stores.close()
    if arguments.json:
        sys.stdout.write(json.dumps([_line(one, currency) for one in found]) + "\n")
    else:
        sys.stdout.write(table(arguments.by, found, currency))
    return 0


def _line(spent: Spent, currency: str) -> dict[str, object]:
    tokens = spent.tokens.model_dump()
    return {"key": spent.key, "answers": spent.answers, **tokens, "cost": spent.cost / 1e6, "currency": currency}


def table(by: str, found: Sequence[Spent], currency: str) -> str:
    """The figures as text for a terminal."""
    if not found:
        return "Claude was not used.\n"
    width = max(len(by), *(len(one.key) for one in found)) + 2
    lines = [f"{by:<{width}}{'answers':>9}{'read':>12}{'cached':>12}{'written':>10}{'cost':>14}"]
    for one in found:
        read = one.tokens.input + one.tokens.stored
        cost = money(one.cost, currency)
        lines.append(
            f"{one.key:<{width}}{one.answers:>9,}{read:>12,}{one.tokens.cached:>12,}{one.tokens.output:>10,}{cost:>14}"
        )
    return "\n".join(lines) + "\n"
