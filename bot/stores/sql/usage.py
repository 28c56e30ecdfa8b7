"""What language models were used for, an answer a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, func, insert, select

from actions.core.ports.language import Tokens
from actions.core.ports.usage import Grouping, Spent, Use
from bot.stores.sql.database import Database
from bot.stores.sql.schema import usage, usage_told

_KINDS = ("input", "output", "cached", "stored")
_sums = (
    func.count().label("answers"),
    *(func.coalesce(func.sum(usage.c[kind]), 0).label(kind) for kind in _KINDS),
    func.coalesce(func.sum(usage.c.cost), 0).label("cost"),
)


class SqlUses:
    """Every use of a language model.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, use: Use) -> None:
        """Record a use."""
        row = use.model_dump(exclude={"tokens"}) | use.tokens.model_dump() | {"day": use.at.date().isoformat()}
        with self._database.write() as connection:
            connection.execute(insert(usage), row)

    def spent(self, day: date, person: str | None = None) -> Spent:
        """What a day came to, in UTC: a person's, or everybody's."""
        query = select(*_sums).where(usage.c.day == day.isoformat())
        if person is not None:
            query = query.where(usage.c.person == person)
        with self._database.read() as connection:
            return _spent(connection.execute(query).mappings().one(), person or "")

    def summed(self, by: Grouping, *, since: datetime) -> Sequence[Spent]:
        """What was used since then, by one of its attributes; the dearest first, days in order."""
        key = usage.c[by]
        order: tuple[Any, ...] = (key,)
        if by != "day":
            total = sum((func.sum(usage.c[kind]) for kind in _KINDS[1:]), func.sum(usage.c[_KINDS[0]]))
            order = (func.coalesce(func.sum(usage.c.cost), 0).desc(), total.desc(), key)
        query = select(key.label("key"), *_sums).where(usage.c.at >= since).group_by(key).order_by(*order)
        with self._database.read() as connection:
            return [_spent(row, str(row["key"])) for row in connection.execute(query).mappings()]

    def claim(self, day: date, whom: str, what: str) -> bool:
        """Be the first to tell somebody something on a day; False where they were told."""
        row = {"day": day.isoformat(), "whom": whom, "what": what}
        first = self._database.insert(usage_told).values(row).on_conflict_do_nothing().returning(usage_told.c.whom)
        with self._database.write() as connection:
            return connection.execute(first).first() is not None


def _spent(row: RowMapping, key: str) -> Spent:
    tokens = Tokens(**{kind: int(row[kind]) for kind in _KINDS})
    return Spent(key=key, answers=row["answers"], tokens=tokens, cost=int(row["cost"]))
