"""A deployment: a version brought to an environment, or the attempt, as the ledger keeps it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Deployment(BaseModel):
    """One deployment, finished.

    Attributes:
        request: the request that caused it.
        action: the verb that caused it: deploy, rollback or promote.
        version: the version that was brought.
        previous: the version that ran before; empty where none was known.
        running: the version that runs now that it has ended.
        healthy: whether the version proved healthy there.
        outcome: in a word or three how it ended.
        strategy: the rollout's strategy.
        by: who asked.
        commit: the commit that asked the cluster for it, and its address.
        application_url: where the application can be looked at.
    """

    model_config = ConfigDict(frozen=True)

    request: str
    action: str
    service: str
    environment: str
    version: str
    previous: str = ""
    running: str = ""
    healthy: bool
    outcome: str
    strategy: str = "rolling"
    by: str
    started_at: datetime
    finished_at: datetime
    commit: str = ""
    commit_url: str = ""
    application_url: str = ""
