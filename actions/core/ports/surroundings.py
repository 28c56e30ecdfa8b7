"""Ports to time, chance and identity, so that tests decide them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time, with zone UTC."""


class Ids(Protocol):
    """Makes identifiers nobody can guess."""

    def new(self) -> str:
        """A fresh identifier of at least 96 bits, safe in an address."""
