"""The only place that builds from the settings: `assemble` and `build` put a process's house together.

Nothing here connects before it is used, and nothing is used before a worker has forked.
"""

from __future__ import annotations

import os
import socket
from contextlib import nullcontext

from actions import catalog as every_verb
from actions import installed
from actions.core.catalog import Catalog
from actions.gate.gate import Heartbeat
from bot.budgets import Budgets
from bot.configuration import load
from bot.house import House, compose
from bot.language import claude, prose, recognizer
from bot.outside import outside
from bot.ports import once
from bot.settings import Settings
from bot.stores.open import open_redis, sql_stores
from bot.surroundings import RandomIds, SystemClock
from playbooks.loader import load as load_playbooks


def assemble(settings: Settings) -> House:
    """Build the house for a process from its settings, with its database at the newest schema.

    Raises:
        NoConfiguration: there is no shipmate.yaml where the settings say.
        InvalidConfiguration: it has faults; all of them.
        Unreachable: the database does not answer.
        NewerDatabase: a newer Shipmate has changed its schema.
    """
    house = build(settings)
    try:
        house.kept.migrate()
    except BaseException:
        house.close()
        raise
    return house


def build(settings: Settings, *, heartbeat: Heartbeat = lambda _: nullcontext()) -> House:
    """Build the house from the settings; nothing is connected yet, so whoever has one may fork.

    Args:
        settings: where things are.
        heartbeat: keeps a lease while work is done; for workers.

    Raises:
        NoConfiguration: there is no shipmate.yaml where the settings say.
        InvalidConfiguration: it has faults; all of them.
    """
    known = load(settings.config)
    catalog = catalog_of(settings)
    kept = sql_stores(settings.database.get_secret_value())
    machine = socket.gethostname()
    budgets = Budgets(kept.uses, known, SystemClock())
    model = once(lambda: claude(settings, known, budgets))
    return compose(
        organization=known,
        catalog=catalog,
        kept=kept,
        passing=open_redis(settings.redis.get_secret_value()),
        outside=outside(settings),
        understanding=once(lambda: recognizer(settings, catalog, known, model=model)),
        clock=SystemClock(),
        ids=RandomIds(),
        worker=lambda: f"{machine}:{os.getpid()}",
        heartbeat=heartbeat,
        answers=lambda reads: prose(model, catalog, known, reads),
        model=model,
        playbooks=once(lambda: load_playbooks(settings.playbooks, catalog)),
    )


def catalog_of(settings: Settings) -> Catalog:
    """Every verb that there is with these settings: in the sandbox, those of its colleagues too."""
    if not settings.sandbox:
        return every_verb()
    from bot.colleagues import BreakPipeline  # noqa: PLC0415 - nobody else has it

    return every_verb([*installed(), BreakPipeline])
