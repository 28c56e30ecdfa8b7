"""What language models were used for, and what that came to: the port of its store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from actions.core.ports.language import Tokens

Grouping = Literal["day", "person", "purpose", "model", "cause"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Use(_Record):
    """One answer of a language model.

    Attributes:
        person: for whom.
        purpose: what for, such as "understanding".
        cause: what made it necessary, as requests name it; so what a request took can be summed up.
        tokens: what it took.
        cost: in millionths of the configured currency; None where the model has no price.
    """

    at: datetime
    person: str
    purpose: str
    model: str
    cause: str
    tokens: Tokens
    cost: int | None = None


class Spent(_Record):
    """What several answers came to.

    Attributes:
        key: what they have in common, such as the person.
        answers: how many they were.
        cost: in millionths of the configured currency.
    """

    key: str = ""
    answers: int = 0
    tokens: Tokens = Tokens()
    cost: int = 0


class Uses(Protocol):
    """Every use of a language model. Every method raises `Unreachable` where the database does not answer."""

    def add(self, use: Use) -> None:
        """Record a use."""

    def spent(self, day: date, person: str | None = None) -> Spent:
        """What a day came to, in UTC: a person's, or everybody's."""

    def summed(self, by: Grouping, *, since: datetime) -> Sequence[Spent]:
        """What was used since then, by one of its attributes; the dearest first, days in order."""

    def claim(self, day: date, whom: str, what: str) -> bool:
        """Be the first to tell somebody something on a day; False where they were told."""
