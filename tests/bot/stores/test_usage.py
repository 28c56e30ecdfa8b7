"""What language models were used for is summed up by day, person, purpose, model and cause; and told once a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from actions.core.ports.language import Tokens
from actions.core.ports.usage import Use
from bot.stores.open import SqlStores
from tests.bot.stores.making import NOW

DAY = timedelta(days=1)
TODAY = NOW.date()


def use(**fields: Any) -> Use:
    usual: dict[str, Any] = {
        "at": NOW,
        "person": "kim",
        "purpose": "understanding",
        "model": "claude-haiku-5-5",
        "cause": "said:1",
        "tokens": Tokens(input=100, output=10, cached=5, stored=1),
        "cost": 150,
    }
    return Use(**(usual | fields))


def test_a_day_is_summed_up_for_a_person_and_for_everybody(stores: SqlStores) -> None:
    for one in (use(), use(cost=None), use(person="lee", cost=50), use(at=NOW - DAY)):
        stores.uses.add(one)
    own = stores.uses.spent(TODAY, "kim")
    assert (own.answers, own.tokens, own.cost) == (2, Tokens(input=200, output=20, cached=10, stored=2), 150)
    assert stores.uses.spent(TODAY).cost == 200
    assert stores.uses.spent(TODAY, "nobody").answers == 0
    assert stores.uses.spent(TODAY - DAY).answers == 1


def test_it_is_summed_up_by_what_uses_have_in_common(stores: SqlStores) -> None:
    for one in (use(), use(person="lee", cost=500, purpose="answers"), use(at=NOW - DAY), use(at=NOW - 9 * DAY)):
        stores.uses.add(one)
    since = NOW - 7 * DAY
    assert [(s.key, s.cost) for s in stores.uses.summed("person", since=since)] == [("lee", 500), ("kim", 300)]
    assert [s.key for s in stores.uses.summed("day", since=since)] == [str(TODAY - DAY), str(TODAY)]
    assert [s.key for s in stores.uses.summed("purpose", since=since)] == ["answers", "understanding"]
    assert [(s.key, s.answers) for s in stores.uses.summed("cause", since=since)] == [("said:1", 3)]


def test_somebody_is_told_something_once_a_day(stores: SqlStores) -> None:
    assert stores.uses.claim(TODAY, "kim", "person")
    assert not stores.uses.claim(TODAY, "kim", "person")
    assert stores.uses.claim(TODAY, "kim", "total")
    assert stores.uses.claim(TODAY, "lee", "person")
    assert stores.uses.claim(TODAY + DAY, "kim", "person")
