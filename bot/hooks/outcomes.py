"""What an event tells of the fate of earlier fixes: merged or closed by hand, reverted, or mended by people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import JsonValue

from actions.core.event import Event
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.ports.ledger import Ledger
from actions.core.request import Origin, Proposal
from actions.outcomes import Fate
from playbooks.record import Attempt, history

QUIET = Place(surface="api", channel="outcomes")
"""Where what nobody has to be told of is noted."""
LOOK_BACK = timedelta(days=30)
"""How old a failure may be whose end is still noted."""


def learned(event: Event, ledger: Ledger, place: Place, now: datetime) -> list[Proposal]:
    """The notes that an event calls for; each is made once, however often the event is told.

    Args:
        event: what happened.
        ledger: knows the fixes.
        place: where the owners are told of what they should know.
        now: the time.
    """
    if event.name not in {"commit.reverted", "merge_request.merged", "merge_request.closed", "pipeline.succeeded"}:
        return []
    found = [
        each
        for each in history(ledger, now, service=event.service, remembered=LOOK_BACK)
        if each.project == event.facts.get("project") and each.ref == event.facts.get("ref")
    ]
    return [
        _proposal(attempt, kind, str(event.facts.get("sha") or ""), place if kind is Fate.REVERTED else QUIET)
        for attempt, kind in _told_of(event, found)
    ]


def _told_of(event: Event, found: Sequence[Attempt]) -> Iterator[tuple[Attempt, Fate]]:
    match event.name:
        case "commit.reverted":
            for each in found:
                if each.merged_at is not None and _takes_back(event, each):
                    yield each, Fate.REVERTED
        case "pipeline.succeeded":
            for each in found:
                if _is_of_branch(event) and _ends(event, each):
                    yield each, Fate.GREEN
        case _:
            kind = Fate.MERGED if event.name == "merge_request.merged" else Fate.CLOSED
            for each in found:
                if each.is_open and each.merge_request == event.facts.get("merge_request"):
                    yield each, kind


def _takes_back(event: Event, attempt: Attempt) -> bool:
    commits, requests = event.facts.get("commits"), event.facts.get("merge_requests")
    if isinstance(requests, list) and attempt.merge_request in requests:
        return True
    ours = [sha for sha in (attempt.merge_sha, attempt.head) if sha]
    return isinstance(commits, list) and any(own.startswith(str(sha)) for sha in commits for own in ours)


def _is_of_branch(event: Event) -> bool:
    """Whether a pipeline ran for the branch itself: a tag or a merge request's branch may only have the same name."""
    return not event.facts.get("tag") and event.facts.get("source") != "merge_request_event"


def _ends(event: Event, attempt: Attempt) -> bool:
    """Whether a green pipeline ends a failure that people mended, or verifies a fix that was merged and not yet seen green."""
    if attempt.people is not None or attempt.outcome == "under way" or attempt.began_at is None:
        return False
    since = attempt.merged_at or attempt.began_at
    # A pipeline that is older than the proof ran without the fix, and one older than the failure without what mended it.
    number = str(event.facts.get("pipeline") or "")
    if not number.isdigit() or int(number) < (attempt.proof + 1 if attempt.merged_at is not None else attempt.pipeline):
        return False
    if event.at < since:
        return False
    return attempt.good is None if attempt.merged_at is not None else attempt.good is not True and not attempt.is_open


def _proposal(attempt: Attempt, kind: Fate, commit: str, place: Place) -> Proposal:
    parameters: dict[str, JsonValue] = {"request": attempt.request, "kind": kind.value}
    if commit:
        parameters["commit"] = commit
    return Proposal(
        action="note_outcome",
        parameters=parameters,
        requester=Requester(name=f"playbook:{attempt.playbook}", standing=Standing.MACHINE),
        place=place,
        cause=f"outcome/{kind.value}/{attempt.request}",
        origin=Origin.PLAYBOOK,
    )
