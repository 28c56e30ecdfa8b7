"""Installing into several workspaces: who may, what is kept and how, renewal, and the end of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from actions.core.organization import Organization
from bot.stores.open import SqlStores, open_sql
from bot.surfaces.slack.client import Api, Locked, SlackFailed
from bot.surfaces.slack.installed import Grant, InstalledWorkspaces, Seal, WeakSecret
from bot.surfaces.slack.manifest import SCOPES, manifest
from bot.surfaces.slack.oauth import OAuth, renewed
from bot.testing.fakes import CountingIds, HandClock
from tests.bot.surfaces.slack.workspace import refused

SECRET = "a secret of more than twenty-four characters"
COMPANY = Organization.model_validate(
    {
        "people": [
            {"name": "ada", "slack": "U0ADA", "roles": ["admin"]},
            {"name": "dana", "slack": "U0DANA", "roles": ["devops"]},
        ]
    }
)


class Slack:
    """Slack's side of an installation.

    Attributes:
        installer: who consents.
        codes: codes that were not exchanged yet.
        revoked: tokens given back.
    """

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.installer = "U0ADA"
        self.codes = {"good"}
        self.refreshes = {"refresh-1"}
        self.revoked: list[str] = []
        self.fails: list[str] = []

    def connect(self, token: str) -> Api:
        return Api(self, token)

    def ask(self, method: str, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        given = arguments
        if self.fails:
            raise refused(self.fails.pop())
        if method == "auth.revoke":
            self.revoked.append(token)
            return {}
        if method == "auth.test":
            return {"team_id": "T1", "user_id": "U0MATE"}
        if given.get("grant_type") == "refresh_token":
            self.refreshes.remove(given["refresh_token"])
            return {"access_token": "xoxe.xoxb-2", "refresh_token": "refresh-2", "expires_in": 43200}
        if given["code"] not in self.codes:
            raise refused("invalid_code")
        self.codes.remove(given["code"])
        return {
            "access_token": "xoxe.xoxb-1",
            "refresh_token": "refresh-1",
            "expires_in": 43200,
            "team": {"id": "T1"},
            "authed_user": {"id": self.installer},
        }


class Installing:
    """A Shipmate that can be installed."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.slack = Slack(self.clock)
        self.stores: SqlStores = open_sql("sqlite://")
        self.workspaces = self.process()
        oauth = OAuth(
            client_id="1.2",
            client_secret="hush",
            address="https://mate.example",
            api=self.slack.connect(""),
            connect=self.slack.connect,
            authorize="https://slack.com/oauth/v2/authorize",
            organization=COMPANY,
            keeper=self.workspaces,
            clock=self.clock,
            ids=CountingIds(),
        )
        app = Starlette(routes=list(oauth.routes()))
        self.browser = TestClient(app, base_url="https://mate.example", follow_redirects=False)

    def process(self, secret: str = SECRET) -> InstalledWorkspaces:
        """What another process knows: only what is stored."""
        return InstalledWorkspaces(
            installations=self.stores.installations,
            seal=Seal(secret),
            connect=self.slack.connect,
            renew=lambda refresh: renewed(self.slack.connect(""), "1.2", "hush", refresh, self.clock),
            clock=self.clock,
        )

    def install(self, code: str = "good") -> Any:
        away = self.browser.get("/slack/install").headers["location"]
        state = parse_qs(urlsplit(away).query)["state"][0]
        return self.browser.get("/slack/oauth_redirect", params={"code": code, "state": state})

    def token(self, process: InstalledWorkspaces | None = None) -> str:
        api: Any = (process or self.workspaces).api("T1")
        return str(api._token)


@pytest.fixture
def installing() -> Installing:
    return Installing()


def test_an_admin_installs_and_the_token_is_sealed(installing: Installing) -> None:
    away = installing.browser.get("/slack/install")
    query = parse_qs(urlsplit(away.headers["location"]).query)
    assert query["scope"] == [",".join(SCOPES)]
    assert query["redirect_uri"] == ["https://mate.example/slack/oauth_redirect"]
    cookie = away.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "secure" in cookie
    assert installing.install().status_code == 200
    assert installing.token() == "xoxe.xoxb-1"
    assert installing.token(installing.process()) == "xoxe.xoxb-1"
    with installing.stores.database.read() as connection:
        kept = connection.execute(text("SELECT * FROM installations")).one()
        trail = str(connection.execute(text("SELECT actor, event, detail FROM audit")).all())
    assert "xox" not in str(kept)
    assert ("ada" in trail, "installed" in trail, "xox" in trail) == (True, True, False)


def test_somebody_else_is_refused_and_the_token_given_back(installing: Installing) -> None:
    for installer in ("U0DANA", "U0NOBODY"):
        installing.slack.installer = installer
        installing.slack.codes.add("good")
        answer = installing.install()
        assert answer.status_code == 403
        assert "admin" in answer.text
    assert installing.slack.revoked == ["xoxe.xoxb-1"] * 2
    assert not installing.stores.installations.all("slack")


@pytest.mark.parametrize("state", ["", "guessed"])
def test_a_state_of_another_browser_is_refused(installing: Installing, state: str) -> None:
    installing.browser.get("/slack/install")
    answer = installing.browser.get("/slack/oauth_redirect", params={"code": "good", "state": state})
    assert answer.status_code == 400
    assert not installing.stores.installations.all("slack")


def test_a_state_counts_once(installing: Installing) -> None:
    away = installing.browser.get("/slack/install").headers["location"]
    given = {"code": "bad", "state": parse_qs(urlsplit(away).query)["state"][0]}
    assert installing.browser.get("/slack/oauth_redirect", params=given).status_code == 403
    assert installing.browser.get("/slack/oauth_redirect", params=given | {"code": "good"}).status_code == 400


def test_a_token_is_renewed_before_it_ends_by_one_process(installing: Installing) -> None:
    installing.install()
    installing.clock.advance(11 * 3600)
    other = installing.process()
    assert installing.token() == "xoxe.xoxb-2"
    assert installing.token(other) == "xoxe.xoxb-2"
    assert not installing.slack.refreshes


def test_while_slack_does_not_renew_the_old_token_is_used(installing: Installing) -> None:
    installing.install()
    installing.clock.advance(11 * 3600)
    installing.slack.fails = ["internal_error"]
    assert installing.token() == "xoxe.xoxb-1"
    installing.clock.advance(60)
    assert installing.token() == "xoxe.xoxb-2"


def test_uninstalling_deletes_the_token_everywhere(installing: Installing) -> None:
    installing.install()
    other = installing.process()
    assert installing.token(other)
    installing.workspaces.forget("T1")
    installing.clock.advance(60)
    for process in (installing.workspaces, other):
        with pytest.raises(Locked):
            process.api("T1")
    assert not installing.stores.installations.all("slack")


def test_a_lost_key_opens_nothing(installing: Installing) -> None:
    installing.install()
    with pytest.raises(SlackFailed, match="another_key"):
        installing.process("another secret of more than twenty-four characters").api("T1")
    with pytest.raises(WeakSecret):
        Seal("short")


def test_a_grant_without_rotation_does_not_end() -> None:
    seal = Seal(SECRET)
    assert seal.open(seal.close(Grant(token="t"))).until is None


def test_the_manifest_asks_for_what_is_used_and_no_more() -> None:
    http = manifest("https://mate.example", socket=False)
    assert http["settings"]["event_subscriptions"]["request_url"] == "https://mate.example/slack/events"
    assert all(command["url"] == "https://mate.example/slack/events" for command in http["features"]["slash_commands"])
    assert "mate.example" not in str(manifest("https://mate.example", socket=True))
    assert not {scope for scope in SCOPES if scope.startswith(("admin", "files", "users:read.email"))}
