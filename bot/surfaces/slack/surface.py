"""Slack put together: its routes for the web process, and what it does in the listener."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

from starlette.routing import BaseRoute, Route

from actions.core.ports.messaging import Change, Delivered
from actions.core.request import Request
from bot.announcing import have_drawn
from bot.house import House
from bot.links import Links
from bot.settings import Settings
from bot.surfaces.slack.again import Again
from bot.surfaces.slack.agenda import Agenda
from bot.surfaces.slack.assistant import Assistant
from bot.surfaces.slack.at_once import AtOnceAnswers, in_threads
from bot.surfaces.slack.client import AT_ONCE, TIMEOUT, Api, Line, OneWorkspace, Workspaces, respond
from bot.surfaces.slack.delivery import Cards
from bot.surfaces.slack.door import Door, HttpDoor
from bot.surfaces.slack.drawing import Drawing
from bot.surfaces.slack.entrance import PATH, installs
from bot.surfaces.slack.handler import Handler
from bot.surfaces.slack.home import Home
from bot.surfaces.slack.installed import InstalledWorkspaces, Seal
from bot.surfaces.slack.oauth import OAuth, renewed
from bot.surfaces.slack.people import People
from bot.surfaces.slack.places import SURFACE
from bot.surfaces.slack.posting import Posting
from bot.surfaces.slack.questions import Questions
from bot.surfaces.slack.socket import Socket
from bot.surfaces.slack.streaming import Streams
from bot.surfaces.slack.waiting import AtIt

log = logging.getLogger("shipmate.slack")

SWEEP = timedelta(seconds=5)
"""How often cards are looked for that lag behind the ledger."""
SETTLED = timedelta(seconds=3)
"""How old a change must be to count as lagging: a newer one is being drawn."""
SOME_WORDS = timedelta(seconds=0.3)
"""For how long words that are being written are gathered before they are shown."""
MADE = timedelta(seconds=0.5)
"""How long the one who made a request has to draw its first card."""
AT_MOST = 500


def workspaces(house: House, settings: Settings, *, timeout: float = TIMEOUT) -> Workspaces:
    """The workspaces; nothing is sent yet.

    Args:
        house: Shipmate, put together.
        settings: where things are.
        timeout: seconds that one call may take.

    Raises:
        WeakSecret: the app can be installed, and there is no key to seal its tokens with.
    """
    token = settings.slack_bot_token
    line = Line(settings.slack_api_url, timeout=timeout)
    own = OneWorkspace(Api(line, token.get_secret_value())) if token else None
    if own is not None and not installs(settings):
        return own
    return _installed(house, settings, own, line)


def routes(house: House, settings: Settings, door: HttpDoor | None) -> Sequence[BaseRoute]:
    """What Slack needs in the web process; nothing where it is not configured.

    Args:
        house: Shipmate, put together.
        settings: where things are.
        door: the open door, which can answer everything from now on.

    Raises:
        WeakSecret: as `workspaces`.
    """
    if door is None:
        return ()
    where = workspaces(house, settings)
    pages = _oauth(house, settings, where).routes() if isinstance(where, InstalledWorkspaces) else ()
    door.answering.come(in_threads(_immediate(house, workspaces(house, settings, timeout=AT_ONCE))))
    return (Route(PATH, door, methods=["POST"]), *pages)


def _installed(house: House, settings: Settings, own: OneWorkspace | None, line: Line) -> InstalledWorkspaces:
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    client_id, client_secret = _app(settings)
    return InstalledWorkspaces(
        installations=house.kept.installations,
        seal=Seal(secret),
        connect=lambda token: Api(line, token),
        renew=lambda refresh: renewed(Api(line), client_id, client_secret, refresh, house.clock),
        clock=house.clock,
        own=own,
    )


def _oauth(house: House, settings: Settings, where: InstalledWorkspaces) -> OAuth:
    client_id, client_secret = _app(settings)
    line = Line(settings.slack_api_url)
    return OAuth(
        client_id=client_id,
        client_secret=client_secret,
        address=settings.address,
        api=Api(line),
        connect=lambda token: Api(line, token),
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
    """The way in for payloads that are verified already.

    Args:
        house: Shipmate, put together.
        where: the workspaces, whose calls take no longer than Slack waits.
    """
    return Door(house.passing.inbox, _immediate(house, where), house.clock)


def _immediate(house: House, where: Workspaces) -> AtOnceAnswers:
    """What answers at once; arguments as `door_of`."""
    return AtOnceAnswers(
        catalog=house.catalog,
        organization=house.organization,
        offers=house.kept.offers,
        workspaces=where,
        inbox=house.passing.inbox,
        clock=house.clock,
        people=People(house.organization, where, house.clock),
        desk=house.desk,
    )


def listening(house: House, settings: Settings) -> Slack:
    """What Slack does in a listener, begun."""
    where = workspaces(house, settings)
    found = Slack(house, where, address=settings.address)
    found.agenda.start()
    found.again.agenda.start()
    found.at_it.start()
    Thread(target=_warm, args=(house, where), name="slack-warm", daemon=True).start()
    if settings.slack_app_token is not None:
        door = door_of(house, workspaces(house, settings, timeout=AT_ONCE))
        socket = Socket(door, settings.slack_app_token.get_secret_value(), settings.slack_api_url)
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
        self._made: dict[str, datetime] = {}
        self.agenda = Agenda(house.clock, self._draw_now, name_of=lambda change: change.request, newer=_newer)
        self.again = Again(house.clock, house.ids)
        self.at_it = AtIt(where)
        self.closing: list[Callable[[], None]] = [self.agenda.close, self.again.agenda.close, self.at_it.close]
        people = People(house.organization, where, house.clock)
        links = Links(house.kept.offers, house.clock, house.ids, address)

        def page(request: Request) -> str:
            # What is for one alone has no page to which a link could lead others.
            private = request.action in house.catalog and house.catalog[request.action].policy.private
            return links.to(request) if address and not private else ""

        drawing = Drawing(people=people, offers=house.kept.offers, clock=house.clock, ids=house.ids, page=page)
        posting = Posting(where, answer)
        self.cards = Cards(
            drawing=drawing,
            posting=posting,
            people=people,
            conversation=house.conversation,
            deliveries=house.kept.deliveries,
            clock=house.clock,
            streams=Streams(where, people),
        )
        self.handler = Handler(
            conversation=house.conversation,
            ledger=house.kept.ledger,
            sessions=house.passing.sessions,
            workspaces=where,
            people=people,
            drawing=drawing,
            posting=posting,
            questions=Questions(ledger=house.kept.ledger, offers=house.kept.offers, drawing=drawing, posting=posting),
            cards=self.cards,
            home=Home(
                organization=house.organization,
                ledger=house.kept.ledger,
                desk=house.desk,
                freezes=house.kept.freezes,
                deployments=house.kept.deployments,
                clock=house.clock,
            ),
            again=self.again,
            draw_later=lambda request: self._draw_later(Change.of(request)),
            draw_at=lambda request, when: self.agenda.add(Change.of(request), when),
            thinking=self.at_it,
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
            "slack.assistant": Assistant(self._house.organization, self._where).began,
            "slack.removed": self._removed,
            "slack.draw": self.handler.drawn,
        }

    def draw(self, change: Change) -> None:
        """Have the card of a request that changed brought up to date."""
        if change.surface != SURFACE:
            return
        if change.words:
            # They come many times a second, and change no version.
            self.agenda.add(change, self._house.clock.now() + SOME_WORDS)
        elif change.version == 1:
            # Whoever made it is about to draw it; what no person of Slack's made is drawn a moment later.
            self._made[change.request] = self._house.clock.now() + MADE
        elif change.settled:
            # It was put into the inbox where it changed, and may have been drawn by now.
            self._made.pop(change.request, None)
            self.agenda.drop(change.request, lambda waiting: waiting.version < change.version)
        elif not self.agenda.holds(change.request):
            self._draw_later(change)

    def redraw_lagging(self) -> None:
        """Have the cards drawn that lag behind the ledger: after a restart, and whatever was missed."""
        now = self._house.clock.now()
        while self._made and next(iter(self._made.values())) <= now:
            self._draw_made(next(iter(self._made)))
        if self._swept is not None and now - self._swept < SWEEP:
            return
        self._swept = now
        for request in self._house.kept.deliveries.lagging(SURFACE, limit=AT_MOST):
            if now - request.updated_at >= SETTLED and not self.agenda.holds(request.id):
                # Every listener sweeps; the key lets one of them draw in each round.
                what = f"{request.version}/{int(now.timestamp() // SWEEP.total_seconds())}"
                self._put(Change.of(request), what)

    def _draw_made(self, request_id: str) -> None:
        del self._made[request_id]
        if self.cards.has_drawn(request_id):
            return
        request = self._house.kept.ledger.get(request_id)
        if request is None or request.version > 1:
            return
        if not self.agenda.holds(request_id) and self._house.kept.deliveries.get(request_id, request.place.key) is None:
            self._draw_later(Change.of(request))

    def close(self) -> None:
        """End what was begun."""
        for close in self.closing:
            close()

    def _removed(self, delivered: Delivered) -> None:
        """The app was uninstalled from a workspace, or its tokens were revoked."""
        if isinstance(self._where, InstalledWorkspaces):
            self._where.forget(str(delivered.body["team"]))

    def _draw_later(self, change: Change) -> None:
        self._put(change, str(change.version))

    def _draw_now(self, change: Change) -> None:
        self._put(change, f"due/{self._house.ids.new()}")

    def _put(self, change: Change, what: str) -> None:
        have_drawn(self._house.passing.inbox, change, what, at=self._house.clock.now())


def _newer(one: Change, other: Change) -> Change:
    return max(one, other, key=lambda change: change.version)
