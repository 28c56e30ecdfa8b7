"""Has a playbook's steps done: each is a request of `playbook:<name>` that passes the gate like anybody's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from actions.core.errors import ShipmateError, Unreachable
from actions.core.event import Event
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.request import Origin, Proposal, Request, State
from playbooks import expressions
from playbooks.playbook import Playbook, StepOf
from playbooks.triggers import woken

log = logging.getLogger("shipmate.playbooks")

PREFIX = "playbook"


@dataclass(frozen=True)
class Engine:
    """Wakes playbooks and takes their steps.

    Attributes:
        playbooks: every playbook by name.
        submit: the gate; a cause that is known already answers with the request it made.
        place: where the cards of what an event causes are shown.
        on_behalf: the team or person for whom a playbook acts on an event.
    """

    playbooks: Mapping[str, Playbook]
    submit: Callable[[Proposal], Request]
    place: Callable[[Event], Place]
    on_behalf: Callable[[Event], str | None]

    def happened(self, event: Event) -> list[Request]:
        """Wake the playbooks that an event wakes; telling it again does nothing more.

        Raises:
            Unreachable: the ledger does not answer; the event is to be told again.
        """
        made = []
        for playbook in woken(self.playbooks.values(), event):
            names = {"event": event.model_dump(mode="json"), "previous": None}
            found = self._take(
                playbook, 0, names=names, occasion=event.id, place=self.place(event), behalf=self.on_behalf(event)
            )
            made += [found] if found else []
        return made

    def went_on(self, request: Request) -> Request | None:
        """Take the step after one that is done."""
        parts = request.cause.split("/", 3)
        if len(parts) != 4 or parts[0] != PREFIX or request.state is not State.DONE:  # noqa: PLR2004 - as `_cause` makes it
            return None
        playbook = self.playbooks.get(parts[1])
        index = next((at for at, step in enumerate(playbook.steps) if step.id == parts[2]), None) if playbook else None
        if playbook is None or index is None or index + 1 >= len(playbook.steps):
            return None
        previous = {
            "id": request.id,
            "outcome": request.outcome,
            "result": request.result,
            "parameters": request.parameters,
        }
        names = {"event": None, "previous": previous}
        behalf = request.requester.on_behalf_of
        return self._take(playbook, index + 1, names=names, occasion=parts[3], place=request.place, behalf=behalf)

    def _take(
        self,
        playbook: Playbook,
        index: int,
        *,
        names: Mapping[str, Any],
        occasion: str,
        place: Place,
        behalf: str | None,
    ) -> Request | None:
        """Take the first step from here on whose condition holds."""
        for step in playbook.steps[index:]:
            try:
                if step.when is not None and not expressions.evaluate(step.when, names):
                    continue
                parameters = resolved(step, names)
                proposal = Proposal(
                    action=step.action,
                    parameters=parameters,
                    requester=requester(playbook.name, behalf),
                    place=place,
                    cause=f"{PREFIX}/{playbook.name}/{step.id}/{occasion}",
                    origin=Origin.PLAYBOOK,
                )
                return self.submit(proposal)
            except Unreachable:
                raise
            except (expressions.BadExpression, ShipmateError):
                log.exception("the step %s of the playbook %s was not taken", step.id, playbook.name)
                return None
        return None


def requester(name: str, behalf: str | None) -> Requester:
    """A playbook as one who asks."""
    return Requester(name=f"playbook:{name}", standing=Standing.MACHINE, on_behalf_of=behalf)


def resolved(step: StepOf, names: Mapping[str, Any]) -> dict[str, JsonValue]:
    """A step's parameters with their expressions worked out; those that come to nothing are left out.

    Raises:
        BadExpression: one cannot be worked out.
    """
    found: dict[str, JsonValue] = {}
    for key, value in step.parameters.items():
        if isinstance(value, str) and value.startswith("${") and value.endswith("}"):
            value = expressions.evaluate(value[2:-1], names)  # noqa: PLW2901 - the value in place of its expression
        if value is not None:
            found[key] = value
    return found
