"""Which playbooks an event wakes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from actions.core.event import Event
from playbooks import expressions
from playbooks.playbook import Playbook

log = logging.getLogger("shipmate.playbooks")


def woken(playbooks: Iterable[Playbook], event: Event) -> list[Playbook]:
    """The playbooks that an event wakes, in the order of their names."""
    names = {"event": event.model_dump(mode="json")}
    return [
        playbook
        for playbook in sorted(playbooks, key=lambda each: each.name)
        if playbook.enabled
        and any(_holds(playbook, trigger.event, trigger.where, event, names) for trigger in playbook.on)
    ]


def _holds(playbook: Playbook, name: str, where: str | None, event: Event, names: Mapping[str, object]) -> bool:
    if name != event.name:
        return False
    if where is None:
        return True
    try:
        return bool(expressions.evaluate(where, names))
    except expressions.BadExpression:
        # Whatever cannot be decided wakes nobody.
        log.warning("the playbook %s could not decide about %s", playbook.name, event.id, exc_info=True)
        return False
