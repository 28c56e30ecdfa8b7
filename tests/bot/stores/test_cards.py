"""Buttons hold one offer each, and a card that lags behind its request is found."""

from __future__ import annotations

from typing import Any

from actions.core.ports.ledger import LEASE, Delivery, Offer
from actions.core.request import State
from bot.stores.open import SqlStores
from tests.bot.stores.making import MINUTE, NOW, accept, move, waiting


def offer(**fields: Any) -> Offer:
    given = {"id": "o1", "request": "R-1", "action": "rollback", "parameters": {"b": 1, "a": 2}, "created_at": NOW}
    return Offer(**(given | fields))


def delivery(**fields: Any) -> Delivery:
    given = {"request": "R-1", "place_key": "slack//C1/17.1", "surface": "slack", "version": 1, "updated_at": NOW}
    return Delivery(**(given | {"reference": {"ts": "1.2"}} | fields))


def test_an_offer_is_kept_once(stores: SqlStores) -> None:
    first = offer()
    assert stores.offers.offer(first) == "o1"
    assert stores.offers.offer(offer(id="o2", parameters={"a": 2, "b": 1})) == "o1"
    assert stores.offers.offer(offer(id="o3", parameters={"a": 3})) == "o3"
    assert stores.offers.offer(offer(id="o4", request="R-2")) == "o4"
    assert stores.offers.get("o1") == first
    assert stores.offers.get("o2") is None


def test_offers_without_a_request_are_told_apart_by_thread(stores: SqlStores) -> None:
    assert stores.offers.offer(offer(request=None, place_key="a")) == "o1"
    assert stores.offers.offer(offer(id="o2", request=None, place_key="a")) == "o1"
    assert stores.offers.offer(offer(id="o3", request=None, place_key="b")) == "o3"
    kept = stores.offers.get("o3")
    assert kept is not None
    assert kept.request is None


def test_an_older_drawing_never_overwrites_a_newer_one(stores: SqlStores) -> None:
    newer = delivery(version=3, failed="no channel for Bearer abcdefghijklmnopqrstuv")
    stores.deliveries.note(delivery(version=2))
    stores.deliveries.note(newer)
    stores.deliveries.note(delivery(version=1))
    kept = stores.deliveries.get("R-1", "slack//C1/17.1")
    assert kept is not None
    assert (kept.version, kept.reference) == (3, {"ts": "1.2"})
    assert "abcdefgh" not in kept.failed
    assert stores.deliveries.get("R-1", "elsewhere") is None


def test_a_card_lags_until_it_is_drawn(stores: SqlStores) -> None:
    made = accept(stores)
    accept(stores, place=made.place.model_copy(update={"surface": "teams"}))
    assert list(stores.deliveries.lagging("slack")) == [made]
    stores.deliveries.note(delivery(place_key=made.place.key))
    assert list(stores.deliveries.lagging("slack")) == []
    done = stores.ledger.advance(move(made, state=State.DONE), now=NOW)
    assert list(stores.deliveries.lagging("slack")) == [done]
    stores.deliveries.note(delivery(place_key="another/thread", version=done.version))
    assert list(stores.deliveries.lagging("slack")) == [done]


def test_a_poll_that_found_nothing_new_leaves_the_card_alone(stores: SqlStores) -> None:
    made = waiting(stores)
    stores.deliveries.note(delivery(place_key=made.place.key))
    (leased,) = stores.ledger.lease_due("argocd", owner="w", now=NOW, until=NOW + LEASE, limit=1)
    stores.ledger.advance(move(leased, next_poll_at=NOW + MINUTE, lease_owner=None, lease_until=None), now=NOW)
    assert list(stores.deliveries.lagging("slack")) == []
