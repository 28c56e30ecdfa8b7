"""`POST /webhooks/gitlab`: GitLab's word that a pipeline has ended, verified and stored before it is acknowledged."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from actions.core.errors import Unreachable
from actions.core.event import Event
from actions.core.organization import Organization
from actions.core.ports.messaging import Inbox
from actions.core.ports.surroundings import Clock
from bot.web.limits import Threads

log = logging.getLogger("shipmate.gitlab")

PATH = "/webhooks/gitlab"
KIND = "gitlab.pipeline"
OLDEST = timedelta(hours=1)
"""What ended longer ago is old news, or a replay; it is acknowledged and left."""
NAMES = {"failed": "pipeline.failed", "success": "pipeline.succeeded", "canceled": "pipeline.canceled"}
_SHORT = 200


class Hook:
    """The endpoint.

    Args:
        secret: the token that GitLab sends with each delivery.
        inbox: where deliveries are stored.
        organization: the configuration, to know whose project it is.
        clock: the time.
    """

    def __init__(self, secret: str, inbox: Inbox, organization: Organization, clock: Clock) -> None:
        self._secret = secret.encode()
        self._inbox = inbox
        self._services = {
            service.gitlab.project: service.name for service in organization.services if service.gitlab is not None
        }
        self._clock = clock
        self._threads = Threads()

    def route(self) -> Route:
        """Where it is served; bodies are bounded by the web process for all alike."""
        return Route(PATH, self.take, methods=["POST"])

    async def take(self, request: Request) -> Response:
        """Verify, store, acknowledge."""
        given = request.headers.get("x-gitlab-token", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._secret):
            log.warning("a delivery to %s did not carry GitLab's token; it was refused", PATH)
            return JSONResponse({"error": "the token is not GitLab's"}, 401)
        try:
            payload = json.loads(await request.body())
        except ValueError:
            return JSONResponse({"error": "the body is not JSON"}, 400)
        event = translate(payload, self._services) if isinstance(payload, dict) else None
        if event is None:
            return JSONResponse({"taken": False, "why": "nothing is done about events of this kind"}, 202)
        if not -OLDEST < self._clock.now() - event.at < OLDEST:
            return JSONResponse({"taken": False, "why": "it is too long ago"}, 202)
        try:
            new = await self._threads.call(self._store, event)
        except Unreachable as error:
            log.warning("a delivery of GitLab's was not taken in: %s", error)
            return JSONResponse({"error": "it could not be stored; deliver it again"}, 503)
        return JSONResponse({"taken": new, "event": event.id}, 202)

    def _store(self, event: Event) -> bool:
        order = f"gitlab/{event.facts.get('project')}"
        return self._inbox.put(
            key=event.id, order=order, kind=KIND, body=event.model_dump(mode="json"), at=self._clock.now()
        )


def translate(payload: Mapping[str, Any], services: Mapping[str, str]) -> Event | None:
    """What a pipeline event says, in our own words; None where it is about nothing that is of interest.

    The id is made of what happened, so that a delivery that is repeated, under whatever number, is the same event.

    Args:
        payload: GitLab's own.
        services: GitLab project → the service that it builds.
    """
    if payload.get("object_kind") != "pipeline":
        return None
    facts, project = payload.get("object_attributes"), payload.get("project")
    if not isinstance(facts, dict) or not isinstance(project, dict):
        return None
    path, number, status = _text(project.get("path_with_namespace")), facts.get("id"), _text(facts.get("status"))
    at = _instant(facts.get("finished_at"))
    if status not in NAMES or not isinstance(number, int) or at is None or path not in services:
        return None
    user = payload.get("user")
    return Event(
        id=f"gitlab/{path}/{number}/{status}/{int(at.timestamp())}",
        name=NAMES[status],
        at=at,
        service=services[path],
        facts={
            "project": path,
            "pipeline": str(number),
            "ref": _text(facts.get("ref")),
            "sha": _text(facts.get("sha")),
            "tag": facts.get("tag") is True,
            "source": _text(facts.get("source")),
            "url": _text(facts.get("url")),
            "user": _text(user.get("username")) if isinstance(user, dict) else "",
        },
    )


def _text(value: object) -> str:
    return value[:_SHORT] if isinstance(value, str) else ""


def _instant(value: object) -> datetime | None:
    """A time as GitLab writes it, in either of its two ways."""
    text = _text(value)
    for form in ("%Y-%m-%d %H:%M:%S %Z", "%Y-%m-%d %H:%M:%S %z"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
