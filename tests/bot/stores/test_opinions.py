"""Opinions about how somebody was understood are kept, one a person and message."""

from __future__ import annotations

from typing import Any

from actions.core.ports.opinions import Opinion
from bot.stores.open import SqlStores
from tests.bot.stores.making import MINUTE, NOW

DID = {"outcome": "asks", "action": "status", "params": {"service": "checkout"}}
MEANT = {"outcome": "asks", "action": "status", "params": {"service": "catalog"}}


def opinion(**fields: Any) -> Opinion:
    usual = {"at": NOW, "person": "kim", "verdict": "down", "about": "R-1", "say": "how is it?", "did": DID}
    return Opinion(**(usual | fields))


def test_what_was_meant_is_kept_with_the_thread(stores: SqlStores) -> None:
    kept = opinion(verdict="corrected", expect=MEANT, thread=({"say": "hello", "did": None},))
    stores.opinions.keep(kept)
    assert list(stores.opinions.since(NOW)) == [kept]
    assert list(stores.opinions.since(NOW + MINUTE)) == []


def test_a_later_thumb_does_not_forget_what_was_meant(stores: SqlStores) -> None:
    stores.opinions.keep(opinion())
    stores.opinions.keep(opinion(verdict="corrected", expect=MEANT))
    stores.opinions.keep(opinion(verdict="down", at=NOW + MINUTE))
    stores.opinions.keep(opinion(person="lee"))
    own, other = stores.opinions.since(NOW)
    assert (own.person, own.verdict, own.expect, own.at) == ("kim", "down", MEANT, NOW + MINUTE)
    assert other.person == "lee"
