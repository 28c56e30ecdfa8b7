"""`POST /webhooks/gitlab`: GitLab's word of pipelines, merges and reverts, verified and stored before it is acknowledged."""

from __future__ import annotations

import hmac
import json
import logging
import re
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
KIND = "gitlab.event"
OLDEST = timedelta(hours=1)
"""What ended longer ago is old news, or a replay; it is acknowledged and left."""
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,64})")
_REVERTS_REQUEST = re.compile(r"This reverts merge request ([\w./-]{0,200})!(\d{1,10})")
"""How git, and GitLab's own button, say in a message what a commit takes back."""
_ENDS = {"merge": "merge_request.merged", "close": "merge_request.closed"}
NAMES = {"failed": "pipeline.failed", "success": "pipeline.succeeded", "canceled": "pipeline.canceled"}
_SHORT = 200
_VOUCHED = ("project", "pipeline", "merge_request", "tag")
"""The facts that are numbers, or names out of our own configuration; the rest is text that people or programs wrote."""


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
        event = translate(payload, self._services, self._clock.now()) if isinstance(payload, dict) else None
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


def translate(payload: Mapping[str, Any], services: Mapping[str, str], now: datetime) -> Event | None:
    """What a delivery says, in our own words; None where it is about nothing that is of interest.

    The id is made of what happened, so that a delivery that is repeated, under whatever number, is the same event.

    Args:
        payload: GitLab's own.
        services: GitLab project → the service that it builds.
        now: the time; a push does not say when it was made.
    """
    project = payload.get("project")
    path = _text(project.get("path_with_namespace")) if isinstance(project, dict) else ""
    if path not in services:
        return None
    match payload.get("object_kind"):
        case "pipeline":
            return _pipeline(payload, path, services[path])
        case "push":
            return _revert(payload, path, services[path], now)
        case "merge_request":
            return _merge_request(payload, path, services[path])
        case _:
            return None


def _pipeline(payload: Mapping[str, Any], path: str, service: str) -> Event | None:
    facts = payload.get("object_attributes")
    if not isinstance(facts, dict):
        return None
    number, status = facts.get("id"), _text(facts.get("status"))
    at = _instant(facts.get("finished_at"))
    if status not in NAMES or not isinstance(number, int) or at is None or _is_of_fork(payload):
        return None
    user = payload.get("user")
    return Event(
        id=f"gitlab/{path}/{number}/{status}/{int(at.timestamp())}",
        name=NAMES[status],
        at=at,
        service=service,
        vouched=_VOUCHED,
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


def _is_of_fork(payload: Mapping[str, Any]) -> bool:
    """Whether a pipeline ran what stands in another project: its branch's name says nothing of ours, whatever it is."""
    asked = payload.get("merge_request")
    return isinstance(asked, dict) and asked.get("source_project_id") != asked.get("target_project_id")


def _revert(payload: Mapping[str, Any], path: str, service: str, now: datetime) -> Event | None:
    """A push to a branch that takes something back, by what its commits' messages say."""
    ref, after, commits = _text(payload.get("ref")), _text(payload.get("after")), payload.get("commits")
    if not ref.startswith("refs/heads/") or not after or not isinstance(commits, list):
        return None
    messages = [str(each.get("message", ""))[:2000] for each in commits[:100] if isinstance(each, dict)]
    shas = [sha for message in messages for sha in _REVERTS.findall(message)]
    named = [each for message in messages for each in _REVERTS_REQUEST.findall(message)]
    # Another project's merge request may have the same number.
    numbers = [number for where, number in named if f"/{path}".endswith(f"/{where}" if where else "")]
    if not shas and not numbers:
        return None
    return Event(
        id=f"gitlab/{path}/push/{after}",
        name="commit.reverted",
        at=now,
        service=service,
        vouched=_VOUCHED,
        facts={
            "project": path,
            "ref": ref.removeprefix("refs/heads/"),
            "sha": after,
            "commits": shas[:20],
            "merge_requests": numbers[:20],
            "user": _text(payload.get("user_username")),
        },
    )


def _merge_request(payload: Mapping[str, Any], path: str, service: str) -> Event | None:
    """A merge request that was merged or closed."""
    facts, user = payload.get("object_attributes"), payload.get("user")
    if not isinstance(facts, dict):
        return None
    number, action, at = facts.get("iid"), _text(facts.get("action")), _instant(facts.get("updated_at"))
    if action not in _ENDS or not isinstance(number, int) or at is None:
        return None
    return Event(
        id=f"gitlab/{path}/!{number}/{action}/{int(at.timestamp())}",
        name=_ENDS[action],
        at=at,
        service=service,
        vouched=_VOUCHED,
        facts={
            "project": path,
            "merge_request": str(number),
            "ref": _text(facts.get("target_branch")),
            "source": _text(facts.get("source_branch")),
            "sha": _text(facts.get("merge_commit_sha")),
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
