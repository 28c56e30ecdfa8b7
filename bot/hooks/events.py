"""What the listener does about events: notes what they tell of earlier fixes, wakes playbooks, and takes their next steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from actions.core.event import Event
from actions.core.ports.messaging import Change, Delivered
from bot.hooks.gitlab import KIND
from bot.hooks.outcomes import learned
from bot.house import House

log = logging.getLogger("shipmate.events")


class Events:
    """Handles events in the listener.

    Args:
        house: Shipmate, put together.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._playing = house.playing

    def handlers(self) -> Mapping[str, Callable[[Delivered], None]]:
        """Kind of delivery → what handles it."""
        return {KIND: self.happened}

    def happened(self, delivered: Delivered) -> None:
        """Wake the playbooks that an event wakes."""
        event = Event.model_validate(delivered.body)
        now, gate = self._house.clock.now(), self._house.gate
        # What is learned of earlier fixes counts for what is done next.
        channel = self._playing.channel(event)
        made = [gate.submit(each) for each in learned(event, self._house.kept.ledger, channel, now)]
        made += self._playing.happened(event)
        log.info("%s made %s", event.id, ", ".join(request.id for request in made) or "nothing")

    def draw(self, change: Change) -> None:
        """Go on with a playbook when one of its requests has ended."""
        request = self._house.kept.ledger.get(change.request) if change.settled else None
        if request is not None:
            self._playing.went_on(request)

    def redraw_lagging(self) -> None:
        """There are no cards of events; steps that nobody heard of are the clock's to take up."""

    def close(self) -> None:
        """There is nothing to end."""
