"""The one-time page: a value goes to GitLab and nowhere else."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from actions.core.errors import Rejected
from actions.core.ports.variables import ValuePages, Variables
from actions.core.request import State
from bot.assembly import WebPages
from bot.conversation import Answer
from bot.stores.sql.schema import audit, offers, requests, transitions
from bot.testing import Bot
from bot.web.variables import VariablePage

VALUE = "s3cr3t-value-of-payments"


class Kept:
    """GitLab's variables."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def exists(self, project: str, name: str) -> bool:
        return name in self.values

    def create(self, project: str, name: str, value: str) -> None:
        if name in self.values or len(value) < 8:
            raise Rejected("GitLab", f"GitLab would not set {name}.")
        self.values[name] = value


class Company:
    """A bot with its web page."""

    def __init__(self) -> None:
        self.kept = Kept()
        tokens = iter(f"token-{number}" for number in range(9))
        pages = WebPages("https://shipmate.example", lambda: next(tokens))
        self.bot = Bot(outside={Variables: lambda: self.kept, ValuePages: lambda: pages})
        house = self.bot.house
        page = VariablePage(house.kept.ledger, house.gate.tools, house.clock)
        self.http = TestClient(Starlette(routes=[page.route()]), base_url="https://shipmate.example")

    def opened(self) -> tuple[Answer, str]:
        answer = self.bot.ask("sam", "set_variable", service="checkout", variable="PAYMENT_TOKEN")
        self.bot.work()
        return answer, self.bot.request(answer).steps[0].url


@pytest.fixture
def company() -> Company:
    return Company()


def test_a_value_is_given_once_and_kept_nowhere(company: Company) -> None:
    answer, url = company.opened()
    shown = company.http.get(url)
    assert "Value of <code>PAYMENT_TOKEN</code>" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert company.http.post(url, data={"value": VALUE}).status_code == 200
    assert company.kept.values == {"PAYMENT_TOKEN": VALUE}
    company.bot.settle()
    request = company.bot.request(answer)
    assert (request.state, request.outcome) == (State.DONE, "set")
    assert VALUE not in request.model_dump_json()
    assert company.bot.card(answer).title == "PAYMENT_TOKEN of checkout is set, masked"
    assert company.http.get(url).status_code == 404


def test_nothing_of_the_value_is_in_the_audit_trail_which_says_who_set_which_name(company: Company) -> None:
    _, url = company.opened()
    company.http.post(url, data={"value": VALUE})
    company.bot.settle()
    with company.bot.house.kept.database.read() as connection:  # type: ignore[attr-defined]
        for table in (requests, transitions, audit, offers):
            assert VALUE not in str(connection.execute(select(table)).fetchall())
        assert "sam" in str(connection.execute(select(audit)).fetchall())


@pytest.mark.parametrize("wrong", ["token-1", "", "token-0x"])
def test_another_token_opens_nothing(company: Company, wrong: str) -> None:
    _, url = company.opened()
    forged = url.replace("token-0", wrong)
    assert company.http.post(forged, data={"value": VALUE}).status_code in {404, 405}
    assert not company.kept.values


def test_a_page_closes_after_a_quarter_of_an_hour(company: Company) -> None:
    answer, url = company.opened()
    company.bot.tick(15 * 60 + 1)
    assert company.http.post(url, data={"value": VALUE}).status_code == 404
    company.bot.settle()
    assert company.bot.request(answer).outcome == "expired"
    assert not company.bot.request(answer).steps[0].url


def test_a_value_that_cannot_be_masked_is_refused_and_may_be_given_again(company: Company) -> None:
    _, url = company.opened()
    refused = company.http.post(url, data={"value": "short"})
    assert refused.status_code == 400
    assert "short" not in refused.text
    assert company.http.post(url, data={"value": VALUE}).status_code == 200


def test_what_is_set_already_is_not_asked_for(company: Company) -> None:
    company.kept.values["PAYMENT_TOKEN"] = VALUE
    answer, _ = company.bot.ask("sam", "set_variable", service="checkout", variable="PAYMENT_TOKEN"), ""
    company.bot.work()
    assert "is set already" in company.bot.request(answer).message
