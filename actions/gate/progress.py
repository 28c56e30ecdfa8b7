"""How the progress that an operation reports becomes the next snapshot of its request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from actions.core.action import Ended, Ongoing, Progress
from actions.core.deployment import Deployment
from actions.core.request import Request, State


def recorded(request: Request, progress: Progress, now: datetime) -> tuple[Request, Deployment | None]:
    """The request after a report, and the deployment that ended with it, if one did."""
    released: dict[str, Any] = {"lease_owner": None, "lease_until": None}
    match progress:
        case Ongoing():
            update = {
                "state": State.WAITING,
                "handle": progress.handle,
                "steps": progress.steps or request.steps,
                "next_poll_at": now + timedelta(seconds=progress.poll_after),
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
