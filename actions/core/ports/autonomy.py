"""Port to how far a playbook may go by itself, which it earns by outcomes that were verified."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class Stage(StrEnum):
    """What a playbook does by itself, from the least to the most."""

    SHADOW = "shadow"
    """It says what it would do."""
    PROPOSE = "propose"
    """It proves a fix on a branch and proposes it; a person merges."""
    APPROVE = "approve"
    """As above; and it asks its owners for the merge by name."""
    AUTO = "auto"
    """It merges what is proven, where the configuration gives it the role for that."""


class Leave(BaseModel):
    """How far a playbook may go now.

    Attributes:
        why: what it has earned the stage by, in a sentence.
        stop: why it has to stop for now, whatever the stage; empty where it need not.
    """

    model_config = ConfigDict(frozen=True)

    stage: Stage = Stage.PROPOSE
    why: str = ""
    stop: str = ""


class Autonomy(Protocol):
    """Knows how far each playbook may go."""

    def leave(self, playbook: str, *, category: str, fingerprint: str, project: str, sha: str, now: datetime) -> Leave:
        """How far a playbook may go with a failure.

        Args:
            playbook: its name, such as "pb-dep-001".
            category: the kind of failure, which the stage is earned for.
            fingerprint: which failure; one that comes back soon stops the loop.
            sha: the commit that failed; one of Shipmate's own fixes stops the loop.
            project: where; too many fixes an hour in one stop the loop.
            now: the time.
        """
