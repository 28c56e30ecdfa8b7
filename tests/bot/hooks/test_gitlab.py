"""GitLab's webhook: what is taken in, what is refused, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from actions.core.ports.packages import Packages
from actions.core.request import State
from bot.hooks.events import Events
from bot.hooks.gitlab import Hook, translate
from bot.testing import COMPANY, Bot
from tests.bot.test_failures import CI, MISSING, OWN, Index, prove, words

TOKEN = "a-webhook-token"
SERVICES = {"shop/checkout": "checkout"}


def payload(
    number: int = 811, status: str = "failed", finished: str = "2026-11-20 08:59:50 UTC", **more: Any
) -> dict[str, Any]:
    facts = {"id": number, "ref": "main", "sha": "9f3c", "tag": False, "source": "push", "status": status, **more}
    return {
        "object_kind": "pipeline",
        "object_attributes": {**facts, "finished_at": finished},
        "project": {"path_with_namespace": "shop/checkout"},
        "user": {"username": "sam"},
    }


class Company:
    """A bot with its webhook's door and its listener."""

    def __init__(self, **more: Any) -> None:
        self.bot = Bot({**COMPANY, **more}, outside={Packages: Index})
        house = self.bot.house
        hook = Hook(TOKEN, house.passing.inbox, house.organization, house.clock)
        self.http = TestClient(Starlette(routes=[hook.route()]))
        self.events = Events(house)

    def deliver(self, body: dict[str, Any], token: str = TOKEN) -> int:
        return self.http.post("/webhooks/gitlab", json=body, headers={"X-Gitlab-Token": token}).status_code

    def listen(self) -> None:
        inbox = self.bot.house.passing.inbox
        for delivered in inbox.take("test", wait=0):
            self.events.happened(delivered)
            inbox.done(delivered, "test")

    def requests(self) -> list[str]:
        return [request.id for request in self.bot.open()]


@pytest.fixture
def company() -> Company:
    found = Company()
    files = {".gitlab-ci.yml": CI, "requirements.txt": "flask==3.0.0\n", "app.py": "import lantern\n"}
    made = found.bot.repositories.commit("shop/checkout", "main", files, author="sam")
    found.bot.pipelines.add("shop/checkout", "failed", trace=MISSING, sha=made.id)
    return found


def test_a_failed_pipeline_is_looked_after_by_a_playbook_and_proven(company: Company) -> None:
    assert company.deliver(payload()) == 202
    company.listen()
    request = company.bot.request("R-1")
    assert request.requester.name == "playbook:pipeline-failed"
    assert request.requester.on_behalf_of == "sam", "who pushed it, whom the configuration knows"
    prove(company.bot, "R-1")
    card = company.bot.card("R-1")
    assert "A proven fix for pipeline #811" in card.title
    assert [button.label for button in card.buttons] == ["Merge", "Discard"]


def test_its_owners_channel_is_told() -> None:
    company = Company()
    found = company.bot.house.playing.place(translate(payload(), SERVICES, company.bot.clock.now()))  # type: ignore[arg-type]
    assert found.surface == "api", "payments has no channel in this company"


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_a_forged_delivery_is_refused(company: Company, token: str) -> None:
    assert company.deliver(payload(), token) == 401
    company.listen()
    assert not company.requests()


def test_a_delivery_that_is_repeated_is_one(company: Company) -> None:
    for _ in range(3):
        company.deliver(payload())
    company.listen()
    company.deliver(payload())
    company.listen()
    assert company.requests() == ["R-1"]


def test_old_news_is_left(company: Company) -> None:
    assert company.deliver(payload(finished="2026-11-19 08:00:00 UTC")) == 202
    company.listen()
    assert not company.requests()


def test_a_success_that_overtook_the_failure_is_seen_before_anything_is_done(company: Company) -> None:
    company.bot.pipelines.finish("shop/checkout", "811", "success")
    company.deliver(payload(status="success", finished="2026-11-20 08:59:55 UTC"))
    company.deliver(payload())
    company.listen()
    company.bot.settle()
    assert company.bot.request("R-1").state is State.REFUSED
    assert not company.bot.repositories.requests


@pytest.mark.parametrize(
    "more", [{"ref": "shipmate/fix-811-r-1"}, {"tag": True}], ids=["an attempt of our own", "a tag"]
)
def test_what_nobody_is_woken_by(company: Company, more: dict[str, Any]) -> None:
    company.deliver(payload(**more))
    company.listen()
    assert not company.requests()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"object_kind": "push"},
        {"object_kind": "pipeline", "object_attributes": [], "project": {}},
        payload(status="running"),
        payload(finished="yesterday"),
        {**payload(), "project": {"path_with_namespace": "other/project"}},
        {**payload(), "merge_request": {"source_project_id": 9, "target_project_id": 1}},
    ],
)
def test_what_is_of_no_interest_is_acknowledged(company: Company, body: dict[str, Any]) -> None:
    assert company.deliver(body) == 202
    company.listen()
    assert not company.requests()


def test_a_body_that_is_no_json_is_refused(company: Company) -> None:
    answer = company.http.post("/webhooks/gitlab", content=b"{", headers={"X-Gitlab-Token": TOKEN})
    assert answer.status_code == 400


def test_two_failures_at_once_are_each_looked_after(company: Company) -> None:
    company.bot.pipelines.add("shop/checkout", "failed", trace=OWN)
    company.deliver(payload())
    company.deliver(payload(number=812))
    company.listen()
    prove(company.bot, "R-1")
    company.bot.settle()
    assert company.bot.request("R-1").outcome == "proposed"
    assert company.bot.request("R-2").outcome == "left alone"
    assert "No playbook mends this" in words(company.bot.card("R-2"))


def test_the_same_failure_again_is_left_while_its_fix_is_open(company: Company) -> None:
    company.deliver(payload())
    company.listen()
    prove(company.bot, "R-1")
    sha = company.bot.pipelines.get("shop/checkout", "811").sha
    company.bot.pipelines.add("shop/checkout", "failed", trace=MISSING, sha=sha)
    company.deliver(payload(number=813, finished="2026-11-20 09:01:00 UTC"))
    company.listen()
    company.bot.settle()
    assert "R-1 is about the same failure already" in company.bot.card("R-2").title


def test_who_set_it_going_is_told_in_their_own_thread(company: Company) -> None:
    company.bot.ask("sam", "retry_pipeline", thread="sams", service="checkout", pipeline="811")
    company.bot.work()
    company.bot.pipelines.finish("shop/checkout", "811", "failed")
    company.deliver(payload())
    company.listen()
    assert company.bot.request("R-2").place.thread == "sams"


def test_a_flood_of_one_services_failures_leaves_the_playbooks_free_for_the_others() -> None:
    flooded = Company(limits={"changes_per_minute": 2})
    for number in (811, 812, 813):
        flooded.bot.pipelines.add("shop/checkout", "failed", trace=MISSING)
        flooded.deliver(payload(number=number))
    flooded.bot.pipelines.add("shop/catalog", "failed", trace=MISSING)
    flooded.deliver({**payload(number=814), "project": {"path_with_namespace": "shop/catalog"}})
    flooded.listen()
    states = {each: flooded.bot.request(each) for each in ("R-1", "R-2", "R-3", "R-4")}
    assert [each.state is State.REFUSED for each in states.values()] == [False, False, True, False]
    assert states["R-4"].service == "catalog"
    assert "2 changes a minute for one machine and checkout" in states["R-3"].message
