"""Playbooks at work: woken by events, times and people; next steps taken; merged what has earned it. Each thing once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import JsonValue

from actions.core.event import Event
from actions.core.organization import Organization, Team
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.ports.autonomy import Stage
from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.request import Origin, Proposal, Request, State
from actions.fix import Fix, fix_of
from actions.gate.desk import GateDesk
from playbooks.engine import PREFIX, Engine, requester
from playbooks.playbook import Playbook
from playbooks.triggers import due, meant_for

log = logging.getLogger("shipmate.playbooks")

LATELY = timedelta(hours=2)
"""How long ago somebody may have set going what failed now, to be told of it in their own thread."""
CATCH_UP = timedelta(minutes=10)
"""A time that came while nothing ran is made up for within this long."""
FOLLOWED = timedelta(days=2)
"""How long the steps of a run are looked after."""
_MOST = 200


class Playing:
    """Has playbooks act through the gate. Any number of processes may do so at once: every cause is known once.

    Args:
        desk: the gate, and what people do to requests.
        playbooks: gives every playbook by name.
    """

    def __init__(self, desk: GateDesk, playbooks: Callable[[], Mapping[str, Playbook]]) -> None:
        self._desk = desk
        self._gate = desk.gate
        self._playbooks = playbooks
        self._looked: datetime | None = None
        self._over: dict[str, None] = {}

    @property
    def _organization(self) -> Organization:
        return self._gate.tools.organization

    @property
    def _ledger(self) -> Ledger:
        return self._gate.ledger

    @property
    def _engine(self) -> Engine:
        return Engine(
            playbooks=self._playbooks(),
            submit=self._gate.submit,
            known=self._ledger.by_cause,
            cancel=self._desk.cancel,
            place=self.place,
            on_behalf=self.on_behalf,
            told_at=self._told_at,
        )

    # -- by people --------------------------------------------------------------------------------------------------

    def names(self) -> Sequence[str]:
        """Every playbook's name."""
        return sorted(self._playbooks())

    def by_hand(self) -> Sequence[str]:
        """The names of those that people start."""
        return sorted(name for name, playbook in self._playbooks().items() if playbook.by_hand and playbook.enabled)

    def run(
        self, name: str, *, by: Requester, place: Place, cause: str, service: str | None, environment: str | None
    ) -> Request | None:
        """Begin a run on a person's behalf, once for its cause."""
        facts: dict[str, JsonValue] = {"by": by.name}
        if environment is not None:
            facts["environment"] = environment
        now = self._gate.clock.now()
        # Both are names of the configuration, which the verb has resolved, or the door has established.
        event = Event(
            id=f"hand/{cause}", name="started.by_hand", at=now, service=service, facts=facts, vouched=tuple(facts)
        )
        return self._engine.begin(self._playbooks()[name], event, now=now, place=place, behalf=by.name)

    # -- by events and times ----------------------------------------------------------------------------------------

    def happened(self, event: Event) -> list[Request]:
        """Wake the playbooks that an event wakes."""
        return self._engine.happened(event, now=self._gate.clock.now())

    def went_on(self, request: Request) -> None:
        """Do what comes after a request of a playbook: its next step, an earned merge, playbooks for what was diagnosed."""
        if not request.requester.is_machine or not request.state.is_final:
            return
        if request.occasion is not None:
            self._engine.went_on(request, now=self._gate.clock.now())
        fix = fix_of(request)
        if fix is not None:
            self._merge(request, fix)
            self._diagnosed(request, fix)

    def tick(self) -> None:
        """Begin what is due; take up steps that nobody heard of, that wait to be tried again, or are over time."""
        now = self._gate.clock.now()
        since = max(self._looked or now - CATCH_UP, now - CATCH_UP)
        engine = self._engine
        for playbook, minute in due(engine.playbooks.values(), since, now):
            event = Event(id=f"cron/{minute:%Y-%m-%dT%H:%M}", name="time.due", at=now)
            engine.begin(playbook, event, now=now)
        self._looked = now
        for playbook in engine.playbooks.values():
            if playbook.steps:
                self._follow(engine, playbook, now)
        merging = RequestQuery(actions=("fix_pipeline",), states=(State.DONE,), since=now - LATELY, limit=_MOST)
        for request in self._ledger.find(merging):
            if request.id not in self._over:
                self._remember(request.id)
                self.went_on(request)

    def _follow(self, engine: Engine, playbook: Playbook, now: datetime) -> None:
        query = RequestQuery(requester=f"{PREFIX}:{playbook.name}", since=now - FOLLOWED, limit=_MOST)
        runs: dict[str, Request] = {}
        for request in self._ledger.find(query):
            if request.occasion is not None:
                runs.setdefault(f"{playbook.name}/{request.occasion.of}", request)
        for key, newest in runs.items():
            if key in self._over:
                continue
            made = engine.went_on(newest, now=now)
            if made is None and newest.state.is_final and not _may_wait(playbook, newest):
                self._remember(key)

    def _remember(self, key: str) -> None:
        self._over[key] = None
        while len(self._over) > 10 * _MOST:
            self._over.pop(next(iter(self._over)))

    def _merge(self, request: Request, fix: Fix) -> None:
        """Ask the gate to merge what is proven, where the playbook has earned that: with or without somebody's approval."""
        if fix.outcome != "proposed" or fix.stage not in {Stage.APPROVE, Stage.AUTO}:
            return
        self._gate.submit(
            Proposal(
                action="merge_fix",
                parameters={"request": request.id},
                requester=requester(fix.playbook, request.requester.on_behalf_of),
                place=request.place,
                cause=f"{PREFIX}/{fix.playbook}/merge/{request.id}",
                origin=Origin.PLAYBOOK,
            )
        )

    def _diagnosed(self, request: Request, fix: Fix) -> None:
        """Wake the playbooks with steps of their own that are for what was diagnosed."""
        engine = self._engine
        for playbook in meant_for(engine.playbooks.values(), fix.diagnosis):
            facts: dict[str, JsonValue] = {
                "project": fix.pipeline.project,
                "pipeline": fix.pipeline.id,
                "ref": fix.pipeline.ref,
                "sha": fix.pipeline.sha,
                "category": fix.diagnosis.category.value,
                "fingerprint": fix.diagnosis.fingerprint,
                "root_cause": fix.diagnosis.root_cause,
                "outcome": fix.outcome,
                "request": request.id,
            }
            event = Event(
                id=f"diagnosed/{request.id}",
                name="failure.diagnosed",
                at=request.updated_at,
                service=fix.service,
                facts=facts,
                vouched=("project", "pipeline", "category", "fingerprint", "outcome", "request"),
            )
            now, behalf = self._gate.clock.now(), request.requester.on_behalf_of
            engine.begin(playbook, event, now=now, place=request.place, behalf=playbook.on_behalf_of or behalf)

    # -- for whom, and where ----------------------------------------------------------------------------------------

    def on_behalf(self, event: Event) -> str | None:
        """The person who caused an event, where the configuration knows them; else the team that owns the service."""
        said = event.facts.get("user")
        user = said.casefold() if isinstance(said, str) else ""
        for person in self._organization.people:
            if user and user in {person.name.casefold(), (person.gitlab or person.name).casefold()}:
                return person.name
        owners = self._owners(event)
        return owners[0] if owners else None

    def _owners(self, event: Event) -> Sequence[str]:
        known = {service.name: service.owners for service in self._organization.services}
        return known.get(event.service or "", ())

    def place(self, event: Event) -> Place:
        """Where an event is told: the thread in which it was set going, else the owners' channel."""
        return self._thread(event) or self.channel(event)

    def _thread(self, event: Event) -> Place | None:
        if event.service is None:
            return None
        query = RequestQuery(service=event.service, since=self._gate.clock.now() - LATELY, limit=50)
        sha, number, project = (event.facts.get(key) for key in ("sha", "pipeline", "project"))
        for request in self._ledger.find(query):
            known = {**(request.handle or {}), **(request.result if isinstance(request.result, dict) else {})}
            if request.requester.is_machine:
                continue
            if sha and sha == known.get("sha"):
                return request.place
            if number and (number, project) == (known.get("pipeline"), known.get("project")):
                return request.place
        return None

    def channel(self, event: Event) -> Place:
        """The channel of the team that owns what an event is about; nowhere to be seen, where it has none."""
        owners = self._owners(event)
        found = (place_of(team) for team in self._organization.teams if team.name in owners)
        return next((place for place in found if place is not None), Place(surface="api", channel="events"))

    def _told_at(self, playbook: Playbook) -> Place | None:
        notify = playbook.notify
        if notify is None:
            return None
        if notify.slack:
            return Place(surface="slack", channel=notify.slack)
        return next((place_of(team) for team in self._organization.teams if team.name == notify.team), None)


def place_of(team: Team) -> Place | None:
    """Where a team is told of things; None where it has no channel."""
    if team.slack_channel:
        return Place(surface="slack", channel=team.slack_channel)
    if team.teams_conversation:
        return Place(surface="teams", channel=team.teams_conversation)
    return None


def _may_wait(playbook: Playbook, newest: Request) -> bool:
    """Whether a run whose newest request is over may still go on later: another try of a step that failed."""
    if newest.state is State.DONE:
        return False
    return any(step.retry is not None for step in playbook.steps)
