"""Slack put together: its routes for the web process, and what it does in the listener."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

from starlette.routing import BaseRoute, Route

from actions.core.ports.messaging import Delivered
from actions.core.request import Request
from bot.assembly import House
from bot.links import Links
from bot.settings import Settings
from bot.surfaces.slack.agenda import Agenda
from bot.surfaces.slack.at_once import AtOnceAnswers
from bot.surfaces.slack.client import OneWorkspace, Workspaces, connect, respond
from bot.surfaces.slack.delivery import Cards
from bot.surfaces.slack.door import Door, HttpDoor
from bot.surfaces.slack.handler import Handler
from bot.surfaces.slack.home import Home
from bot.surfaces.slack.installed import InstalledWorkspaces, Seal
from bot.surfaces.slack.oauth import OAuth, renewed
from bot.surfaces.slack.people import People
from bot.surfaces.slack.socket import Socket
from bot.surfaces.slack.waiting import at_it

log = logging.getLogger("shipmate.slack")

SWEEP = timedelta(seconds=5)
"""How often cards are looked for that lag behind the ledger."""
SETTLED = timedelta(seconds=3)
"""How old a change must be to count as lagging: a newer one is being drawn."""
SOME_WORDS = timedelta(seconds=0.3)
"""For how long words that are being written are gathered before they are shown."""
AT_MOST = 500


def is_configured(settings: Settings) -> bool:
    """Whether there is a workspace to talk to: by a token of its own, or by installing the app."""
    return settings.slack_bot_token is not None or _installs(settings)


def workspaces(house: House, settings: Settings) -> Workspaces:
    """The workspaces; nothing is sent yet.

    Raises:
        WeakSecret: the app can be installed, and there is no key to seal its tokens with.
    """
    token = settings.slack_bot_token
    own = OneWorkspace(connect(token.get_secret_value(), settings.slack_api_url)) if token else None
    if own is not None and not _installs(settings):
        return own
    return _installed(house, settings, own)


def routes(house: House, settings: Settings) -> Sequence[BaseRoute]:
    """What Slack needs in the web process; nothing where it is not configured.

    Raises:
        WeakSecret: as `workspaces`.
    """
    if settings.slack_signing_secret is None or not is_configured(settings):
        return ()
    where = workspaces(house, settings)
    door = HttpDoor(door_of(house, where), settings.slack_signing_secret.get_secret_value())
    pages = _oauth(house, settings, where).routes() if isinstance(where, InstalledWorkspaces) else ()
    return (Route("/slack/events", door, methods=["POST"]), *pages)


def _installs(settings: Settings) -> bool:
    return settings.slack_client_id is not None and settings.slack_client_secret is not None


def _installed(house: House, settings: Settings, own: OneWorkspace | None) -> InstalledWorkspaces:
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    client_id, client_secret = _app(settings)
    anonymous = connect("", settings.slack_api_url)
    return InstalledWorkspaces(
        installations=house.kept.installations,
        seal=Seal(secret),
        connect=lambda token: connect(token, settings.slack_api_url),
        renew=lambda refresh: renewed(anonymous, client_id, client_secret, refresh, house.clock),
        clock=house.clock,
        own=own,
    )


def _oauth(house: House, settings: Settings, where: InstalledWorkspaces) -> OAuth:
    client_id, client_secret = _app(settings)
    return OAuth(
        client_id=client_id,
        client_secret=client_secret,
        address=settings.address,
        api=connect("", settings.slack_api_url),
        connect=lambda token: connect(token, settings.slack_api_url),
        authorize=settings.slack_api_url.removesuffix("/").removesuffix("/api") + "/oauth/v2/authorize",
        organization=house.organization,
        keeper=where,
        clock=house.clock,
        ids=house.ids,
    )


def _app(settings: Settings) -> tuple[str, str]:
    secret = settings.slack_client_secret
    return settings.slack_client_id or "", secret.get_secret_value() if secret else ""


def door_of(house: House, where: Workspaces) -> Door:
    """The way in."""
    immediate = AtOnceAnswers(
        catalog=house.catalog,
        organization=house.organization,
        offers=house.kept.offers,
        workspaces=where,
        inbox=house.passing.inbox,
        clock=house.clock,
        people=People(house.organization, where, house.clock),
    )
    return Door(house.passing.inbox, immediate, house.clock)


def listening(house: House, settings: Settings) -> Slack:
    """What Slack does in a listener, begun."""
    where = workspaces(house, settings)
    found = Slack(house, where, address=settings.address)
    found.agenda.start()
    Thread(target=_warm, args=(house, where), name="slack-warm", daemon=True).start()
    if settings.slack_app_token is not None:
        socket = Socket(door_of(house, where), settings.slack_app_token.get_secret_value(), settings.slack_api_url)
        socket.start()
        found.closing.append(socket.close)
    return found


def _warm(house: House, where: Workspaces) -> None:
    """Have ready before the first message comes what takes long at the first time."""
    try:
        house.conversation.understanding()
        where.api("")
    except Exception:
        log.exception("Slack's listener is not warm; the first message tries again")


class Slack:
    """Handles Slack's deliveries and draws its cards.

    Cards are drawn through the inbox too, in the order of their thread: one process draws a thread's cards at a time,
    and no card is posted twice however many listeners hear of a change.

    Args:
        house: Shipmate, put together.
        where: the workspaces.
        answer: posts to a response address.
        address: how people reach `web`, for links to what a thread has no room for; no links where it is empty.
    """

    def __init__(
        self,
        house: House,
        where: Workspaces,
        *,
        answer: Callable[[str, Mapping[str, Any]], bool] = respond,
        address: str = "",
    ) -> None:
        self._house = house
        self._where = where
        self._swept: datetime | None = None
        self.agenda = Agenda(house.clock, self._draw_now)
        self.closing: list[Callable[[], None]] = [self.agenda.close]
        people = People(house.organization, where, house.clock)
        links = Links(house.kept.offers, house.clock, house.ids, address)
        self.cards = Cards(
            workspaces=where,
            people=people,
            conversation=house.conversation,
            offers=house.kept.offers,
            deliveries=house.kept.deliveries,
            clock=house.clock,
            ids=house.ids,
            respond=answer,
            page=links.to if address else lambda _: "",
        )
        self.handler = Handler(
            conversation=house.conversation,
            ledger=house.kept.ledger,
            sessions=house.passing.sessions,
            workspaces=where,
            people=people,
            cards=self.cards,
            home=Home(
                organization=house.organization,
                ledger=house.kept.ledger,
                desk=house.desk,
                freezes=house.kept.freezes,
                deployments=house.kept.deployments,
                clock=house.clock,
            ),
            draw_later=self._draw_later,
            draw_at=self.agenda.add,
            thinking=lambda body: at_it(where, body),
        )

    def handlers(self) -> Mapping[str, Callable[[Delivered], None]]:
        """Kind of delivery → what handles it."""
        return {
            "slack.said": self.handler.said,
            "slack.command": self.handler.commanded,
            "slack.pressed": self.handler.pressed,
            "slack.form": self.handler.filled,
            "slack.again": self.handler.reopened,
            "slack.home": self.handler.opened_home,
            "slack.removed": self._removed,
            "slack.draw": self.handler.drawn,
        }

    def draw(self, request_id: str) -> None:
        """Have the card of a request that changed brought up to date."""
        request = self._house.kept.ledger.get(request_id)
        if request is None or request.place.surface != "slack":
            return
        if self._house.cards.draft(request):
            # Words come many times a second, and change no version.
            self.agenda.add(request, self._house.clock.now() + SOME_WORDS)
        else:
            self._draw_later(request)

    def redraw_lagging(self) -> None:
        """Have the cards drawn that lag behind the ledger: after a restart, and whatever was missed."""
        now = self._house.clock.now()
        if self._swept is not None and now - self._swept < SWEEP:
            return
        self._swept = now
        for request in self._house.kept.deliveries.lagging("slack", limit=AT_MOST):
            if now - request.updated_at >= SETTLED and not self.agenda.holds(request.id):
                # Every listener sweeps; the key lets one of them draw in each round.
                self._put(request, f"{request.version}/{int(now.timestamp() // SWEEP.total_seconds())}")

    def close(self) -> None:
        """End what was begun."""
        for close in self.closing:
            close()

    def _removed(self, delivered: Delivered) -> None:
        """The app was uninstalled from a workspace, or its tokens were revoked."""
        if isinstance(self._where, InstalledWorkspaces):
            self._where.forget(str(delivered.body["team"]))

    def _draw_later(self, request: Request) -> None:
        self._put(request, str(request.version))

    def _draw_now(self, request: Request) -> None:
        self._put(request, f"due/{self._house.ids.new()}")

    def _put(self, request: Request, what: str) -> None:
        self._house.passing.inbox.put(
            key=f"slack/draw/{request.id}/{what}",
            order=request.place.key,
            kind="slack.draw",
            body={"request": request.id},
            at=self._house.clock.now(),
        )
