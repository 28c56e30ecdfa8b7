"""Has a playbook's steps done: each is a request of `playbook:<name>` that passes the gate like anybody's.

A run is kept nowhere but in the ledger: a step's request is found by its cause, which is made of the playbook, the step and
what woke it, and carries the event. So any process can take the next step, twice over without harm, and after any crash.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from actions.core.errors import ShipmateError, Unreachable
from actions.core.event import Event
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.request import Occasion, Origin, Proposal, Request, State
from playbooks import expressions
from playbooks.playbook import Playbook, StepOf
from playbooks.triggers import woken
from playbooks.values import resolved, sources

log = logging.getLogger("shipmate.playbooks")

PREFIX = "playbook"
_TELL = "tell"


@dataclass(frozen=True)
class Engine:
    """Wakes playbooks and takes their steps.

    Attributes:
        playbooks: every playbook by name.
        submit: the gate; a cause that is known already answers with the request it made.
        known: the request that a cause made; None where it made none.
        cancel: ends a request on a requester's word.
        place: where the cards of what an event causes are shown.
        on_behalf: the person or team for whom a playbook acts on an event.
        told_at: where those are told whom a playbook's `notify` names; None where they have no place.
    """

    playbooks: Mapping[str, Playbook]
    submit: Callable[[Proposal], Request]
    known: Callable[[str], Request | None]
    cancel: Callable[[str, Requester], object]
    place: Callable[[Event], Place]
    on_behalf: Callable[[Event], str | None]
    told_at: Callable[[Playbook], Place | None]

    def happened(self, event: Event, *, now: datetime) -> list[Request]:
        """Wake the playbooks that an event wakes; telling it again does nothing more.

        Raises:
            Unreachable: the ledger does not answer; the event is to be told again.
        """
        made = [self.begin(playbook, event, now=now) for playbook in woken(self.playbooks.values(), event)]
        return [request for request in made if request is not None]

    def begin(
        self,
        playbook: Playbook,
        event: Event,
        *,
        now: datetime,
        place: Place | None = None,
        behalf: str | None = None,
    ) -> Request | None:
        """Take the first step of a playbook's run.

        Args:
            playbook: the playbook.
            event: what wakes it.
            now: the time.
            place: where its cards are shown, if not where the event says.
            behalf: for whom it acts, if not for whom the playbook or the event says.
        """
        for_whom = behalf or playbook.on_behalf_of or self.on_behalf(event)
        run = Run(self, playbook, event.model_dump(mode="json"), event.id, place or self.place(event), for_whom)
        return run.go_on(now)

    def went_on(self, request: Request, *, now: datetime) -> Request | None:
        """Take what comes next in a request's run: the next step, another try, an undoing, the word at the end."""
        occasion = request.occasion
        playbook = self.playbooks.get(occasion.playbook) if occasion else None
        if occasion is None or playbook is None or occasion.part == "told":
            return None
        place = request.place
        run = Run(self, playbook, occasion.event, occasion.of, place, request.requester.on_behalf_of)
        return run.go_on(now)


@dataclass(frozen=True)
class Run:
    """One run of a playbook, as the ledger has it.

    Attributes:
        event: what woke it, as plain data.
        of: unique for that.
        place: where its cards are.
        behalf: for whom it acts.
    """

    engine: Engine
    playbook: Playbook
    event: dict[str, JsonValue]
    of: str
    place: Place
    behalf: str | None

    def go_on(self, now: datetime) -> Request | None:
        """Do what is next, if anything is; the request that it made."""
        if self._known("~", "told", 1) is not None:
            return None
        try:
            return self._next(now)
        except Unreachable:
            raise
        except (expressions.BadExpression, ShipmateError) as error:
            log.exception("the playbook %s cannot go on", self.playbook.name)
            return self._told("failed", f"It cannot go on: {error}", always=True)

    def _next(self, now: datetime) -> Request | None:
        done: list[tuple[StepOf, Request]] = []
        for step in self.playbook.steps:
            last = self._last(step)
            if last is None:
                if step.when is not None and not expressions.evaluate(step.when, self._names(done)):
                    continue
                return self._take(step, step.action, step.parameters, self._names(done), attempt=1)
            if not last.state.is_final:
                self._mind_time(step, last, now)
                return None
            if last.state is State.DONE:
                done.append((step, last))
                continue
            if self._may_try_again(step, last):
                attempt = (last.occasion.attempt if last.occasion else 1) + 1
                if last.finished_at is not None and step.retry and now < last.finished_at + step.retry.after:
                    return None
                return self._take(step, step.action, step.parameters, self._names(done), attempt=attempt)
            return self._undo(done, f"{step.id} ({last.id}) {last.outcome or last.state.value}: {last.message}".strip())
        return self._judge(done)

    def _judge(self, done: Sequence[tuple[StepOf, Request]]) -> Request | None:
        """All steps are done, or passed over: see whether that is a success."""
        criterion = self.playbook.criterion
        if criterion.when is not None and not expressions.evaluate(criterion.when, self._names(done)):
            why = f"It is not what counts as success: {criterion.says or criterion.when}"
            return self._undo(done, why, always=True)
        return self._told("succeeded", criterion.says)

    def _undo(self, done: Sequence[tuple[StepOf, Request]], why: str, *, always: bool = False) -> Request | None:
        """Take back what was done, the last first; then tell."""
        undone = []
        for step, _ in reversed(done):
            if step.undo is None:
                continue
            found = self._known(step.id, "undo", 1)
            if found is None:
                return self._take(
                    step, step.undo.action, step.undo.parameters, self._names(done), attempt=1, undoing=True
                )
            if not found.state.is_final:
                return None
            undone.append(
                f"{step.id} {'was taken back' if found.state is State.DONE else 'could not be taken back'} ({found.id})"
            )
        return self._told("failed", ". ".join([why.rstrip("."), *undone]) + ".", always=always)

    def _told(self, end: str, says: str, *, always: bool = False) -> Request | None:
        """Tell people how it ended, where the playbook has them told, or where nothing else would say so."""
        notify = self.playbook.notify
        if not always and (notify is None or end not in notify.on):
            return None
        text = f"{self.playbook.title}: {end}\n{says}".strip()
        occasion = Occasion(playbook=self.playbook.name, step="~", part="told", of=self.of, event=self.event)
        return self.engine.submit(
            Proposal(
                action=_TELL,
                parameters={"text": text[:2000]},
                requester=requester(self.playbook.name, self.behalf),
                place=self.engine.told_at(self.playbook) or self.place,
                cause=cause_of(occasion),
                origin=Origin.PLAYBOOK,
                occasion=occasion,
            )
        )

    def _take(
        self,
        step: StepOf,
        action: str,
        parameters: Mapping[str, JsonValue],
        names: Mapping[str, Any],
        *,
        attempt: int,
        undoing: bool = False,
    ) -> Request:
        occasion = Occasion(
            playbook=self.playbook.name,
            step=step.id,
            part="undo" if undoing else "step",
            attempt=attempt,
            of=self.of,
            event=self.event,
        )
        return self.engine.submit(
            Proposal(
                action=action,
                parameters=resolved(parameters, names),
                requester=requester(self.playbook.name, self.behalf),
                place=self.place,
                cause=cause_of(occasion),
                origin=Origin.PLAYBOOK,
                sources=sources(parameters, names),
                occasion=occasion,
            )
        )

    def _names(self, done: Sequence[tuple[StepOf, Request]]) -> dict[str, Any]:
        """What expressions know: the event, every step that is done, and the one before."""
        steps = {step.id: told_of(request) for step, request in done}
        return {"event": self.event, "steps": steps, "previous": told_of(done[-1][1]) if done else None}

    def _last(self, step: StepOf) -> Request | None:
        """The last try of a step; None where there was none."""
        last = None
        for attempt in range(1, 2 + (step.retry.times if step.retry else 0)):
            found = self._known(step.id, "step", attempt)
            if found is None:
                break
            last = found
        return last

    def _known(self, step: str, part: Any, attempt: int) -> Request | None:
        occasion = Occasion(playbook=self.playbook.name, step=step, part=part, attempt=attempt, of=self.of)
        return self.engine.known(cause_of(occasion))

    def _may_try_again(self, step: StepOf, last: Request) -> bool:
        if step.retry is None or (last.occasion and last.occasion.attempt > step.retry.times):
            return False
        if last.outcome in step.retry.unless:
            return False
        return last.state is State.FAILED or (last.state is State.CANCELLED and self._ran_out(step, last))

    def _ran_out(self, step: StepOf, last: Request) -> bool:
        """Whether it was cancelled for want of time, and not by a person."""
        ended = last.finished_at or last.updated_at
        return step.timeout is not None and ended - last.created_at >= step.timeout

    def _mind_time(self, step: StepOf, last: Request, now: datetime) -> None:
        """Cancel a step whose time is over."""
        if step.timeout is None or now - last.created_at < step.timeout or last.cancel_requested_by:
            return
        try:
            self.engine.cancel(last.id, requester(self.playbook.name, self.behalf))
        except Unreachable:
            raise
        except ShipmateError as error:
            log.info("%s is over time and goes on: %s", last.id, error)


def told_of(request: Request) -> dict[str, Any]:
    """What later steps know of an earlier one."""
    return {
        "id": request.id,
        "state": request.state.value,
        "outcome": request.outcome,
        "result": request.result,
        "parameters": request.parameters,
        "sources": {**dict.fromkeys(request.parameters, "chosen"), **request.sources},
    }


def cause_of(occasion: Occasion) -> str:
    """What is unique for a step of a run, so that it is taken once."""
    mark = {"step": "", "undo": "~undo", "told": "~told"}[occasion.part]
    again = f"~{occasion.attempt}" if occasion.attempt > 1 else ""
    return f"{PREFIX}/{occasion.playbook}/{occasion.step}{mark}{again}/{occasion.of}"


def requester(name: str, behalf: str | None) -> Requester:
    """A playbook as one who asks."""
    return Requester(name=f"{PREFIX}:{name}", standing=Standing.MACHINE, on_behalf_of=behalf)
