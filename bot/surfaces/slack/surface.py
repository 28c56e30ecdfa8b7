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
from bot.settings import Settings
from bot.surfaces.slack.agenda import Agenda
from bot.surfaces.slack.at_once import AtOnceAnswers
from bot.surfaces.slack.client import OneWorkspace, Workspaces, connect, respond
from bot.surfaces.slack.delivery import Cards
from bot.surfaces.slack.door import Door, HttpDoor
from bot.surfaces.slack.handler import Handler, eyes
from bot.surfaces.slack.home import Home
from bot.surfaces.slack.people import People
from bot.surfaces.slack.socket import Socket

log = logging.getLogger("shipmate.slack")

SWEEP = timedelta(seconds=5)
"""How often cards are looked for that lag behind the ledger."""
SETTLED = timedelta(seconds=3)
"""How old a change must be to count as lagging: a newer one is being drawn."""
AT_MOST = 500


def is_configured(settings: Settings) -> bool:
    """Whether there is a workspace to talk to."""
    return settings.slack_bot_token is not None


def workspaces(settings: Settings) -> Workspaces:
    """The workspaces that the settings name; nothing is sent yet."""
    token = settings.slack_bot_token
    return OneWorkspace(connect(token.get_secret_value() if token else "", settings.slack_api_url))


def routes(house: House, settings: Settings) -> Sequence[BaseRoute]:
    """What Slack needs in the web process; nothing where it is not configured."""
    if settings.slack_signing_secret is None or not is_configured(settings):
        return ()
    door = door_of(house, workspaces(settings))
    secret = settings.slack_signing_secret.get_secret_value()
    return (Route("/slack/events", HttpDoor(door, secret), methods=["POST"]),)


def door_of(house: House, where: Workspaces) -> Door:
    """The way in."""
    immediate = AtOnceAnswers(
        catalog=house.catalog,
        organization=house.organization,
        offers=house.kept.offers,
        workspaces=where,
        inbox=house.passing.inbox,
        clock=house.clock,
    )
    return Door(house.passing.inbox, immediate, house.clock)


def listening(house: House, settings: Settings) -> Slack:
    """What Slack does in a listener, begun."""
    where = workspaces(settings)
    found = Slack(house, where)
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
    """

    def __init__(
        self, house: House, where: Workspaces, *, answer: Callable[[str, Mapping[str, Any]], bool] = respond
    ) -> None:
        self._house = house
        self._swept: datetime | None = None
        self.agenda = Agenda(house.clock, self._draw_now)
        self.closing: list[Callable[[], None]] = [self.agenda.close]
        people = People(house.organization, where, house.clock)
        self.cards = Cards(
            workspaces=where,
            people=people,
            conversation=house.conversation,
            offers=house.kept.offers,
            deliveries=house.kept.deliveries,
            clock=house.clock,
            ids=house.ids,
            respond=answer,
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
            thinking=lambda body: eyes(where, body),
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
            "slack.draw": self.handler.drawn,
        }

    def draw(self, request_id: str) -> None:
        """Have the card of a request that changed brought up to date."""
        request = self._house.kept.ledger.get(request_id)
        if request is not None and request.place.surface == "slack":
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
