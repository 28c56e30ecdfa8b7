"""A company whose GitLab tells Shipmate of what happens: the webhook's door, the listener, and days that pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from actions.analysis.categories import Category
from actions.core.ports.autonomy import Autonomy, Leave, Terrain
from actions.core.ports.packages import Packages
from actions.core.request import Request
from bot.hooks.events import Events
from bot.hooks.gitlab import Hook
from bot.testing import COMPANY, Bot
from playbooks.loader import load
from playbooks.playbook import Playbook
from tests.bot.test_failures import CI, MISSING, Index, prove

TOKEN = "a-webhook-token"
PROJECT = "shop/checkout"
TEAM = [{"name": "payments", "members": ["lena"], "slack_channel": "C0PAY"}, {"name": "discovery"}]


@cache
def _library() -> Mapping[str, Playbook]:
    """Shipmate's own playbooks, whose files are read once."""
    return load()


class Company:
    """A bot with its webhook's door and its listener.

    Args:
        playbooks: beside the library's, or in their place.
        more: sections of shipmate.yaml.
    """

    def __init__(self, playbooks: Mapping[str, Playbook] | None = None, **more: Any) -> None:
        self.playbooks = {**_library(), **(playbooks or {})}
        company = {**COMPANY, "teams": TEAM, **more}
        self.bot = Bot(company, outside={Packages: Index}, playbooks=lambda: self.playbooks)
        house = self.bot.house
        hook = Hook(TOKEN, house.passing.inbox, house.organization, house.clock)
        self.http = TestClient(Starlette(routes=[hook.route()]))
        self.events = Events(house)
        self._heard = 0

    def deliver(self, body: dict[str, Any], token: str = TOKEN) -> int:
        """GitLab delivers; the door's answer."""
        return self.http.post("/webhooks/gitlab", json=body, headers={"X-Gitlab-Token": token}).status_code

    def listen(self) -> None:
        """The listener handles what is in the inbox, and what the bus told of."""
        inbox = self.bot.house.passing.inbox
        for delivered in inbox.take("test", wait=0):
            handle = self.events.handlers().get(delivered.kind)
            if handle is not None:
                handle(delivered)
            inbox.done(delivered, "test")
        self.hear()

    def hear(self) -> None:
        """The listener hears which requests have changed."""
        announced = self.bot.passing.bus.announced
        while self._heard < len(announced):
            self._heard += 1
            self.events.draw(announced[self._heard - 1])

    def settle(self) -> None:
        """Let everything go on until nothing does."""
        for _ in range(5):
            self.bot.settle()
            self.hear()

    def finished(self) -> str:
        """The present, as GitLab writes it."""
        return self.bot.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC")

    def pipeline(
        self, status: str = "failed", *, author: str = "sam", pusher: str = "", ref: str = "main", trace: str = MISSING
    ) -> str:
        """A push breaks the build, or mends it; the number of its pipeline. GitLab tells of it and of who pushed."""
        files = {".gitlab-ci.yml": CI, "requirements.txt": "flask==3.0.0\n", "app.py": "import lantern\n"}
        made = self.bot.repositories.commit(PROJECT, ref, files, author=author)
        pipeline = self.bot.pipelines.add(PROJECT, status, ref=ref, trace=trace, sha=made.id)
        self.tell(pipeline.id, status, made.id, ref=ref, user=pusher or author)
        return pipeline.id

    def tell(self, number: str, status: str, sha: str, *, ref: str = "main", user: str = "sam", **more: object) -> None:
        """GitLab tells that a pipeline has ended."""
        facts = {"id": int(number), "ref": ref, "sha": sha, "tag": False, "source": "push", "status": status, **more}
        body = {
            "object_kind": "pipeline",
            "object_attributes": {**facts, "finished_at": self.finished()},
            "project": {"path_with_namespace": PROJECT},
            "user": {"username": user},
        }
        assert self.deliver(body) == 202
        self.listen()

    def push(self, *messages: str, after: str = "cafe", ref: str = "main") -> None:
        """GitLab tells of a push of commits with these messages."""
        body = {
            "object_kind": "push",
            "ref": f"refs/heads/{ref}",
            "after": after,
            "commits": [{"id": after, "message": message} for message in messages],
            "user_username": "erin",
            "project": {"path_with_namespace": PROJECT, "default_branch": "main"},
        }
        assert self.deliver(body) == 202
        self.listen()

    def merged_by_hand(self, number: str) -> None:
        """Somebody merges a merge request in GitLab, which tells of it."""
        merged = self.bot.repositories.merge(PROJECT, number, sha="")
        facts = {"iid": int(number), "action": "merge", "updated_at": self.finished(), "target_branch": merged.target}
        body = {
            "object_kind": "merge_request",
            "object_attributes": {**facts, "merge_commit_sha": merged.merge_sha},
            "project": {"path_with_namespace": PROJECT},
            "user": {"username": "lena"},
        }
        assert self.deliver(body) == 202
        self.listen()

    def retarget(self, number: str, branch: str) -> None:
        """Somebody has a merge request go into another branch, in GitLab."""
        known = self.bot.repositories.requests[PROJECT, number]
        self.bot.repositories.requests[PROJECT, number] = known.model_copy(update={"target": branch})

    def leave(self) -> Leave:
        """How far the playbook of missing packages may go on the default branch."""
        autonomy = self.bot.house.gate.tools.use(Autonomy)
        category = Category.DEPENDENCY_MISSING_PYTHON.value
        now = self.bot.clock.now()
        return autonomy.stands("pb-dep-001", category=category, terrain=Terrain.DEFAULT, now=now)

    def later(self, **time: float) -> None:
        """Days pass."""
        self.bot.clock.advance(timedelta(**time).total_seconds())

    def newest(self, action: str) -> Request:
        """The newest request of a verb."""
        from actions.core.ports.ledger import RequestQuery  # noqa: PLC0415 - read here alone

        found = self.bot.house.kept.ledger.find(RequestQuery(actions=(action,), limit=1))
        assert found, f"nobody asked for {action}"
        return found[0]

    def failure_and_proof(self, status: str = "success", **broken: str) -> Request:
        """A build breaks; Shipmate tries a fix, which proves itself or not."""
        self.pipeline(**broken)
        attempt = self.newest("fix_pipeline")
        self.bot.work()
        prove(self.bot, attempt.id, status)
        self.hear()
        return self.bot.request(attempt.id)

    def merged_and_green(self, who: str = "lena", status: str = "success") -> Request:
        """Somebody merges the newest fix, and its branch turns green, or not."""
        attempt = self.newest("fix_pipeline")
        merging = self.bot.ask(who, "merge_fix", request=attempt.id).request
        assert merging is not None
        self.bot.work()
        return self.ended(merging.id, status)

    def ended(self, merging: str, status: str = "success") -> Request:
        """The branch's pipeline after a merge ends."""
        sha = self.bot.repositories.branches[PROJECT, "main"]
        self.bot.pipelines.add(PROJECT, status, sha=sha)
        self.bot.settle()
        return self.bot.request(merging)

    def success(self, count: int = 1) -> None:
        """A fix that works, so many times, days apart."""
        for _ in range(count):
            self.failure_and_proof()
            self.merged_and_green()
            self.later(days=2)
