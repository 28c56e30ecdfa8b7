"""The audit chain shows whatever was changed, cut out or cut off behind the ledger's back."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from actions.core.request import State
from bot.stores.open import SqlStores
from tests.bot.stores.making import MINUTE, NOW, accept, move


@pytest.fixture
def told(stores: SqlStores) -> SqlStores:
    """Stores with five rows in the chain."""
    for number in range(4):
        last = accept(stores, service="checkout" if number else None, now=NOW + number * MINUTE)
    stores.ledger.advance(move(last, by="erin", state=State.CANCELLED, note="too late"), now=NOW + 9 * MINUTE)
    return stores


def test_an_untouched_chain_holds(told: SqlStores) -> None:
    assert told.audit.verify() is None


def test_an_empty_chain_holds(stores: SqlStores) -> None:
    assert stores.audit.verify() is None


@pytest.mark.parametrize(
    ("tampering", "first"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE number = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE number = 1", 1),
        ("UPDATE audit SET detail = '{}' WHERE number = 5", 5),
        ("UPDATE audit SET service = NULL WHERE number = 2", 2),
        ("UPDATE audit SET hash = 'x' WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 5", 5),
        ("DELETE FROM audit", 1),
        ("UPDATE audit_head SET hash = 'x'", 5),
    ],
)
def test_tampering_is_found(told: SqlStores, tampering: str, first: int) -> None:
    with told.database.write() as connection:
        connection.execute(text(tampering))
    assert told.audit.verify() == first


def test_entries_are_found_by_person_service_and_time(told: SqlStores) -> None:
    (entry,) = told.audit.find(person="erin")
    assert (entry.event, entry.request, entry.at) == ("cancelled", "R-4", NOW + 9 * MINUTE)
    assert entry.detail["note"] == "too late"
    assert [entry.number for entry in told.audit.find()] == [5, 4, 3, 2, 1]
    assert [entry.number for entry in told.audit.find(service="checkout", since=NOW + 2 * MINUTE)] == [5, 4, 3]
    assert [entry.number for entry in told.audit.find(limit=2)] == [5, 4]


def test_the_newest_rows_can_be_checked_alone(told: SqlStores) -> None:
    assert told.audit.verify(newest=2) is None
    assert told.audit.verify(newest=100) is None
    with told.database.write() as connection:
        connection.execute(text("UPDATE audit SET actor = 'nobody' WHERE number = 2"))
    assert told.audit.verify(newest=3) is None
    assert told.audit.verify(newest=4) == 2
    with told.database.write() as connection:
        connection.execute(text("DELETE FROM audit WHERE number = 5"))
    assert told.audit.verify(newest=2) == 5


def test_a_read_is_told_of_when_it_has_ended_with_the_time_it_was_asked(stores: SqlStores) -> None:
    made = accept(stores, changes=False, action="pods")
    assert not stores.audit.find()
    stores.ledger.advance(move(made, state=State.DONE, by="shipmate"), now=NOW + MINUTE)
    done, asked = stores.audit.find()
    assert (asked.actor, asked.event, asked.at) == ("dana", "accepted", NOW)
    assert (done.actor, done.event, done.at) == ("shipmate", "done", NOW + MINUTE)
    assert stores.audit.verify() is None
