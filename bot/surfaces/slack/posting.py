"""Sends messages to Slack: posted, edited, whispered to one person, taken away, and found again after a crash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from actions.core.places import Place
from actions.core.request import Request
from bot.surfaces.slack.client import Declined, Down, Gone, Workspaces
from bot.surfaces.slack.render import Message

log = logging.getLogger("shipmate.slack")

MARK = "shipmate_card"
"""What a card's metadata calls itself."""


class Posting:
    """Sends messages. Its methods raise `SlackFailed` where Slack does not do it.

    Args:
        workspaces: where Slack is.
        respond: posts to a response address; whether it was taken.
    """

    def __init__(self, workspaces: Workspaces, respond: Callable[[str, Mapping[str, Any]], bool]) -> None:
        self._workspaces = workspaces
        self._respond = respond

    def post(self, place: Place, message: Message, *, request: str = "") -> Mapping[str, Any]:
        """Post a message into a thread.

        Args:
            place: the thread.
            message: the message.
            request: whose card it is, noted in its metadata; empty for what is no card.

        Returns:
            The channel and time-stamp at which it stands.
        """
        api = self._workspaces.api(place.tenant)
        mark = {"event_type": MARK, "event_payload": {"request": request}} if request else None
        where = {"channel": place.channel, "thread_ts": place.thread or None}
        quiet = {"unfurl_links": False, "unfurl_media": False, "metadata": mark}
        return _with_words(message, lambda drawn: api.call("chat.postMessage", **where, **drawn, **quiet))

    def edit(self, team: str, channel: str, ts: str, message: Message) -> None:
        """Put something else in the place of a message of ours."""
        api = self._workspaces.api(team)
        _with_words(message, lambda drawn: api.call("chat.update", channel=channel, ts=ts, **drawn))

    def whisper(self, place: Place, user: str, message: Message, response_url: str = "") -> None:
        """Tell one person something that the others in the channel do not see."""
        drawn = arguments(message)
        if response_url and self._respond(
            response_url, {**drawn, "response_type": "ephemeral", "replace_original": False}
        ):
            return
        api = self._workspaces.api(place.tenant)
        try:
            if place.channel not in {"", user} and not place.channel.startswith("D"):
                api.call(
                    "chat.postEphemeral", channel=place.channel, user=user, thread_ts=place.thread or None, **drawn
                )
                return
        except (Gone, Declined) as error:
            log.info("an answer for one person goes to them directly: %s", error)
        api.call("chat.postMessage", channel=user, **drawn)

    def call(self, team: str, channel: str, thread: str, text: str) -> str:
        """Post a line that calls people; its time-stamp."""
        posted = self._workspaces.api(team).call(
            "chat.postMessage", channel=channel, thread_ts=thread or None, text=text, unfurl_links=False
        )
        return str(posted.get("ts") or "")

    def delete(self, team: str, channel: str, ts: str) -> None:
        """Take a message of ours away."""
        self._workspaces.api(team).call("chat.delete", channel=channel, ts=ts)

    def withdraw(self, response_url: str) -> None:
        """Take away a message that one person alone saw."""
        self._respond(response_url, {"delete_original": True})

    def found_again(self, request: Request) -> Mapping[str, Any] | None:
        """Where a request's card stands of which it is not known whether it was posted; None where none is found."""
        place = request.place
        method = "conversations.replies" if place.thread else "conversations.history"
        try:
            found: Any = self._workspaces.api(place.tenant).call(
                method,
                channel=place.channel,
                ts=place.thread or None,
                oldest=f"{request.created_at.timestamp() - 60:.6f}",
                include_all_metadata="true",
                limit=100,
            )
        except (Gone, Declined, Down) as error:
            log.info("a card of %s could not be looked for: %s", request.id, error)
            return None
        for message in found.get("messages") or ():
            mark = message.get("metadata") or {}
            payload = mark.get("event_payload") or {}
            if mark.get("event_type") == MARK and payload.get("request") == request.id:
                return {"channel": place.channel, "ts": message.get("ts")}
        return None


def arguments(message: Message) -> dict[str, Any]:
    """A message as the methods take it."""
    return {"text": message.text, "blocks": list(message.blocks)}


def _with_words(message: Message, send: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Send a message; one that Slack does not take is a fault of ours, but its words still have to arrive."""
    try:
        return send(arguments(message))
    except Declined as error:
        if "blocks" not in error.code:
            raise
        log.error("Slack refused blocks, only their text is sent: %s", error)  # noqa: TRY400 - told in one line
        return send({"text": message.text, "blocks": []})
