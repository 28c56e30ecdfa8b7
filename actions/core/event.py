"""What happened outside, in our own words: the cause of playbooks and cards."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue


class Event(BaseModel):
    """Something that happened, translated by the hook that took it in.

    Attributes:
        id: unique for what happened, whoever delivers it and how often.
        name: dotted, such as "pipeline.failed".
        at: when it happened.
        service: the service it concerns, where one is known.
        facts: the rest, by the names that rules and playbooks use.
        vouched: the facts that the hook answers for: numbers, and names out of our own configuration. Everything else is
            text that others wrote, and counts as quoted.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    at: datetime
    service: str | None = None
    facts: dict[str, JsonValue] = {}
    vouched: tuple[str, ...] = ()
