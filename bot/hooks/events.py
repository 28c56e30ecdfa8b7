"""What the listener does about events: wakes playbooks, takes their next steps, and merges what has earned it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from actions.core.event import Event
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.ports.autonomy import Stage
from actions.core.ports.ledger import RequestQuery
from actions.core.ports.messaging import Delivered
from actions.core.request import Origin, Proposal, Request, State
from actions.fix import fix_of
from bot.assembly import House
from bot.hooks.gitlab import KIND
from bot.hooks.outcomes import learned
from playbooks.engine import PREFIX, Engine
from playbooks.playbook import Playbook

log = logging.getLogger("shipmate.events")

LATELY = timedelta(hours=2)
"""How long ago somebody may have set going what failed now, to be told of it in their own thread."""


class Events:
    """Handles events in the listener.

    Args:
        house: Shipmate, put together.
        playbooks: every playbook by name.
    """

    def __init__(self, house: House, playbooks: Mapping[str, Playbook]) -> None:
        self._house = house
        self._engine = Engine(playbooks, house.gate.submit, self.place, self._owner)

    def handlers(self) -> Mapping[str, Callable[[Delivered], None]]:
        """Kind of delivery → what handles it."""
        return {KIND: self.happened}

    def happened(self, delivered: Delivered) -> None:
        """Wake the playbooks that an event wakes."""
        event = Event.model_validate(delivered.body)
        now, gate = self._house.clock.now(), self._house.gate
        # What is learned of earlier fixes counts for what is done next.
        made = [gate.submit(each) for each in learned(event, self._house.kept.ledger, self._channel(event), now)]
        made += self._engine.happened(event)
        log.info("%s made %s", event.id, ", ".join(request.id for request in made) or "nothing")

    def draw(self, request_id: str) -> None:
        """Take a playbook's next step when one has ended, and merge a proven fix where that was earned."""
        request = self._house.kept.ledger.get(request_id)
        if request is None or request.state is not State.DONE or not request.requester.is_machine:
            return
        self._engine.went_on(request)
        self._merge(request)

    def _merge(self, request: Request) -> None:
        """Ask the gate to merge what is proven, where the playbook has earned that: with or without somebody's approval."""
        fix = fix_of(request)
        if fix is None or fix.outcome != "proposed" or fix.stage not in {Stage.APPROVE, Stage.AUTO}:
            return
        playbook = Requester(
            name=f"playbook:{fix.playbook}", standing=Standing.MACHINE, on_behalf_of=request.requester.on_behalf_of
        )
        self._house.gate.submit(
            Proposal(
                action="merge_fix",
                parameters={"request": request.id},
                requester=playbook,
                place=request.place,
                cause=f"{PREFIX}/{fix.playbook}/merge/{request.id}",
                origin=Origin.PLAYBOOK,
            )
        )

    def redraw_lagging(self) -> None:
        """There are no cards of events."""

    def close(self) -> None:
        """There is nothing to end."""

    def place(self, event: Event) -> Place:
        """Where an event is told: the thread in which it was set going, else the owners' channel."""
        return self._thread(event) or self._channel(event)

    def _thread(self, event: Event) -> Place | None:
        query = RequestQuery(service=event.service, since=self._house.clock.now() - LATELY, limit=50)
        for request in self._house.kept.ledger.find(query):
            known = {**(request.handle or {}), **(request.result if isinstance(request.result, dict) else {})}
            if request.requester.is_machine:
                continue
            number = event.facts.get("pipeline")
            of_it = number is not None and number == known.get("pipeline")
            if (sha := event.facts.get("sha")) and sha == known.get("sha"):
                return request.place
            if of_it and known.get("project") == event.facts.get("project"):
                return request.place
        return None

    def _channel(self, event: Event) -> Place:
        organization = self._house.organization
        owners = organization.service(event.service).owners if event.service else ()
        for team in organization.teams:
            if team.name in owners and team.slack_channel:
                return Place(surface="slack", channel=team.slack_channel)
            if team.name in owners and team.teams_conversation:
                return Place(surface="teams", channel=team.teams_conversation)
        return Place(surface="api", channel="events")

    def _owner(self, event: Event) -> str | None:
        owners = self._house.organization.service(event.service).owners if event.service else ()
        return owners[0] if owners else None
