"""Calls those who may approve: in the thread of the card, or directly where they cannot see it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from actions.core.reply import Mention, Note, Reply
from actions.core.request import Request, State
from actions.decisions import sentence
from bot.surfaces.slack.client import SlackFailed
from bot.surfaces.slack.drawing import Drawing
from bot.surfaces.slack.people import People
from bot.surfaces.slack.places import place_of
from bot.surfaces.slack.posting import Posting
from bot.surfaces.slack.render import Message

log = logging.getLogger("shipmate.slack")

MOST = 20
"""How many people are called for one request."""

Reference = dict[str, Any]
"""Where a card stands, and what belongs to it."""


def is_direct(reference: Mapping[str, Any]) -> bool:
    """Whether a card stands in a conversation with one person, which nobody else can see."""
    return str(reference.get("channel") or "").startswith("D")


class Calls:
    """Calls for approval, which are gone once it is decided.

    Args:
        drawing: draws replies as messages.
        posting: sends messages.
        people: who is who.
    """

    def __init__(self, *, drawing: Drawing, posting: Posting, people: People) -> None:
        self._drawing = drawing
        self._posting = posting
        self._people = people

    def update(self, request: Request, reply: Reply, card: Message, reference: Reference) -> Reference:
        """Call for what waits now, and end the calls for what does not.

        Args:
            request: the request.
            reply: its card; whom it mentions may approve.
            card: the card as it is drawn.
            reference: where it stands, and who was called.
        """
        waiting = request.state is State.AWAITING_APPROVAL
        if not waiting or reference.get("called") != request.seal:
            reference = self._ended(request, reference)
        if not waiting or reference.get("called") == request.seal:
            return reference
        users = [user for name in reply.mentions if (user := self._people.user_of(name))][:MOST]
        if not users:
            return reference
        team = request.place.tenant
        if is_direct(reference):
            return {**reference, "calls": self._sent(team, users, card), "called": request.seal}
        # By a message of its own, since nobody is told of an edit.
        title = self._drawing.message(Reply(title=reply.title), request.place).text
        who = " ".join(f"<@{user}>" for user in users)
        thread = request.place.thread or reference["ts"]
        call = self._posting.call(team, reference["channel"], thread, f"{who} {title}")
        return {**reference, "call": call, "called": request.seal}

    def _sent(self, team: str, users: Sequence[str], card: Message) -> list[dict[str, str]]:
        """Send the card to each of them, whose buttons do the same there."""
        calls = []
        for user in users:
            try:
                posted = self._posting.post(place_of(team, user, ""), card)
            except SlackFailed as error:
                log.warning("%s was not called for an approval: %s", user, error)
            else:
                calls.append({"channel": str(posted.get("channel")), "ts": str(posted.get("ts"))})
        return calls

    def _ended(self, request: Request, reference: Reference) -> Reference:
        team = request.place.tenant
        try:
            if reference.get("call"):
                self._posting.delete(team, reference["channel"], reference["call"])
            for call in reference.get("calls") or ():
                self._posting.edit(team, call["channel"], call["ts"], self._outcome(request))
        except SlackFailed as error:
            log.info("a call for approval could not be taken away: %s", error)
        return {name: value for name, value in reference.items() if name not in {"call", "calls", "called"}}

    def _outcome(self, request: Request) -> Message:
        decided = [d for d in request.decisions if d.seal == request.seal]
        says = sentence(request)
        text = (
            (Mention(person=decided[-1].person), " approved it." if decided[-1].approved else " denied it.")
            if decided
            else ("It does not wait for approval any longer.",)
        )
        reply = Reply(title=says[:1].upper() + says[1:], blocks=(Note(text=text),))
        return self._drawing.message(reply, request.place)
