"""Tokens are kept only as a hash, and end when they are revoked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from actions.core.ports.ledger import Token
from actions.core.redaction import MASK, redact
from bot import tokens

NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Guessed:
    """Identifiers like real ones, and as awkward: the command line would take them for options."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        self._count += 1
        return f"-{self._count}" + "Zk3_" * 5


class Kept:
    def __init__(self) -> None:
        self.rows: dict[str, Token] = {}

    def add(self, token: Token, hashed: str) -> None:
        self.rows[hashed] = token

    def by_hash(self, hashed: str) -> Token | None:
        found = self.rows.get(hashed)
        return found if found and found.revoked_at is None else None

    def of(self, person: str | None = None) -> Sequence[Token]:
        return [token for token in self.rows.values() if person in {None, token.person}]

    def revoke(self, token_id: str, *, now: datetime) -> bool:
        for hashed, token in self.rows.items():
            if token.id == token_id and token.revoked_at is None:
                self.rows[hashed] = token.model_copy(update={"revoked_at": now})
                return True
        return False


def test_a_token_names_its_person_until_it_is_revoked() -> None:
    kept = Kept()
    token = tokens.issue(kept, "dana", label="laptop", ids=Guessed(), now=NOW)
    assert tokens.holder(kept, token) == "dana"
    assert kept.of("dana")[0].id.startswith("t-")
    kept.revoke(kept.of("dana")[0].id, now=NOW)
    with pytest.raises(tokens.UnknownToken, match="shipmate token create"):
        tokens.holder(kept, token)


def test_a_token_is_never_kept_and_never_logged() -> None:
    kept = Kept()
    token = tokens.issue(kept, "dana", label="", ids=Guessed(), now=NOW)
    assert token not in repr(kept.rows)
    assert redact(f"with {token}") == f"with {MASK}"


@pytest.mark.parametrize("token", ["", "shm_", "dana", "shm_" + "x" * 32])
def test_anything_else_is_nobody(token: str) -> None:
    with pytest.raises(tokens.UnknownToken):
        tokens.holder(Kept(), token)
