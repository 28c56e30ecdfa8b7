"""Questions to the ledger as statements, built once for each shape: building one costs more than SQLite's answer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, bindparam, func, select

from actions.core.ports.ledger import RequestQuery
from actions.core.request import State
from bot.stores.sql.schema import requests

_COMPARED = ("service", "environment", "requester", "place_key", "changes")


class _Shape(NamedTuple):
    """What distinguishes one statement from another; the values are bound when it is executed."""

    compared: tuple[str, ...]
    states: tuple[State, ...] | None
    actions: tuple[str, ...] | None
    since: bool


def finding(query: RequestQuery) -> tuple[Select[Any], dict[str, Any]]:
    """The statement that finds what a query wants, newest first, and its values."""
    shape, values = _shaped(query)
    return _finding(shape), values


def counting(query: RequestQuery) -> tuple[Select[Any], dict[str, Any]]:
    """The statement that counts what a query wants up to its limit, and its values."""
    shape, values = _shaped(query)
    return _counting(shape), values


def _shaped(query: RequestQuery) -> tuple[_Shape, dict[str, Any]]:
    given = {name: value for name in _COMPARED if (value := getattr(query, name)) is not None}
    values = {f"by_{name}": value for name, value in given.items()} | {"by_limit": query.limit}
    if query.since is not None:
        values["by_since"] = query.since
    return _Shape(tuple(given), query.states, query.actions, query.since is not None), values


@lru_cache(256)
def _finding(shape: _Shape) -> Select[Any]:
    return _narrowed(select(requests), shape).order_by(requests.c.number.desc())


@lru_cache(256)
def _counting(shape: _Shape) -> Select[Any]:
    return select(func.count()).select_from(_narrowed(select(requests.c.number), shape).subquery())


def _narrowed(statement: Select[Any], shape: _Shape) -> Select[Any]:
    for name in shape.compared:
        column = requests.c[name]
        statement = statement.where(column == bindparam(f"by_{name}", type_=column.type))
    if shape.states is not None:
        statement = statement.where(requests.c.state.in_([state.value for state in shape.states]))
        if not any(state.is_final for state in shape.states):
            # Says the same, and leads by the index of what is open past all that ever was.
            statement = statement.where(requests.c.finished_at.is_(None))
    if shape.actions is not None:
        statement = statement.where(requests.c.action.in_(shape.actions))
    if shape.since:
        statement = statement.where(requests.c.created_at >= bindparam("by_since", type_=requests.c.created_at.type))
    return statement.limit(bindparam("by_limit", type_=Integer))
