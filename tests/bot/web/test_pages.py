"""The page of one request: everything that a card cut, for who holds its link, and for nobody else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from actions.core.reply import Code, Link, Moment, Note, Paragraph, Preformatted, Reply, Step, Steps, Table, fields
from bot.links import Links
from bot.testing import COMPANY
from bot.web import html
from bot.web.pages import RequestPage
from tests.bot.surfaces.slack.workspace import ADDRESS, DANA, ME, Office, company

OURS = {"p", "dl", "div", "dt", "dd", "pre", "code", "ol", "li", "span", "small", "br", "time"} | {
    *("table", "thead", "tbody", "tr", "th", "td", "a"),
}
LINK = re.compile(r"<(https://shipmate\.example/r/[0-9a-z-]+)\|See all of it>")


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def office_of(services: int) -> Office:
    named = [{**COMPANY["services"][0], "name": f"service-{n:03}", "aliases": []} for n in range(services)]
    return Office(company(services=named))


def browser(office: Office) -> TestClient:
    house = office.bot.house
    links = Links(house.kept.offers, house.clock, house.ids, ADDRESS)
    page = RequestPage(links, house.kept.ledger, house.conversation.card)
    return TestClient(Starlette(routes=[page.route()]), base_url=ADDRESS)


def link_of(office: Office) -> str:
    found = LINK.search(str(office.card()["blocks"]))
    assert found is not None
    return found[1]


@pytest.fixture
def office() -> Office:
    office = office_of(150)
    office.say(DANA, f"<@{ME}> services")
    office.pass_time(2)
    return office


def test_what_a_card_has_no_room_for_is_on_the_page_behind_its_link(office: Office) -> None:
    page = browser(office).get(link_of(office))
    assert page.status_code == 200
    assert all(f"service-{n:03}" in page.text for n in range(150))
    assert page.headers["cache-control"] == "no-store"
    assert "http-equiv" not in page.text


def test_a_card_that_shows_all_has_no_link() -> None:
    office = office_of(3)
    office.say(DANA, f"<@{ME}> services")
    office.pass_time(2)
    assert ADDRESS not in str(office.card()["blocks"])


def test_a_link_that_nobody_made_or_that_is_old_leads_nowhere(office: Office) -> None:
    http = browser(office)
    url = link_of(office)
    assert http.get(f"{ADDRESS}/r/{'0' * 32}").status_code == 404
    office.bot.clock.advance(8 * 24 * 3600)
    gone = http.get(url)
    assert (gone.status_code, "service-" in gone.text) == (404, False)


def test_a_button_is_no_link() -> None:
    office = office_of(3)
    office.say(DANA, f"<@{ME}> deploy service-001 v1.4.2 to staging")
    offered = str(office.card()["blocks"][-1]["elements"][0]["value"])
    assert browser(office).get(f"{ADDRESS}/r/{offered}").status_code == 404


def test_the_page_of_what_is_under_way_comes_again_by_itself() -> None:
    office = office_of(3)
    office.say(DANA, f"<@{ME}> deploy service-001 v1.4.2 to staging")
    house = office.bot.house
    request = house.kept.ledger.get("R-1")
    assert request is not None
    link = Links(house.kept.offers, house.clock, house.ids, ADDRESS).to(request)
    assert 'http-equiv="refresh"' in browser(office).get(link).text


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_in_the_data_becomes_markup(one: str, other: str) -> None:
    reply = Reply(
        title=one,
        blocks=(
            Paragraph(text=(one, Code(text=other), Link(text=one, url=f"https://{other}"))),
            fields((one or "-", other or "-")),
            Table(columns=(one, other), rows=(((one,), (Code(text=other),)),)),
            Preformatted(text=other),
            Steps(steps=(Step(name=one, detail=other, url=other),)),
            Note(text=(other, Moment(at=datetime(2026, 11, 20, tzinfo=UTC)))),
        ),
    )
    found = Tags(html.draw(reply)).found
    assert {tag for tag, _ in found} <= OURS
    assert all(str(unescape(at.get("href") or "http")).lower().startswith("http") for _, at in found)
    assert not any(name.startswith("on") for _, at in found for name in at)


@pytest.mark.parametrize("url", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "//host", ""])
def test_only_web_addresses_are_linked(url: str) -> None:
    drawn = html.draw(Reply(title="t", blocks=(Paragraph(text=(Link(text="words", url=url),)),)))
    assert drawn == "<p>words</p>"
