"""How well changes are delivered, by the measures of DORA, from the deployments that the ledger knows.

The measures are those of Forsgren, Humble and Kim, "Accelerate" (2018), as far as deployments alone can tell them:
deployment frequency, change failure rate, and time to restore service. Lead time needs commits and is not told here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from pydantic import BaseModel, ConfigDict

from actions.core.deployment import Deployment


class Delivery(BaseModel):
    """The measures over a time.

    Attributes:
        deployments: how many were attempted, rollbacks included.
        per_day: how many succeeded a day.
        failed: how many did not prove healthy.
        failure_rate: the share of attempts, rollbacks left out, that did not prove healthy; None where there were none.
        rollbacks: how many rollbacks people asked for.
        restore_seconds: the median time from a failed deployment's end to the next healthy one in the same place; None where
            none was followed by one. A failure that rolled itself back was restored when it ended.
        busiest: the services most often deployed, with how often, most first.
    """

    model_config = ConfigDict(frozen=True)

    deployments: int
    per_day: float
    failed: int
    failure_rate: float | None
    rollbacks: int
    restore_seconds: float | None
    busiest: tuple[tuple[str, int], ...]


def delivery(deployments: Sequence[Deployment], *, since: datetime, until: datetime) -> Delivery:
    """The measures over a time.

    Args:
        deployments: those that ended in it, in any order.
        since: when it began.
        until: when it ended.
    """
    ordered = sorted((d for d in deployments if since <= d.finished_at <= until), key=lambda d: d.finished_at)
    changes = [d for d in ordered if d.action != "rollback"]
    failed = [d for d in changes if not d.healthy]
    days = max((until - since) / timedelta(days=1), 1 / 24)
    restored = [found for d in failed if (found := _restored_after(d, ordered)) is not None]
    return Delivery(
        deployments=len(ordered),
        per_day=sum(d.healthy for d in ordered) / days,
        failed=len(failed),
        failure_rate=len(failed) / len(changes) if changes else None,
        rollbacks=len(ordered) - len(changes),
        restore_seconds=median(restored) if restored else None,
        busiest=tuple(Counter(d.service for d in ordered).most_common(3)),
    )


def _restored_after(failed: Deployment, ordered: Sequence[Deployment]) -> float | None:
    if failed.outcome == "rolled back":
        return (failed.finished_at - failed.started_at).total_seconds()
    place = (failed.service, failed.environment)
    for later in ordered:
        if later.healthy and later.finished_at > failed.finished_at and (later.service, later.environment) == place:
            return (later.finished_at - failed.finished_at).total_seconds()
    return None
