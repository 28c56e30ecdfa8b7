"""Port to how far a playbook may go by itself, which it earns by outcomes that were verified."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
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
    """It does everything, and asks for one person's approval before it merges."""
    AUTO = "auto"
    """It merges what is proven, where the configuration gives it the role for that."""


class Terrain(StrEnum):
    """The environment in which a fix takes effect; trust earned in one holds nothing in the other."""

    DEFAULT = "default branch"
    """The project's default branch, from which releases are made."""
    OTHER = "other branches"


class Leave(BaseModel):
    """How far a playbook may go now.

    Attributes:
        why: what it has earned the stage by, in a sentence.
        may_protected: whether what it merges by itself may go to a protected branch.
        stop: why it has to stop for now, whatever the stage; empty where it need not.
        kind: the same in a word.
        told: the request in which people were told of this stop already; empty where they were not.
    """

    model_config = ConfigDict(frozen=True)

    stage: Stage = Stage.PROPOSE
    why: str = ""
    may_protected: bool = False
    stop: str = ""
    kind: str = ""
    told: str = ""


class PlaybookRecord(BaseModel):
    """What a playbook has done in a time, as the ledger has it.

    Attributes:
        attempts: how often it tried.
        verified: how many of these were seen to have worked.
        failed: how many were seen not to have: not proven, discarded, denied, red after the merge, reverted, or back.
        seconds_to_green: the median time from the failure to green by a verified fix; None where there is none.
        seconds_saved: by how much that was faster than people had been with the same failure before.
        compared: for how many of the verified a past was known to compare with.
    """

    model_config = ConfigDict(frozen=True)

    playbook: str
    attempts: int = 0
    verified: int = 0
    failed: int = 0
    seconds_to_green: float | None = None
    seconds_saved: float = 0.0
    compared: int = 0

    @property
    def rate(self) -> float | None:
        """The share of the judged attempts that worked; None where none is judged yet."""
        judged = self.verified + self.failed
        return self.verified / judged if judged else None

    @property
    def saved(self) -> timedelta:
        """The time saved, to the second."""
        return timedelta(seconds=round(self.seconds_saved))


class Autonomy(Protocol):
    """Knows how far each playbook may go, and what it has done."""

    def leave(
        self,
        playbook: str,
        *,
        category: str,
        terrain: Terrain,
        fingerprint: str,
        service: str,
        project: str,
        sha: str,
        now: datetime,
    ) -> Leave:
        """How far a playbook may go with a failure.

        Args:
            playbook: its name, such as "pb-dep-001".
            category: the kind of failure, which the stage is earned for.
            terrain: where a fix would take effect, which the stage is earned for.
            fingerprint: which failure; one that comes back soon stops the loop.
            service: whose pipeline failed.
            sha: the commit that failed; one of Shipmate's own fixes stops the loop.
            project: where; too many fixes an hour in one stop the loop.
            now: the time.
        """

    def stands(self, playbook: str, *, category: str, terrain: Terrain, now: datetime) -> Leave:
        """The stage that a playbook has with a kind of failure, whatever stops it at the moment."""

    def records(self, *, since: datetime | None, now: datetime) -> Sequence[PlaybookRecord]:
        """What each playbook has done since a time, those with the most attempts first."""
