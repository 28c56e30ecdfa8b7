"""`shipmate doctor`: how a Shipmate on these stores is doing: what stands still, what was not delivered, what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

from actions.core.errors import ShipmateError
from actions.core.ports.ledger import RequestQuery
from actions.core.request import Request, State
from bot import configuration, instance
from bot.budgets import WARN_AT, Budgets, money
from bot.commands.check import Finding, check
from bot.commands.up import joined
from bot.house import DRAWN
from bot.settings import Settings
from bot.stores.open import SqlStores, open_sql
from bot.surroundings import SystemClock

_OPEN = tuple(state for state in State if not state.is_final)
_LATELY = timedelta(days=7)


def run(_: argparse.Namespace, settings: Settings) -> int:
    """Print what was found, and return 1 where anything is wrong."""
    here = instance.running(settings.state_dir)
    if here is None:
        sys.stdout.write(f"- No Shipmate runs on {settings.state_dir} on this machine\n")
    else:
        sys.stdout.write(f"✔ A Shipmate runs here: process {here.pid}, at {here.url}\n")
        settings = joined(settings) if here.sandbox else settings
    good = True
    for finding in chain(check(settings), _kept(settings), _claude(settings)):
        sys.stdout.write(f"{ {True: '✔', False: '✖', None: '-'}[finding.good] } {finding.says}\n")
        good = good and finding.good is not False
    return int(not good)


def _kept(settings: Settings) -> Iterator[Finding]:
    stores = open_sql(settings.database.get_secret_value())
    try:
        yield from examine(stores, SystemClock().now())
    finally:
        stores.close()


def _claude(settings: Settings) -> Iterator[Finding]:
    """What Claude has come to today."""
    try:
        organization = configuration.load(settings.config)
    except ShipmateError:
        return  # told by the check of the configuration
    stores = open_sql(settings.database.get_secret_value())
    try:
        yield of_today(Budgets(stores.uses, organization, SystemClock()), organization.usage.currency)
    finally:
        stores.close()


def of_today(budgets: Budgets, currency: str) -> Finding:
    """What Claude has come to today, and how much of the budget for everybody that is."""
    spent, level = budgets.today(), budgets.total()
    cost = f", {money(spent.cost, currency)}" if spent.cost else ""
    says = f"Claude today: {spent.answers} answers, {spent.tokens.total:,} tokens{cost}"
    if level is None:
        return Finding(good=None, says=says)
    says += f"; {level.share:.0%} of the budget ({level.says})"
    if level.share >= 1:
        says += ". The local recogniser reads alone until midnight UTC."
    return Finding(good=level.share < WARN_AT or (None if level.share < 1 else False), says=says)


def examine(stores: SqlStores, now: datetime) -> Iterator[Finding]:
    """What the ledger tells of how things are going."""
    broken = stores.audit.verify()
    if broken is None:
        yield Finding(good=True, says="The audit chain holds")
    else:
        yield Finding(
            good=False,
            says=f"The audit chain is broken at row {broken}: somebody changed what was recorded. Keep a copy.",
        )
    still = list(stores.ledger.lapsed(now))
    yield Finding(good=not still, says=_listed("Requests whose worker is gone; a running `clock` takes them up", still))
    unknown = stores.ledger.find(RequestQuery(states=(State.UNKNOWN,)))
    yield Finding(good=not unknown, says=_listed("Operations whose outcome is not known", list(unknown)))
    under_way = stores.ledger.find(RequestQuery(states=_OPEN, limit=1000))
    yield Finding(good=None, says=f"{len(under_way)} requests are open")
    for surface in sorted(DRAWN):
        lagging = stores.deliveries.lagging(surface)
        yield Finding(good=not lagging, says=_listed(f"Cards on {surface} that were not delivered", list(lagging)))
        failed = stores.deliveries.failed(surface, since=now - _LATELY)
        told = ", ".join(f"{delivery.request} ({delivery.failed})" for delivery in failed) or "none"
        yield Finding(good=not failed, says=f"Cards on {surface} that could be delivered nowhere this week: {told}")


def _listed(what: str, requests: list[Request]) -> str:
    return f"{what}: {', '.join(request.id for request in requests) or 'none'}"
