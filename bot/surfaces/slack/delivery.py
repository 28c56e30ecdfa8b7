"""Posts the one card of a request and keeps it up to date: throttled, recorded, and delivered elsewhere where it must be."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from pydantic import JsonValue

from actions.core.places import Place
from actions.core.ports.ledger import Deliveries, Delivery, Offer, Offers
from actions.core.ports.surroundings import Clock, Ids
from actions.core.reply import Reply
from actions.core.request import Request, State
from bot.conversation import Conversation
from bot.surfaces.slack.client import Api, Declined, Down, Gone, Limited, Locked, SlackFailed, Workspaces
from bot.surfaces.slack.people import People
from bot.surfaces.slack.render import Look, Message, draw
from bot.surfaces.slack.streaming import Streams

log = logging.getLogger("shipmate.slack")

A_MESSAGE = timedelta(seconds=1)
"""Slack wants a message edited about once a second at most."""
QUICK = timedelta(seconds=0.4)
"""How long a read may take before a card says that it is under way; most answer before, and are posted once."""
PAUSES = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds to wait after Slack failed once, twice, ..."""
MADE_NOW = timedelta(seconds=2)
"""How young a request is that was made by what is being handled; after a crash it takes longer until it is taken over."""
GIVE_UP = timedelta(hours=24)
"""A card that could not be drawn for so long is recorded as failed."""
MARK = "shipmate_card"
_REMEMBERED = 10_000


@dataclass
class _Recent:
    """What this process knows of a card beyond the record.

    Attributes:
        drawn_at: when it was last drawn.
        not_before: when Slack may be asked again.
        failures: how often in a row Slack failed.
    """

    drawn_at: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0


class Cards:
    """The cards in Slack.

    One thread's cards must be drawn by one process at a time, which handling them through the inbox, in the order of
    their thread, gives.

    Args:
        workspaces: where Slack is.
        people: who is who.
        conversation: draws replies.
        offers: keeps what buttons hold.
        deliveries: how far cards have been drawn.
        clock: the time.
        ids: identifiers of offers.
        respond: posts to a response address; whether it was taken.
        page: the address of the page on which all of a request can be read; empty where there is none.
    """

    def __init__(
        self,
        *,
        workspaces: Workspaces,
        people: People,
        conversation: Conversation,
        offers: Offers,
        deliveries: Deliveries,
        clock: Clock,
        ids: Ids,
        respond: Callable[[str, Mapping[str, Any]], bool],
        page: Callable[[Request], str],
    ) -> None:
        self._workspaces = workspaces
        self._people = people
        self._conversation = conversation
        self._offers = offers
        self._deliveries = deliveries
        self._clock = clock
        self._ids = ids
        self._respond = respond
        self._page = page
        self._streams = Streams(workspaces, people)
        self._lock = Lock()
        self._recent: OrderedDict[str, _Recent] = OrderedDict()

    def message(self, reply: Reply, place: Place, request: Request | None = None) -> Message:
        """A reply as a message for a place, with what its buttons hold kept."""
        return draw(reply, self.look(place, request))

    def look(self, place: Place, request: Request | None = None) -> Look:
        """What a drawing for a place needs to know."""

        def hold(action: str, parameters: Mapping[str, JsonValue]) -> str:
            offer = Offer(
                id=self._ids.new(),
                request=request.id if request else None,
                action=action,
                parameters=dict(parameters),
                place_key=place.key,
                created_at=self._clock.now(),
            )
            return self._offers.offer(offer)

        rated = request.id if request is not None and self._is_answer(request) else ""

        def more() -> str:
            return self._page(request) if request is not None else ""

        return Look(users=self._people.user_of, hold=hold, more=more, feedback=rated)

    def _is_answer(self, request: Request) -> bool:
        """Whether it told somebody something, which may have helped or not; decisions and changes are not rated."""
        catalog = self._conversation.gate.catalog
        read = request.action in catalog and catalog[request.action].policy.only_looks
        return read and request.state is State.DONE

    def show(self, request: Request, *, new: bool = False) -> datetime | None:
        """Bring a request's card up to date.

        Args:
            request: as the ledger has it now.
            new: whether it was only just made, so that a quick read may answer before a card is posted.

        Returns:
            When to call again, where it cannot be drawn now; None where nothing is left to do.
        """
        now = self._clock.now()
        known = self._deliveries.get(request.id, request.place.key)
        draft = self._conversation.cards.draft(request)
        if known is not None and known.version >= request.version and not draft:
            return None
        if new and known is None and not request.changes and not request.state.is_settled:
            return now + QUICK
        recent = self._remember(request.id)
        wait = _wait(recent, now)
        if wait is not None:
            return wait
        # What was made this moment cannot have a card that nobody noted; anything else may, after a crash or a broken
        # connection, and is looked for.
        made_now = now - request.created_at < MADE_NOW and not recent.failures
        try:
            reference = self._deliver(request, known, look=not made_now)
        except (Limited, Down, Locked) as error:
            return self._later(recent, request, error, now)
        except SlackFailed as error:
            log.error("the card of %s cannot be delivered: %s", request.id, error)  # noqa: TRY400 - told in one line
            self._note(request, dict(known.reference) if known else {}, failed=str(error))
            return None
        recent.drawn_at, recent.not_before, recent.failures = now, None, 0
        self._note(request, reference)
        return None

    def settle_privately(self, request: Request, user: str, response_url: str = "", channel: str = "") -> None:
        """Have a request answered to one person alone; nothing of it is posted for others."""
        known = self._deliveries.get(request.id, request.place.key)
        if known is None:
            private = {"user": user, "response_url": response_url, "channel": channel}
            self._note(request, {"private": private}, version=0)

    def settle_silently(self, request: Request) -> None:
        """Have a request count as delivered: the card of another shows what came of it."""
        self._note(request, {"silent": True})

    def whisper(self, place: Place, user: str, message: Message, response_url: str = "") -> None:
        """Tell one person something that the others in the channel do not see."""
        if response_url and self._respond(
            response_url, {**_arguments(message), "response_type": "ephemeral", "replace_original": False}
        ):
            return
        api = self._workspaces.api(place.tenant)
        drawn = _arguments(message)
        try:
            if place.channel not in {"", user} and not place.channel.startswith("D"):
                api.call(
                    "chat.postEphemeral", channel=place.channel, user=user, thread_ts=place.thread or None, **drawn
                )
                return
        except (Gone, Declined) as error:
            log.info("an answer for one person goes to them directly: %s", error)
        api.call("chat.postMessage", channel=user, **drawn)

    def say(self, place: Place, message: Message) -> None:
        """Post a message that is no request's card."""
        self._post(self._workspaces.api(place.tenant), place.channel, place.thread, message)

    def replace(self, place: Place, ts: str, message: Message) -> None:
        """Put something else in the place of a message of ours."""
        _edit(self._workspaces.api(place.tenant), place.channel, ts, message)

    def reference(self, request: Request) -> Mapping[str, Any]:
        """Where a request's card stands; empty where none does."""
        known = self._deliveries.get(request.id, request.place.key)
        return known.reference if known else {}

    def rate(self, request: Request, user: str, opinion: str) -> None:
        """Keep what somebody thought of an answer, with the request."""
        known = self._deliveries.get(request.id, request.place.key)
        reference = dict(known.reference) if known else {}
        reference["feedback"] = {**reference.get("feedback", {}), user: opinion}
        self._note(request, reference, version=known.version if known else request.version)

    def _deliver(self, request: Request, known: Delivery | None, *, look: bool) -> dict[str, Any]:
        reference = dict(known.reference) if known else {}
        if reference.get("silent"):
            return reference
        if "private" not in reference and not request.state.is_settled:
            streamed = self._streams.show(request, reference, self._conversation.cards.draft(request))
            if streamed is not None:
                return streamed
        message = self.message(self._conversation.card(request), request.place, request)
        if "private" in reference:
            return self._privately(request, message, reference)
        digest = _digest(message)
        if reference.get("digest") != digest:
            reference = self._put(request, message, reference, look=look)
            reference["digest"] = digest
        return self._call_approvers(request, reference)

    def _privately(self, request: Request, message: Message, reference: dict[str, Any]) -> dict[str, Any]:
        to = reference["private"]
        if request.state.is_settled and not reference.get("told"):
            self.whisper(request.place, to["user"], message, to["response_url"])
            return {**reference, "told": True}
        return reference

    def _put(self, request: Request, message: Message, reference: dict[str, Any], *, look: bool) -> dict[str, Any]:
        """Edit the card where it stands; else post it, in its thread or directly to the one who asked."""
        api = self._workspaces.api(request.place.tenant)
        if not reference.get("ts") and look:
            reference = self._found_again(api, request, reference)
        reference = self._streams.end(request, reference)
        if reference.get("ts"):
            try:
                _edit(api, reference["channel"], reference["ts"], message)
            except (Gone, Declined) as error:
                log.warning("the card of %s is posted anew: %s", request.id, error)
            else:
                return reference
        mark = {"event_type": MARK, "event_payload": {"request": request.id}}
        try:
            posted = self._post(api, request.place.channel, request.place.thread, message, mark)
        except (Gone, Declined) as error:
            user = self._people.user_of(request.requester.on_behalf_of or request.requester.name)
            if user is None:
                raise
            log.warning("the card of %s goes to %s directly: %s", request.id, request.requester.name, error)
            posted = self._post(api, user, "", message, mark)
        reference = {"channel": posted.get("channel"), "ts": posted.get("ts")}
        if request.state is State.AWAITING_APPROVAL:
            # A new message calls by itself those whom it mentions.
            reference["called"] = request.seal
        return reference

    def _post(
        self, api: Api, channel: str, thread: str, message: Message, mark: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        place = {"channel": channel, "thread_ts": thread or None}
        quiet = {"unfurl_links": False, "unfurl_media": False, "metadata": mark}
        return _with_words(message, lambda drawn: api.call("chat.postMessage", **place, **drawn, **quiet))

    def _found_again(self, api: Api, request: Request, reference: dict[str, Any]) -> dict[str, Any]:
        """Look for a card of which it is not known whether it was posted."""
        place = request.place
        method = "conversations.replies" if place.thread else "conversations.history"
        since = f"{request.created_at.timestamp() - 60:.6f}"
        try:
            found: Any = api.call(
                method,
                channel=place.channel,
                ts=place.thread or None,
                oldest=since,
                include_all_metadata="true",
                limit=100,
            )
        except (Gone, Declined, Down) as error:
            log.info("a card of %s could not be looked for: %s", request.id, error)
            return reference
        for message in found.get("messages") or ():
            mark = message.get("metadata") or {}
            payload = mark.get("event_payload") or {}
            if mark.get("event_type") == MARK and payload.get("request") == request.id:
                return {"channel": place.channel, "ts": message.get("ts")}
        return reference

    def _call_approvers(self, request: Request, reference: dict[str, Any]) -> dict[str, Any]:
        """Call those who may approve by a message of its own, since nobody is told of an edit; gone once decided."""
        waiting = request.state is State.AWAITING_APPROVAL
        api = self._workspaces.api(request.place.tenant)
        if reference.get("call") and (not waiting or reference.get("called") != request.seal):
            try:
                api.call("chat.delete", channel=reference["channel"], ts=reference["call"])
            except SlackFailed as error:
                log.info("a call for approval could not be taken away: %s", error)
            reference = {k: v for k, v in reference.items() if k not in {"call", "called"}}
        if waiting and reference.get("called") != request.seal:
            reply = self._conversation.card(request)
            users = [user for name in reply.mentions if (user := self._people.user_of(name))]
            who = " ".join(f"<@{user}>" for user in users[:20])
            if who:
                title = self.message(Reply(title=reply.title), request.place).text
                thread = request.place.thread or ("" if reference["channel"].startswith("D") else reference["ts"])
                arguments = {"channel": reference["channel"], "thread_ts": thread or None}
                posted = api.call("chat.postMessage", **arguments, text=f"{who} {title}", unfurl_links=False)
                reference = {**reference, "call": posted.get("ts"), "called": request.seal}
        return reference

    def withdraw(self, response_url: str) -> None:
        """Take away a message that one person alone saw."""
        self._respond(response_url, {"delete_original": True})

    def _note(
        self, request: Request, reference: dict[str, Any], *, failed: str = "", version: int | None = None
    ) -> None:
        self._deliveries.note(
            Delivery(
                request=request.id,
                place_key=request.place.key,
                surface="slack",
                reference=reference,
                version=request.version if version is None else version,
                failed=failed,
                updated_at=self._clock.now(),
            )
        )

    def _remember(self, request_id: str) -> _Recent:
        with self._lock:
            recent = self._recent.setdefault(request_id, _Recent())
            self._recent.move_to_end(request_id)
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
            return recent

    def _later(self, recent: _Recent, request: Request, error: SlackFailed, now: datetime) -> datetime | None:
        if now - request.updated_at > GIVE_UP:
            log.error("the card of %s was not delivered within a day: %s", request.id, error)
            self._note(request, dict(self.reference(request)), failed=str(error))
            return None
        pause = PAUSES[min(recent.failures, len(PAUSES) - 1)]
        if isinstance(error, Limited):
            pause = error.after
        recent.failures += 1
        recent.not_before = now + timedelta(seconds=pause)
        log.warning("the card of %s waits %.0f s: %s", request.id, pause, error)
        return recent.not_before


def _wait(recent: _Recent, now: datetime) -> datetime | None:
    if recent.not_before is not None and now < recent.not_before:
        return recent.not_before
    if recent.drawn_at is not None and now - recent.drawn_at < A_MESSAGE:
        return recent.drawn_at + A_MESSAGE
    return None


def _edit(api: Api, channel: str, ts: str, message: Message) -> None:
    _with_words(message, lambda drawn: api.call("chat.update", channel=channel, ts=ts, **drawn))


def _with_words(message: Message, send: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Send a message; one that Slack does not take is a fault of ours, but its words still have to arrive."""
    try:
        return send(_arguments(message))
    except Declined as error:
        if "blocks" not in error.code:
            raise
        log.error("Slack refused blocks, only their text is sent: %s", error)  # noqa: TRY400 - told in one line
        return send({"text": message.text, "blocks": []})


def _arguments(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _digest(message: Message) -> str:
    # Offers keep their ids, so a card that looks the same is the same.
    return hashlib.sha256(json.dumps(_arguments(message), sort_keys=True).encode()).hexdigest()[:16]
