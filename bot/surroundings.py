"""The real surroundings: the machine's clock, and ids by chance."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time, with zone UTC."""
        return datetime.now(UTC)


class RandomIds:
    """Identifiers from the system's source of randomness."""

    def new(self) -> str:
        """A fresh identifier of 128 bits, safe in an address."""
        # Hexadecimal: an id that began with a dash would be an option on the command line.
        return secrets.token_hex(16)
