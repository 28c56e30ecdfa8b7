"""What an action would change, worked out by reading alone."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel, ConfigDict, JsonValue


class Change(BaseModel):
    """One thing that would be different afterwards."""

    model_config = ConfigDict(frozen=True)

    what: str
    before: str = ""
    after: str = ""


class Plan(BaseModel):
    """What would change, and what the outside looked like when that was worked out.

    Attributes:
        changes: what a person is shown before anything happens.
        target_state: the facts about the target on which the plan stands; if they drift, an approval is void.
        warnings: what a careful colleague would mention.
        links: label → address, for the card.
        second_person: why somebody else has to agree, where what was found calls for it; empty where only the rules decide.
        barred: people who may not be the ones to agree, since it is about what they did themselves.
    """

    model_config = ConfigDict(frozen=True)

    changes: tuple[Change, ...] = ()
    target_state: dict[str, JsonValue] = {}
    warnings: tuple[str, ...] = ()
    links: dict[str, str] = {}
    second_person: str = ""
    barred: tuple[str, ...] = ()


def seal(
    *,
    action: str,
    parameters: dict[str, JsonValue],
    requester: str,
    target_state: dict[str, JsonValue],
    policy_version: str,
) -> str:
    """The hash that an approval approves: SHA-256 over the canonical JSON of all it depends on."""
    sealed = [action, parameters, requester, target_state, policy_version]
    return hashlib.sha256(json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
