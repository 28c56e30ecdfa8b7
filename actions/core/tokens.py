"""What is kept of a token: never the token itself."""

from __future__ import annotations

import hashlib


def hashed(token: str) -> str:
    """The hash by which a token is known again.

    A token holds at least 128 random bits, so a plain hash is enough: there is nothing to guess from.
    """
    return hashlib.sha256(token.encode()).hexdigest()
