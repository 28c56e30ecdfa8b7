"""What people thought of how they were understood."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from actions.core.ports.opinions import Opinion
from bot.stores.sql.database import Database
from bot.stores.sql.schema import opinions

_JSON = ("thread", "did", "expect")


class SqlOpinions:
    """Everybody's opinions.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, opinion: Opinion) -> None:
        """Record an opinion in place of the same person's about the same; what was meant is not forgotten by a thumb."""
        row = opinion.model_dump()
        row |= {name: None if row[name] is None else json.dumps(row[name]) for name in _JSON}
        added = self._database.insert(opinions).values(row)
        new = added.excluded
        known = added.on_conflict_do_update(
            index_elements=[opinions.c.about, opinions.c.person],
            set_={
                "at": new.at,
                "verdict": new.verdict,
                "expect": func.coalesce(new.expect, opinions.c.expect),
            },
        )
        with self._database.write() as connection:
            connection.execute(known)

    def since(self, when: datetime) -> Sequence[Opinion]:
        """The opinions since then, oldest first."""
        query = select(opinions).where(opinions.c.at >= when).order_by(opinions.c.number)
        with self._database.read() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return [
            Opinion.model_validate(row | {name: json.loads(row[name]) for name in _JSON if row[name] is not None})
            for row in rows
        ]
