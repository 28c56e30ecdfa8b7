"""Which playbooks an event or a time wakes, and which a diagnosis is for."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from actions.analysis.categories import Category
from actions.analysis.diagnosis import Diagnosis
from actions.core.event import Event
from playbooks import cron, expressions
from playbooks.playbook import Match, Playbook

log = logging.getLogger("shipmate.playbooks")

_SIGNS = {
    "python": re.compile(r"\bpip3?\b|\bpython[\d.]*\b|\bpytest\b|\.py\b|\bModuleNotFoundError\b"),
    "node": re.compile(r"\bnpm\b|\bnode\b|\bnpx\b|\byarn\b|\.[cm]?[jt]sx?\b|\bnode_modules\b"),
}
_OF_CATEGORY = {Category.DEPENDENCY_MISSING_PYTHON: "python", Category.DEPENDENCY_MISSING_NPM: "node"}


def woken(playbooks: Iterable[Playbook], event: Event) -> list[Playbook]:
    """The playbooks that an event wakes, in the order of their names."""
    names = {"event": event.model_dump(mode="json")}
    return [
        playbook
        for playbook in sorted(playbooks, key=lambda each: each.name)
        if playbook.enabled
        and any(_holds(playbook, trigger.event, trigger.where, event, names) for trigger in playbook.on)
    ]


def due(playbooks: Iterable[Playbook], since: datetime, until: datetime) -> Iterator[tuple[Playbook, datetime]]:
    """The playbooks whose time came after `since` and up to `until`, each with its local minute."""
    for playbook in sorted(playbooks, key=lambda each: each.name):
        for trigger in playbook.on if playbook.enabled else ():
            if trigger.cron is not None:
                for minute in cron.due(trigger.cron, trigger.timezone, since, until):
                    yield playbook, minute


def meant_for(playbooks: Iterable[Playbook], diagnosis: Diagnosis) -> list[Playbook]:
    """The playbooks with steps of their own that are for a failure so diagnosed, in the order of their names."""
    return [
        playbook
        for playbook in sorted(playbooks, key=lambda each: each.name)
        if playbook.enabled and playbook.steps and playbook.match is not None and fits(playbook.match, diagnosis)
    ]


def fits(match: Match, diagnosis: Diagnosis) -> bool:
    """Whether a failure is of the kind that a playbook is for."""
    if match.category is not diagnosis.category:
        return False
    texts = [diagnosis.root_cause, *(line.text for line in diagnosis.lines)]
    if match.language is not None and _language(diagnosis.category, texts) != match.language:
        return False
    return match.pattern is None or any(re.search(match.pattern, text) for text in texts)


def _language(category: Category, texts: Iterable[str]) -> str:
    """The language that a failure is about; empty where its lines tell of none, or of both."""
    if category in _OF_CATEGORY:
        return _OF_CATEGORY[category]
    shown = "\n".join(texts)
    found = [language for language, signs in _SIGNS.items() if signs.search(shown)]
    return found[0] if len(found) == 1 else ""


def _holds(playbook: Playbook, name: str | None, where: str | None, event: Event, names: Mapping[str, object]) -> bool:
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
