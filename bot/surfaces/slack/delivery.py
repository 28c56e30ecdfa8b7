"""Keeps the one card of a request up to date: throttled, recorded, and delivered elsewhere where it must be."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from actions.core.ports.ledger import Deliveries, Delivery, Offer
from actions.core.ports.surroundings import Clock
from actions.core.reply import Reply, Tone
from actions.core.request import Request, State
from bot.conversation import Conversation
from bot.surfaces.slack.again import pause_after
from bot.surfaces.slack.calling import Calls, is_direct
from bot.surfaces.slack.client import Declined, Down, Gone, Limited, Locked, SlackFailed
from bot.surfaces.slack.drawing import Drawing
from bot.surfaces.slack.people import People
from bot.surfaces.slack.places import SURFACE, place_of
from bot.surfaces.slack.posting import Posting, arguments
from bot.surfaces.slack.render import Message
from bot.surfaces.slack.streaming import Streams

log = logging.getLogger("shipmate.slack")

A_MESSAGE = timedelta(seconds=1)
"""Slack wants a message edited about once a second at most."""
QUICK = timedelta(seconds=0.4)
"""How long a read may take before a card says that it is under way; most answer before, and are posted once."""
A_WORD = timedelta(seconds=0.8)
"""How long somebody whom an answer is for alone may wait before they are told that it comes."""
AT_IT = "I am at it; the answer follows."
MADE_NOW = timedelta(seconds=2)
"""How young a request is that was made by what is being handled; after a crash it takes longer until it is taken over."""
GIVE_UP = timedelta(hours=24)
"""A card that could not be drawn for so long is recorded as failed."""
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
        drawing: draws replies as messages.
        posting: sends messages.
        people: who is who.
        conversation: says what a card is to show.
        deliveries: how far cards have been drawn.
        clock: the time.
        streams: shows answers while they are written.
    """

    def __init__(
        self,
        *,
        drawing: Drawing,
        posting: Posting,
        people: People,
        conversation: Conversation,
        deliveries: Deliveries,
        clock: Clock,
        streams: Streams,
    ) -> None:
        self._drawing = drawing
        self._posting = posting
        self._people = people
        self._conversation = conversation
        self._deliveries = deliveries
        self._clock = clock
        self._streams = streams
        self._calls = Calls(drawing=drawing, posting=posting, people=people)
        self._lock = Lock()
        self._recent: OrderedDict[str, _Recent] = OrderedDict()

    def show(self, request: Request, reply: Reply | None = None) -> datetime | None:
        """Bring a request's card up to date.

        Args:
            request: as the ledger has it now.
            reply: its card, where it was made already.

        Returns:
            When to call again, where it cannot be drawn now; None where nothing is left to do.
        """
        now = self._clock.now()
        known = self._deliveries.get(request.id, request.place.key)
        draft = self._conversation.cards.draft(request)
        owed = known is not None and _owes_a_word(request, known.reference)
        if known is not None and known.version >= request.version and not draft and not owed:
            return None
        waits = known is None and not request.changes and not request.state.is_settled and not draft
        recent = self._remember(request.id)
        # A quick read answers before it is due, and then has one message and not two.
        due = request.created_at + QUICK
        wait = due if waits and now < due else _wait(recent, now)
        if wait is not None:
            return wait
        # What was made this moment cannot have a card that nobody noted; anything else may, after a crash or a broken
        # connection, and is looked for.
        made_now = now - request.created_at < MADE_NOW and not recent.failures
        reference = dict(known.reference) if known else {}
        reply = reply or self._conversation.card(request)
        try:
            reference, holding = self._deliver(request, reply, reference, draft=draft, look=not made_now)
        except (Limited, Down, Locked) as error:
            return self._later(recent, request, error, self._clock.now())
        except SlackFailed as error:
            log.error("the card of %s cannot be delivered: %s", request.id, error)  # noqa: TRY400 - told in one line
            self._note(request, reference, failed=str(error))
            return None
        recent.not_before, recent.failures = None, 0
        # Only edits are held back; what one person alone is told is none.
        recent.drawn_at = None if "private" in reference else now
        if not self._note(request, reference, holding=holding):
            return now + A_MESSAGE
        return request.created_at + A_WORD if _owes_a_word(request, reference) else None

    def settle_privately(self, request: Request, user: str, response_url: str = "", channel: str = "") -> None:
        """Have a request answered to one person alone; nothing of it is posted for others."""
        known = self._deliveries.get(request.id, request.place.key)
        if known is None:
            private = {"user": user, "response_url": response_url, "channel": channel}
            self._note(request, {"private": private}, version=0)

    def settle_silently(self, request: Request) -> None:
        """Have a request count as delivered: the card of another shows what came of it."""
        self._note(request, {"silent": True})

    def has_drawn(self, request_id: str) -> bool:
        """Whether this process has drawn a request's card."""
        recent = self._recent.get(request_id)
        return recent is not None and recent.drawn_at is not None

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

    def _deliver(
        self, request: Request, reply: Reply, reference: dict[str, Any], *, draft: str, look: bool
    ) -> tuple[dict[str, Any], Sequence[Offer]]:
        """Show a card where it belongs: where it stands now, and what is yet to be kept of its buttons."""
        if reference.get("silent"):
            return reference, ()
        if "private" not in reference and self._is_private(request):
            user = self._people.user_of(request.requester.name)
            if user is None:
                log.warning("%s is for %s alone, whom Slack does not know", request.id, request.requester.name)
                return {"silent": True}, ()
            reference["private"] = {"user": user, "response_url": "", "channel": request.place.channel}
        # Where a card may stand already that nobody noted, no stream is begun beside it.
        if "private" not in reference and not request.state.is_settled and (reference or not look):
            streamed = self._streams.show(request, reference, draft)
            if streamed is not None:
                return streamed, ()
            if self._says_that_it_comes(request, reference):
                return {**reference, "status": True}, ()
        drawn = self._drawing.card(reply, request, first=not reference and not look, rated=self._is_answer(request))
        if "private" in reference:
            return self._privately(request, drawn.message, reference), drawn.offers
        digest = _digest(drawn.message)
        if reference.get("digest") != digest:
            reference = self._put(request, drawn.message, reference, look=look)
            reference["digest"] = digest
        return self._calls.update(request, reply, drawn.message, reference), drawn.offers

    def _says_that_it_comes(self, request: Request, reference: Mapping[str, Any]) -> bool:
        """Whether an assistant's status says that an answer comes; elsewhere, and for what changes things, a card does."""
        place = request.place
        if request.changes or reference.get("ts") or not (place.thread and place.channel.startswith("D")):
            return False
        if not reference.get("status"):
            try:
                self._posting.be_at_it(place)
            except SlackFailed as error:
                log.info("a card says that the answer to %s comes: %s", request.id, error)
                return False
        return True

    def _is_private(self, request: Request) -> bool:
        """Whether the answer is for the one who asked alone, wherever they asked."""
        catalog = self._conversation.gate.catalog
        return request.action in catalog and catalog[request.action].policy.private

    def _is_answer(self, request: Request) -> bool:
        """Whether it told somebody something, which may have helped or not; decisions and changes are not rated."""
        catalog = self._conversation.gate.catalog
        read = request.action in catalog and catalog[request.action].policy.only_looks
        return read and request.state is State.DONE

    def _privately(self, request: Request, message: Message, reference: dict[str, Any]) -> dict[str, Any]:
        to = reference["private"]
        if request.state.is_settled and not reference.get("told"):
            self._posting.whisper(request.place, to["user"], message, to["response_url"])
            return {**reference, "told": True}
        if _owes_a_word(request, reference) and self._clock.now() >= request.created_at + A_WORD:
            word = self._drawing.message(Reply(title=AT_IT, tone=Tone.WORKING), request.place)
            self._posting.whisper(request.place, to["user"], word, to["response_url"])
            return {**reference, "word": True}
        return reference

    def _put(self, request: Request, message: Message, reference: dict[str, Any], *, look: bool) -> dict[str, Any]:
        """Edit the card where it stands; else post it, in its thread or directly to the one who asked."""
        place = request.place
        if not reference.get("ts") and look:
            found = self._posting.found_again(place, _mark(request), request.created_at)
            reference = {**reference, **(found or {})}
        reference = self._streams.end(request, reference)
        if reference.get("ts"):
            try:
                self._posting.edit(place.tenant, reference["channel"], reference["ts"], message)
            except (Gone, Declined) as error:
                log.warning("the card of %s is posted anew: %s", request.id, error)
            else:
                return reference
        try:
            posted = self._posting.post(place, message, _mark(request))
        except (Gone, Declined) as error:
            user = self._people.user_of(request.requester.on_behalf_of or request.requester.name)
            if user is None:
                raise
            log.warning("the card of %s goes to %s directly: %s", request.id, request.requester.name, error)
            posted = self._posting.post(place_of(place.tenant, user, ""), message, _mark(request))
        reference = {"channel": posted.get("channel"), "ts": posted.get("ts")}
        if request.state is State.AWAITING_APPROVAL and not is_direct(reference):
            # A new message calls by itself those whom it mentions.
            reference["called"] = request.seal
        return reference

    def _note(
        self,
        request: Request,
        reference: dict[str, Any],
        *,
        failed: str = "",
        version: int | None = None,
        holding: Sequence[Offer] = (),
    ) -> bool:
        return self._deliveries.note(
            Delivery(
                request=request.id,
                place_key=request.place.key,
                surface=SURFACE,
                reference=reference,
                version=request.version if version is None else version,
                failed=failed,
                updated_at=self._clock.now(),
            ),
            holding=holding,
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
        pause = pause_after(error, recent.failures)
        recent.failures += 1
        recent.not_before = now + timedelta(seconds=pause)
        log.warning("the card of %s waits %.0f s: %s", request.id, pause, error)
        return recent.not_before


def _mark(request: Request) -> Mapping[str, str]:
    """What a card is found again by."""
    return {"request": request.id}


def _owes_a_word(request: Request, reference: Mapping[str, Any]) -> bool:
    """Whether one person alone waits for an answer and has heard nothing yet."""
    return "private" in reference and not reference.get("word") and not request.state.is_settled


def _wait(recent: _Recent, now: datetime) -> datetime | None:
    if recent.not_before is not None and now < recent.not_before:
        return recent.not_before
    if recent.drawn_at is not None and now - recent.drawn_at < A_MESSAGE:
        return recent.drawn_at + A_MESSAGE
    return None


def _digest(message: Message) -> str:
    # Offers keep their ids, so a card that looks the same is the same.
    return hashlib.sha256(json.dumps(arguments(message), sort_keys=True).encode()).hexdigest()[:16]
