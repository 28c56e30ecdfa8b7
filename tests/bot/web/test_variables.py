"""The one-time page: a value goes to GitLab and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from actions import catalog
from actions.core.errors import Rejected
from actions.core.organization import Organization
from actions.core.people import Requester, Standing
from actions.core.ports.variables import ValuePages, Variables
from actions.core.reply import Link
from actions.core.request import State
from bot.conversation import Answer
from bot.outside import WebPages
from bot.stores.sql.schema import audit, offers, requests, transitions
from bot.testing import COMPANY, Bot
from bot.web.variables import VariablePage
from intents.tools import reading_tools

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

    def __init__(self, more: Mapping[str, Any] | None = None) -> None:
        self.kept = Kept()
        tokens = iter(f"token-{number}" for number in range(9))
        pages = WebPages("https://shipmate.example", lambda: next(tokens))
        self.bot = Bot({**COMPANY, **(more or {})}, outside={Variables: lambda: self.kept, ValuePages: lambda: pages})
        house = self.bot.house
        page = VariablePage(house.kept.ledger, house.kept.offers, house.gate.tools, house.clock)
        self.http = TestClient(Starlette(routes=[page.route()]), base_url="https://shipmate.example")

    def opened(self) -> tuple[Answer, str]:
        answer = self.bot.ask("sam", "set_variable", service="checkout", variable="PAYMENT_TOKEN")
        self.bot.work()
        return answer, self.way(answer)

    def way(self, answer: Answer, who: str = "sam") -> str:
        """The address that somebody is told when they press the button."""
        told = self.bot.press(who, self.bot.card(answer), "Give the value")
        return next(
            (part.url for block in told.reply.blocks for part in getattr(block, "text", ()) if isinstance(part, Link)),
            "",
        )


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
    assert not [button for button in company.bot.card(answer).buttons if button.label == "Give the value"]


def test_the_way_to_the_page_stands_on_no_card_and_in_no_row(company: Company) -> None:
    answer, url = company.opened()
    token = url.rpartition("/")[2]
    assert token.startswith("token-")
    assert token not in company.bot.card(answer).model_dump_json()
    with company.bot.house.kept.database.read() as connection:  # type: ignore[attr-defined]
        for table in (requests, transitions, audit, offers):
            assert token not in str(connection.execute(select(table)).fetchall())
    assert "for sam alone" in company.http.get(url).text


@pytest.mark.parametrize("who", ["lena", "ada", "vic"])
def test_nobody_else_is_told_the_way(company: Company, who: str) -> None:
    answer, _ = company.opened()
    told = company.bot.press(who, company.bot.card(answer), "Give the value")
    assert told.request is not None
    assert told.request.message == "The value for R-1 is for sam to give."
    assert not company.way(answer, who)


def test_each_address_opens_the_page_of_its_own_request_only(company: Company) -> None:
    _, first = company.opened()
    other = company.bot.ask("lena", "set_variable", service="checkout", variable="SMTP_HOST")
    company.bot.work()
    second = company.way(other, "lena")
    crossed = second.replace(company.bot.request(other).id, "R-1")
    assert company.http.get(crossed).status_code == 404
    assert company.http.get(first).status_code == company.http.get(second).status_code == 200


def test_it_is_taken_once_even_before_anybody_has_noticed(company: Company) -> None:
    _, url = company.opened()
    assert company.http.post(url, data={"value": VALUE}).status_code == 200
    company.kept.values.clear()
    assert company.http.post(url, data={"value": VALUE}).status_code == 404


def test_what_a_playbook_asks_for_is_given_by_the_team_it_acts_for() -> None:
    company = Company(
        {
            "teams": [{"name": "payments", "members": ["lena"]}],
            "machines": {"playbook:ours": {"roles": ["developer"]}},
        }
    )
    machine = Requester(name="playbook:ours", standing=Standing.MACHINE, on_behalf_of="payments")
    answer = company.bot.ask(machine, "set_variable", service="checkout", variable="PAYMENT_TOKEN")
    company.bot.work()
    assert not company.way(answer, "sam")
    assert company.http.get(company.way(answer, "lena")).status_code == 200


def test_a_model_that_looks_things_up_for_somebody_is_not_handed_the_page() -> None:
    organization = Organization.model_validate(COMPANY)
    assert "value_page" not in {tool.name for tool in reading_tools(catalog(), organization)}


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
