"""Links to the page of one request: an id in the ledger that nobody can guess is the whole right to read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from actions.core.ports.ledger import Offer, Offers
from actions.core.ports.surroundings import Clock, Ids
from actions.core.request import Request

PATH = "/r/"
HOLDS = timedelta(days=7)
"""How long a link can be followed."""
_READ = "page"


@dataclass(frozen=True)
class Links:
    """Makes links and takes them.

    A link stands where the card stands, so whoever can see the card can read its page, and nobody else learns its address.

    Attributes:
        offers: where it is kept what a link leads to, as it is for buttons.
        clock: the time.
        ids: identifiers that nobody can guess.
        address: how people reach `web`, without a slash at the end.
    """

    offers: Offers
    clock: Clock
    ids: Ids
    address: str

    def to(self, request: Request) -> str:
        """The address of a request's page; the same one each time."""
        offer = Offer(
            id=self.ids.new(),
            request=request.id,
            action=_READ,
            parameters={},
            place_key=request.place.key,
            created_at=self.clock.now(),
        )
        return f"{self.address}{PATH}{self.offers.offer(offer)}"

    def leads_to(self, token: str) -> str | None:
        """The id of the request that a link leads to; None for one that never was or holds no longer."""
        offer = self.offers.get(token)
        if offer is None or offer.action != _READ or self.clock.now() - offer.created_at > HOLDS:
            return None
        return offer.request
