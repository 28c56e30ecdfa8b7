"""Draws replies as messages, and keeps what their buttons hold: all of one message's in one step."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from actions.core.places import Place
from actions.core.ports.ledger import Offer, Offers
from actions.core.ports.surroundings import Clock, Ids
from actions.core.reply import Reply
from actions.core.request import Request
from bot.surfaces.slack.people import People
from bot.surfaces.slack.render import Look, Message, draw


@dataclass(frozen=True)
class Drawn:
    """A message, and what is yet to be kept for its buttons to work.

    Attributes:
        message: as the Web API takes it.
        offers: what its new buttons hold.
    """

    message: Message
    offers: Sequence[Offer] = ()


class Drawing:
    """Draws replies.

    Args:
        people: who is who.
        offers: keeps what buttons hold.
        clock: the time.
        ids: identifiers of offers.
        page: the address of the page on which all of a request can be read; empty where there is none.
    """

    def __init__(
        self, *, people: People, offers: Offers, clock: Clock, ids: Ids, page: Callable[[Request], str]
    ) -> None:
        self._people = people
        self._offers = offers
        self._clock = clock
        self._ids = ids
        self._page = page

    def message(self, reply: Reply, place: Place) -> Message:
        """A reply that is no request's card as a message for a place, with what its buttons hold kept."""
        held = self._held(place)
        message = draw(reply, self._look(held))
        if held.new:
            # Drawn once more where some of it stood already, with the buttons that stand.
            twins = self._offers.keep(held.new)
            if twins:
                held.standing = {key: twins.get(offer_id, offer_id) for key, offer_id in held.given.items()}
                message = draw(reply, self._look(held))
        return message

    def card(self, reply: Reply, request: Request, *, first: bool = False, rated: bool = False) -> Drawn:
        """A request's card as a message for its place; what its buttons hold is yet to be kept.

        Args:
            reply: the card.
            request: the request.
            first: whether it is hardly possible that it was drawn before.
            rated: whether people may say what they think of it.
        """
        held = self._held(request.place, request, () if first else self._offers.of(request.id))
        look = self._look(held, request=request, feedback=request.id if rated else "")
        message = draw(reply, look)
        return Drawn(message, held.new)

    def in_view(self, place: Place, request: Request | None) -> Look:
        """What drawing into a view needs to know; what its buttons hold is kept at once."""
        return self._look(self._offers_at_once(place, request), request=request)

    def _offers_at_once(self, place: Place, request: Request | None) -> Callable[..., str]:
        def hold(action: str, parameters: Mapping[str, JsonValue]) -> str:
            return self._offers.offer(self._offer(place, request, action, parameters))

        return hold

    def _held(self, place: Place, request: Request | None = None, standing: Sequence[Offer] = ()) -> _Held:
        known = {_key(offer.action, offer.parameters): offer.id for offer in standing}
        return _Held(lambda action, parameters: self._offer(place, request, action, parameters), known)

    def _offer(self, place: Place, request: Request | None, action: str, parameters: Mapping[str, JsonValue]) -> Offer:
        return Offer(
            id=self._ids.new(),
            request=request.id if request else None,
            action=action,
            parameters=dict(parameters),
            place_key=place.key,
            created_at=self._clock.now(),
        )

    def _look(self, hold: Callable[..., str], *, request: Request | None = None, feedback: str = "") -> Look:
        def more() -> str:
            return self._page(request) if request is not None else ""

        return Look(users=self._people.user_of, hold=hold, more=more, feedback=feedback)


class _Held:
    """What the buttons of one drawing hold.

    Args:
        make: makes an offer.
        standing: the ids of those that are kept already.
    """

    def __init__(self, make: Callable[[str, Mapping[str, JsonValue]], Offer], standing: dict[str, str]) -> None:
        self._make = make
        self.standing = standing
        self.given: dict[str, str] = {}
        self.new: list[Offer] = []

    def __call__(self, action: str, parameters: Mapping[str, JsonValue]) -> str:
        key = _key(action, parameters)
        known = self.standing.get(key) or self.given.get(key)
        if known is not None:
            return known
        offer = self._make(action, parameters)
        self.new.append(offer)
        self.given[key] = offer.id
        return offer.id


def _key(action: str, parameters: Mapping[str, JsonValue]) -> str:
    return json.dumps([action, parameters], sort_keys=True)
