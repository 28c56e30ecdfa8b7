"""Installs Shipmate into a workspace by OAuth: only somebody whom shipmate.yaml names an admin may."""

from __future__ import annotations

import hmac
import html
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from actions.core.errors import Refused, ShipmateError
from actions.core.organization import Organization
from actions.core.people import Role
from actions.core.ports.surroundings import Clock, Ids
from bot.surfaces.slack.client import Api, Declined, SlackFailed
from bot.surfaces.slack.installed import Grant
from bot.surfaces.slack.manifest import SCOPES
from bot.web.limits import Threads

log = logging.getLogger("shipmate.slack")

COOKIE = "shipmate-install"
STATE_FOR = 600
"""Seconds in which an installation must be finished."""
INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"


class NotInstalled(Refused):
    """The installation was not finished; nothing was kept."""


class Keeper(Protocol):
    """Records workspaces."""

    def keep(self, team: str, grant: Grant, by: str) -> None:
        """Record a workspace that was just installed."""


class OAuth:
    """The two pages of an installation.

    Args:
        client_id: the app's.
        client_secret: the app's.
        address: how people reach `web`.
        api: the Web API without a token.
        connect: the Web API by a token, to give one back.
        authorize: Slack's page where the workspace consents.
        organization: who may install.
        keeper: records workspaces.
        clock: the time.
        ids: states nobody can guess.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        address: str,
        api: Api,
        connect: Any,
        authorize: str,
        organization: Organization,
        keeper: Keeper,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._address = address
        self._api = api
        self._connect = connect
        self._authorize = authorize
        self._organization = organization
        self._keeper = keeper
        self._clock = clock
        self._ids = ids
        self._threads = Threads(at_once=4, waiting=20)

    def routes(self) -> Sequence[BaseRoute]:
        """The pages' routes."""
        return (Route(INSTALL, self.install, methods=["GET"]), Route(REDIRECT, self.finish, methods=["GET"]))

    async def install(self, _: Request) -> Response:
        """Send the browser to Slack, with a state that only it can bring back."""
        state = self._ids.new()
        query = {
            "client_id": self._client_id,
            "scope": ",".join(SCOPES),
            "state": state,
            "redirect_uri": self._address + REDIRECT,
        }
        answer = RedirectResponse(f"{self._authorize}?{urlencode(query)}", status_code=302)
        secure = self._address.startswith("https://")
        answer.set_cookie(COOKIE, state, max_age=STATE_FOR, path="/slack", secure=secure, httponly=True, samesite="lax")
        return answer

    async def finish(self, request: Request) -> Response:
        """Slack sent the browser back: exchange the code for a token and keep it."""
        given, own = request.query_params.get("state", ""), request.cookies.get(COOKIE, "")
        if not own or not hmac.compare_digest(given.encode(), own.encode()):
            answer = _page("Not installed", "This page was not opened by an installation begun here.", 400)
        elif "error" in request.query_params:
            answer = _page("Not installed", "Slack was told not to install it.", 403)
        else:
            try:
                told = await self._threads.call(self._exchange, request.query_params.get("code", ""))
                answer = _page("Installed", told, 200)
            except ShipmateError as error:
                answer = _page("Not installed", str(error), 403)
        # A state counts once.
        answer.delete_cookie(COOKIE, path="/slack")
        return answer

    def _exchange(self, code: str) -> str:
        try:
            found = self._api.call(
                "oauth.v2.access",
                client_id=self._client_id,
                client_secret=self._client_secret,
                code=code,
                redirect_uri=self._address + REDIRECT,
            )
        except SlackFailed as error:
            log.warning("an installation was not finished: %s", error)
            raise NotInstalled("Slack would not exchange the code.", remedy="Begin anew at /slack/install.") from error
        team, user = _text(found, "team", "id"), _text(found, "authed_user", "id")
        grant = grant_of(found, self._clock)
        person = self._organization.person_by_slack(user)
        if person is None or not any(self._organization.rank(role) >= Role.ADMIN.rank for role in person.roles):
            self._give_back(grant)
            raise NotInstalled(
                f"The Slack user {user} is no admin in shipmate.yaml, so nothing was kept.",
                remedy=f"Have `slack: {user}` and the role admin put beside their name there, and begin anew.",
            )
        self._keeper.keep(team, grant, person.name)
        log.info("%s installed Shipmate into %s", person.name, team)
        return "Shipmate is in your workspace. Invite it to a channel and say “help”."

    def _give_back(self, grant: Grant) -> None:
        try:
            self._connect(grant.token).call("auth.revoke")
        except SlackFailed as error:
            log.warning("a token that is not kept was not revoked: %s", error)


def renewed(api: Api, client_id: str, client_secret: str, refresh: str, clock: Clock) -> Grant:
    """A new token by what renews the old one; raises `SlackFailed`."""
    found = api.call(
        "oauth.v2.access",
        client_id=client_id,
        client_secret=client_secret,
        grant_type="refresh_token",
        refresh_token=refresh,
    )
    return grant_of(found, clock)


def grant_of(found: Mapping[str, Any], clock: Clock) -> Grant:
    """What Slack's answer grants.

    Raises:
        Declined: there is no bot's token in it.
    """
    token, lives = found.get("access_token"), found.get("expires_in")
    if not token:
        raise Declined("oauth.v2.access", "no_bot_token")
    until = clock.now() + timedelta(seconds=int(lives)) if lives else None
    return Grant(token=str(token), refresh=str(found.get("refresh_token") or ""), until=until)


def _text(found: Mapping[str, Any], *path: str) -> str:
    value: Any = found
    for key in path:
        value = (value or {}).get(key)
    return str(value or "")


def _page(title: str, says: str, status: int) -> HTMLResponse:
    body = (
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{html.escape(title)}</title><body style='font:16px/1.5 system-ui;max-width:36em;margin:15vh auto;padding:1em'>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(says)}</p>"
    )
    headers = {
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "referrer-policy": "no-referrer",
    }
    return HTMLResponse(body, status_code=status, headers=headers)
