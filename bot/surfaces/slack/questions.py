"""What Shipmate asks back in Slack: answered once, by a click or in words, and gone when it is answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any

from actions.core.places import Place
from actions.core.ports.ledger import Ledger, Offers
from actions.core.ports.messaging import Delivered
from actions.core.reply import Code, Note, Reply
from actions.core.request import Request, State
from actions.decisions import sentence
from bot.surfaces.slack.client import SlackFailed
from bot.surfaces.slack.drawing import Drawing
from bot.surfaces.slack.posting import Posting
from bot.surfaces.slack.render import Message

log = logging.getLogger("shipmate.slack")

ASKED_FOR = timedelta(hours=1)
"""How long after it was asked a question is looked for that was answered in words."""

Pressed = Mapping[str, Any]
"""What was delivered of a click."""


def mark_of(delivered: Delivered) -> Mapping[str, str]:
    """What an answer that is no request's card is marked with: what it answers."""
    return {"answers": delivered.key}


class Questions:
    """The questions that stand in threads.

    Args:
        ledger: requests.
        offers: what their buttons hold.
        drawing: draws replies as messages.
        posting: sends messages.
    """

    def __init__(self, *, ledger: Ledger, offers: Offers, drawing: Drawing, posting: Posting) -> None:
        self._ledger = ledger
        self._offers = offers
        self._drawing = drawing
        self._posting = posting

    def taken(self, place: Place, body: Pressed) -> tuple[str, Request | None]:
        """The cause of the answer to a question, and what was made of it already.

        One question is answered once, whoever presses what at the same moment; an answer that was refused leaves it open.
        """
        for number in count(1):
            cause = f"slack/{place.tenant}/{place.channel}/{body['message']}/answer/{number}"
            made = self._ledger.by_cause(cause)
            if made is None or made.state is not State.REFUSED:
                break
        return cause, made

    def chooses_otherwise(self, body: Pressed, taken: Request) -> bool:
        """Whether what was pressed stands for something else than the answer that counts."""
        offer = self._offers.get(body["offer"])
        return offer is not None and any(taken.parameters.get(k) != v for k, v in offer.parameters.items())

    def follow(self, reply: Reply, place: Place, body: Pressed) -> bool:
        """Have the next question stand where the one stood that was pressed; False where Slack does not do it."""
        message = self._drawing.message(reply, place)
        try:
            if body.get("private"):
                self._posting.whisper(place, body["user"], message, body["response_url"], instead=True)
            else:
                self._posting.edit(place.tenant, place.channel, body["message"], message)
        except SlackFailed as error:
            log.info("the next question is asked beside the one before: %s", error)
            return False
        return True

    def close(self, request: Request, place: Place, body: Pressed) -> None:
        """Show the answer in place of the buttons of the question that was pressed."""
        if body.get("private"):
            self._posting.withdraw(body["response_url"])
        else:
            self._edit(place, body["message"], request)

    def close_before(self, request: Request | None, place: Place, delivered: Delivered) -> None:
        """Take the buttons of the question that was answered in words: they would ask for the same once more.

        Args:
            request: what came of the answer; None where the next question did.
            place: the thread.
            delivered: the words.
        """
        try:
            asked = self._posting.open_question(place, mark_of(delivered), delivered.at - ASKED_FOR)
        except SlackFailed as error:
            log.info("an answered question keeps its buttons: %s", error)
        else:
            if asked:
                self._edit(place, asked, request)

    def _edit(self, place: Place, ts: str, request: Request | None) -> None:
        try:
            self._posting.edit(place.tenant, place.channel, ts, self._closed(request, place))
        except SlackFailed as error:
            log.info("an answered question keeps its buttons: %s", error)

    def _closed(self, request: Request | None, place: Place) -> Message:
        if request is None:
            return self._drawing.message(Reply(title="Answered; the next question is below."), place)
        words = sentence(request)
        note = Note(text=("answered; ", Code(text=request.id), " goes on"))
        return self._drawing.message(Reply(title=words[:1].upper() + words[1:], blocks=(note,)), place)
