"""Personal tokens: made once, shown once, and kept only as a hash."""

from __future__ import annotations

from datetime import datetime

from actions.core.errors import Refused
from actions.core.ports.ledger import Token, Tokens
from actions.core.ports.surroundings import Ids
from actions.core.tokens import hashed

PREFIX = "shm_"
"""What a token begins with, so that scanners, and our own redaction, know one."""


class UnknownToken(Refused):
    """No token in force is this one."""

    def __init__(self) -> None:
        super().__init__(
            "This token is not known, or was revoked.",
            remedy="Make one with `shipmate token create NAME` and set SHIPMATE_TOKEN to it.",
        )


def issue(tokens: Tokens, person: str, *, label: str, ids: Ids, now: datetime) -> str:
    """Make a token and keep its hash.

    Args:
        tokens: where it is kept.
        person: whose it is.
        label: what it is for.
        ids: makes its public id, by which it is revoked, and its secret.
        now: the time.

    Returns:
        The token, which cannot be had again.
    """
    token = f"{PREFIX}{ids.new()}{ids.new()}"
    # Typed on a command line, so it must not begin like an option.
    tokens.add(Token(id=f"t{ids.new()[:10]}", person=person, label=label, created_at=now), hashed(token))
    return token


def holder(tokens: Tokens, token: str) -> str:
    """The person whose token this is.

    Raises:
        UnknownToken: nobody's.
    """
    found = tokens.by_hash(hashed(token)) if token.startswith(PREFIX) else None
    if found is None:
        raise UnknownToken
    return found.person
