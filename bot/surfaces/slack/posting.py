"""Sends messages to Slack: posted, edited, whispered to one person, taken away, and found again after a crash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from actions.core.places import Place
from bot.surfaces.slack.client import Declined, Down, Gone, Workspaces
from bot.surfaces.slack.render import Message

log = logging.getLogger("shipmate.slack")

MARK = "shipmate_card"
"""What the metadata of Shipmate's messages calls itself."""

STATUS = "is on it …"
"""What an assistant's status says behind its name."""


class Posting:
    """Sends messages. Its methods raise `SlackFailed` where Slack does not do it.

    Args:
        workspaces: where Slack is.
        respond: posts to a response address; whether it was taken.
    """

    def __init__(self, workspaces: Workspaces, respond: Callable[[str, Mapping[str, Any]], bool]) -> None:
        self._workspaces = workspaces
        self._respond = respond

    def post(self, place: Place, message: Message, mark: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Post a message into a thread.

        Args:
            place: the thread.
            message: the message.
            mark: by what it can be found again; stands in its metadata.

        Returns:
            The channel and time-stamp at which it stands.
        """
        api = self._workspaces.api(place.tenant)
        metadata = {"event_type": MARK, "event_payload": dict(mark)} if mark else None
        where = {"channel": place.channel, "thread_ts": place.thread or None}
        quiet = {"unfurl_links": False, "unfurl_media": False, "metadata": metadata}
        return _with_words(message, lambda drawn: api.call("chat.postMessage", **where, **drawn, **quiet))

    def edit(self, team: str, channel: str, ts: str, message: Message) -> None:
        """Put something else in the place of a message of ours."""
        api = self._workspaces.api(team)
        _with_words(message, lambda drawn: api.call("chat.update", channel=channel, ts=ts, **drawn))

    def whisper(
        self, place: Place, user: str, message: Message, response_url: str = "", *, instead: bool = False
    ) -> None:
        """Tell one person something that the others in the channel do not see.

        Args:
            place: where.
            user: the person.
            message: what they are told.
            response_url: where they pressed or typed something; empty where that is not known.
            instead: whether it takes the place of the message that they pressed.
        """
        drawn = arguments(message)
        if response_url and self._respond(
            response_url, {**drawn, "response_type": "ephemeral", "replace_original": instead}
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

    def be_at_it(self, place: Place) -> None:
        """Show in an assistant's thread that an answer comes; Slack takes it back at the next message there."""
        self._workspaces.api(place.tenant).call(
            "assistant.threads.setStatus", channel_id=place.channel, thread_ts=place.thread, status=STATUS
        )

    def delete(self, team: str, channel: str, ts: str) -> None:
        """Take a message of ours away."""
        self._workspaces.api(team).call("chat.delete", channel=channel, ts=ts)

    def withdraw(self, response_url: str) -> None:
        """Take away a message that one person alone saw."""
        self._respond(response_url, {"delete_original": True})

    def found_again(self, place: Place, mark: Mapping[str, str], since: datetime) -> Mapping[str, Any] | None:
        """Where a message stands of which it is not known whether it was posted; None where none is found.

        Args:
            place: the thread.
            mark: what it was marked with.
            since: when what it answers was said.
        """
        try:
            marked = self._marked(place, since)
        except (Gone, Declined, Down) as error:
            log.info("a message with the mark %s could not be looked for: %s", dict(mark), error)
            return None
        return next(({"channel": place.channel, "ts": m.get("ts")} for found, m in marked if found == dict(mark)), None)

    def open_question(self, place: Place, mark: Mapping[str, str], since: datetime) -> str:
        """The time-stamp of the newest message of ours, other than the one marked so, whose question can be answered.

        Args:
            place: the thread.
            mark: what the message is marked with that is not meant.
            since: how old it may be.
        """
        open_ = (
            str(message.get("ts"))
            for found, message in self._marked(place, since)
            if found.keys() == mark.keys() and found != dict(mark) and _is_open(message)
        )
        return max(open_, default="")

    def _marked(self, place: Place, since: datetime) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """The marked messages of ours in a thread, each behind its mark."""
        found: Any = self._workspaces.api(place.tenant).call(
            "conversations.replies" if place.thread else "conversations.history",
            channel=place.channel,
            ts=place.thread or None,
            oldest=f"{since.timestamp() - 60:.6f}",
            include_all_metadata="true",
            limit=100,
        )
        marked = ((message.get("metadata") or {}, message) for message in found.get("messages") or ())
        return [(m.get("event_payload") or {}, message) for m, message in marked if m.get("event_type") == MARK]


def _is_open(message: Mapping[str, Any]) -> bool:
    return any(block.get("type") == "actions" for block in message.get("blocks") or ())


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
