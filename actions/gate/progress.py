"""How the progress that an operation reports becomes the next snapshot of its request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from actions.core.action import Ended, Ongoing, Progress
from actions.core.deployment import Deployment
from actions.core.reply import StepState
from actions.core.request import Request, State

SOONEST, LATEST = timedelta(seconds=1), timedelta(seconds=10)
SHARE = 0.05
"""An operation is looked at again after this share of the time that its present step has taken: what ends is noticed at most
so much late, and a long one is asked about some dozens of times and not once a second."""


def _pause(progress: Ongoing, request: Request, now: datetime) -> timedelta:
    if progress.poll_after is not None:
        return timedelta(seconds=progress.poll_after)
    running = [step.started_at for step in progress.steps or request.steps if step.state is StepState.RUNNING]
    begun = max((at for at in running if at is not None), default=now)
    return min(max((now - begun) * SHARE, SOONEST), LATEST)


def recorded(request: Request, progress: Progress, now: datetime) -> tuple[Request, Deployment | None]:
    """The request after a report, and the deployment that ended with it, if one did."""
    released: dict[str, Any] = {"lease_owner": None, "lease_until": None}
    match progress:
        case Ongoing():
            update = {
                "state": State.WAITING,
                "handle": progress.handle,
                "steps": progress.steps or request.steps,
                "next_poll_at": now + _pause(progress, request, now),
                "outcome": "",
                "message": "",
                "remedy": "",
            }
            return request.model_copy(update={**update, **released}), None
        case Ended():
            result = progress.result
            update = {
                "state": State(progress.state),
                "outcome": progress.outcome,
                "message": progress.message,
                "remedy": progress.remedy,
                "result": result.model_dump(mode="json") if isinstance(result, BaseModel) else result,
                "steps": progress.steps or request.steps,
                "next_poll_at": None,
                "finished_at": now,
            }
            deployment = result if isinstance(result, Deployment) else None
            return request.model_copy(update={**update, **released}), deployment
