"""Grants, freezes and tokens are in force from their making until they end."""

from __future__ import annotations

from typing import Any

import pytest

from actions.core.ports.ledger import Freeze, Grant, Token
from bot.stores.open import SqlStores
from tests.bot.stores.making import MINUTE, NOW


def grant(**fields: Any) -> Grant:
    return Grant(**({"person": "kim", "role": "devops", "by": "ada", "request": "R-1", "at": NOW} | fields))


def freeze(**fields: Any) -> Freeze:
    return Freeze(**({"by": "dana", "request": "R-1", "at": NOW} | fields))


def lift(stores: SqlStores, **scope: str) -> list[int]:
    whole: dict[str, Any] = dict.fromkeys(("service", "environment", "verb", "person", "only"))
    return [each.id for each in stores.freezes.lift(**(whole | scope), by="erin", now=NOW)]


def test_a_grant_ends_by_itself(stores: SqlStores) -> None:
    for_good, short = stores.grants.give(grant(role="developer")), stores.grants.give(grant(until=NOW + MINUTE))
    stores.grants.give(grant(person="lee"))
    assert list(stores.grants.of("kim", now=NOW)) == [for_good, short]
    assert list(stores.grants.of("kim", now=NOW + MINUTE)) == [for_good]


def test_taking_a_role_ends_every_grant_of_it(stores: SqlStores) -> None:
    stores.grants.give(grant())
    stores.grants.give(grant(until=NOW + MINUTE))
    assert stores.grants.take("kim", "devops", now=NOW) == 2
    assert stores.grants.take("kim", "devops", now=NOW) == 0
    assert list(stores.grants.of("kim", now=NOW)) == []


def test_a_freeze_is_lifted_by_exactly_its_scope(stores: SqlStores) -> None:
    every = stores.freezes.set(freeze(reason="password=hunter2"))
    prod = stores.freezes.set(freeze(environment="production"))
    checkout = stores.freezes.set(freeze(environment="production", service="checkout"))
    machines = stores.freezes.set(freeze(only="playbooks", until=NOW + MINUTE))
    assert "hunter2" not in every.reason
    assert list(stores.freezes.in_force(NOW)) == [every, prod, checkout, machines]
    assert list(stores.freezes.in_force(NOW + MINUTE)) == [every, prod, checkout]
    assert lift(stores, environment="production") == [prod.id]
    assert lift(stores, environment="production") == []
    assert lift(stores) == [every.id, checkout.id, machines.id]
    assert [entry.event for entry in stores.audit.find(person="erin")] == ["thawed"] * 4


def test_a_token_is_found_by_its_hash_until_it_is_revoked(stores: SqlStores) -> None:
    token = Token(id="t1", person="dana", label="laptop", created_at=NOW)
    stores.tokens.add(token, "hash1")
    stores.tokens.add(Token(id="t2", person="erin", created_at=NOW), "hash2")
    assert stores.tokens.by_hash("hash1") == token
    assert stores.tokens.by_hash("hash3") is None
    assert stores.tokens.revoke("t1", now=NOW + MINUTE)
    assert not stores.tokens.revoke("t1", now=NOW + MINUTE)
    assert stores.tokens.by_hash("hash1") is None
    assert list(stores.tokens.of("dana")) == [token.model_copy(update={"revoked_at": NOW + MINUTE})]
    assert len(stores.tokens.of()) == 2


@pytest.mark.parametrize("event", ["token created", "token revoked"])
def test_the_audit_trail_tells_of_tokens(stores: SqlStores, event: str) -> None:
    stores.tokens.add(Token(id="t1", person="dana", created_at=NOW), "hash1")
    stores.tokens.revoke("t1", now=NOW)
    entry = next(entry for entry in stores.audit.find() if entry.event == event)
    assert "hash1" not in entry.model_dump_json()
