"""What people thought of how they were understood: the port of its store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, JsonValue

Label = dict[str, JsonValue]
"""What a message meant, in the form of an evaluation item: outcome, action, params, missing."""


class Opinion(BaseModel):
    """What somebody thought of how a message was understood; redacted.

    Attributes:
        verdict: "up" and "down" are thumbs, or "that is wrong" in words; "corrected" where they said what they meant.
        about: the request that came of the message, or whatever tells it apart from others.
        thread: the turns before the message, oldest first, each with `say` and `did`.
        say: the message.
        did: what it was taken for.
        expect: what it means; None where that is not known.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    person: str
    verdict: Literal["up", "down", "corrected"]
    about: str
    thread: tuple[Label, ...] = ()
    say: str
    did: Label
    expect: Label | None = None


class Opinions(Protocol):
    """Everybody's opinions. Every method raises `Unreachable` where the database does not answer."""

    def keep(self, opinion: Opinion) -> None:
        """Record an opinion in place of the same person's about the same; what was meant is not forgotten by a thumb."""

    def since(self, when: datetime) -> Sequence[Opinion]:
        """The opinions since then, oldest first."""
