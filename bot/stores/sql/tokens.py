"""Personal tokens, by their hashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, insert, select, update

from actions.core.ports.ledger import Token
from bot.stores.sql.chain import Event, Head
from bot.stores.sql.database import Database
from bot.stores.sql.schema import tokens

_known = select(tokens.c.id, tokens.c.person, tokens.c.label, tokens.c.created_at, tokens.c.revoked_at)


class SqlTokens:
    """Personal tokens; making and ending one is written into the audit trail.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, token: Token, hashed: str) -> None:
        """Record a token by its hash."""
        with self._database.write() as connection:
            head = Head(connection)
            connection.execute(insert(tokens), token.model_dump() | {"hashed": hashed})
            head.append([_event(token, "token created")], now=token.created_at)

    def by_hash(self, hashed: str) -> Token | None:
        """The token of this hash, unless it was revoked."""
        found = self._select(_known.where(tokens.c.hashed == hashed, tokens.c.revoked_at.is_(None)))
        return found[0] if found else None

    def of(self, person: str | None = None) -> Sequence[Token]:
        """The tokens of a person, or of everybody, oldest first."""
        query = _known.order_by(tokens.c.created_at, tokens.c.id)
        return self._select(query if person is None else query.where(tokens.c.person == person))

    def revoke(self, token_id: str, *, now: datetime) -> bool:
        """End a token; False where there is none in force."""
        standing = (tokens.c.id == token_id) & tokens.c.revoked_at.is_(None)
        with self._database.write() as connection:
            head = Head(connection)
            ended = update(tokens).where(standing).values(revoked_at=now).returning(*_known.selected_columns)
            row = connection.execute(ended).mappings().first()
            if row is None:
                return False
            head.append([_event(Token.model_validate(dict(row)), "token revoked")], now=now)
        return True

    def _select(self, query: Select[tuple[str, str, str, datetime, datetime | None]]) -> list[Token]:
        with self._database.read() as connection:
            return [Token.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def _event(token: Token, event: str) -> Event:
    detail = {"token": token.id, "label": token.label}
    return Event(actor=token.person, action="token", request="", event=event, detail=dict(detail))
