"""Notices what a push, an API commit or a merge moved, and does what GitLab does then: pipelines and webhooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bot.sandbox.documents import Json
from bot.sandbox.gitlab import payloads
from bot.sandbox.gitlab.pipelines import Pipelines
from bot.sandbox.gitlab.site import Events, Site

NOTHING = "0" * 40


class Pushes:
    """The one place that looks for moved refs, whichever way they were moved."""

    def __init__(self, site: Site, pipelines: Pipelines, events: Events) -> None:
        self._site = site
        self._pipelines = pipelines
        self._events = events

    @contextmanager
    def watch(self, project: Json, user_id: int) -> Iterator[None]:
        """Compare the refs before and after the body and act on what moved."""
        repository = self._site.repository(project)
        before = repository.refs()
        yield
        after = repository.refs()
        for name in sorted({*before, *after}):
            old, new = before.get(name, NOTHING), after.get(name, NOTHING)
            if old != new:
                self._moved(project, name, old, new, user_id)

    def _moved(self, project: Json, name: str, old: str, new: str, user_id: int) -> None:
        tag = name.startswith("refs/tags/")
        kind = "tag_push" if tag else "push"
        described = partial(payloads.push, self._site, project, name, before=old, after=new, user_id=user_id)
        self._events.publish(project, kind, described)
        if new == NOTHING:
            return
        if not tag:
            self._refresh_merge_requests(project, name.removeprefix("refs/heads/"), new)
        self._pipelines.create(project, name.split("/", 2)[2], new, user_id, "push", tag=tag, before=old)

    def _refresh_merge_requests(self, project: Json, branch: str, sha: str) -> None:
        for request in self._site.documents.all("gitlab_merge_request"):
            if (
                request["project_id"] == project["id"]
                and request["source_branch"] == branch
                and request["state"] == "opened"
            ):
                request |= {"sha": sha, "updated_at": self._site.now, "approved_by": []}
                self._site.documents.put("gitlab_merge_request", request["id"], request)
