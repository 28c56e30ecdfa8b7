"""How far a playbook may go by itself: earned by outcomes that were verified, lost at once by one that went wrong.

The outcomes are read from the ledger's own requests: a fix that was merged and whose branch is green, or a retry that passed,
is a success; one that did not prove itself, was discarded, or was merged and left the branch red is a failure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from actions.core.ports.autonomy import Leave, Stage
from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.request import Request, State
from playbooks.playbook import Limits, Playbook

Z = 1.96
"""The standard score of the interval: 95 %."""
MERELY, WELL = 0.5, 0.8
"""Over these lower bounds a playbook asks for the merge by name, and merges by itself."""
REMEMBERED = timedelta(days=180)
LOOKED_AT = 1000
_STAGES = list(Stage)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a fix, as the ledger has it.

    Attributes:
        good: whether it was verified; None while nobody can say.
        at: when it ended, or began where it goes on.
        merged_at: when it was merged.
        merge_sha: the commit by which it was.
    """

    request: str
    playbook: str
    category: str
    fingerprint: str
    project: str
    outcome: str
    good: bool | None
    at: datetime
    seconds: float = 0.0
    merged_at: datetime | None = None
    merge_sha: str = ""
    discarded: bool = False


def wilson(good: int, of: int, z: float = Z) -> float:
    """The lower bound of the Wilson score interval for a share.

    Args:
        good: how many were good.
        of: of how many.
        z: the standard score.
    """
    if of == 0:
        return 0.0
    share = good / of
    centre = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (centre - spread) / (1 + z * z / of)


def attempts(ledger: Ledger, now: datetime) -> list[Attempt]:
    """Every attempt at a fix that is remembered, newest first."""
    query = RequestQuery(actions=("fix_pipeline", "merge_fix", "discard_fix"), since=now - REMEMBERED, limit=LOOKED_AT)
    found = ledger.find(query)
    settled = {
        str(result.get("request")): request
        for request in reversed(found)
        if request.action != "fix_pipeline" and request.state is State.DONE and (result := _mapping(request.result))
    }
    return [
        attempt
        for request in found
        if request.action == "fix_pipeline" and (attempt := _attempt(request, settled.get(request.id))) is not None
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _attempt(request: Request, settled: Request | None) -> Attempt | None:
    fix = _mapping(request.result) or _mapping(_mapping(request.handle).get("fix"))
    outcome = str(fix.get("outcome", ""))
    if not fix or not fix.get("playbook") or outcome in {"left alone", "shadow"}:
        return None
    diagnosis, pipeline = _mapping(fix.get("diagnosis")), _mapping(fix.get("pipeline"))
    merged = settled if settled is not None and settled.action == "merge_fix" else None
    good: bool | None = None
    if request.state.is_final:
        if outcome == "retried":
            good = True
        elif outcome == "not proven":
            good = None if request.state is State.CANCELLED else False
        elif merged is not None:
            good = merged.outcome == "merged"
        elif settled is not None:
            good = False
    return Attempt(
        request=request.id,
        playbook=str(fix["playbook"]),
        category=str(diagnosis.get("category", "")),
        fingerprint=str(diagnosis.get("fingerprint", "")),
        project=str(pipeline.get("project", "")),
        outcome=outcome if request.state.is_final else "under way",
        good=good,
        at=request.finished_at or request.created_at,
        seconds=float(fix.get("seconds") or 0.0),
        merged_at=merged.finished_at if merged else None,
        merge_sha=str(_mapping(_mapping(merged.result).get("merge_request")).get("merge_sha", "")) if merged else "",
        discarded=settled is not None and merged is None,
    )


def stage(playbook: Playbook | None, of_kind: Sequence[Attempt]) -> tuple[Stage, str]:
    """The stage that a playbook has earned for a kind of failure, and by what.

    Args:
        playbook: the playbook; None where the library has none, which is then treated by the defaults.
        of_kind: its attempts at that kind of failure, newest first.
    """
    rules = playbook.autonomy if playbook else None
    start, highest = (rules.start, rules.highest) if rules else (Stage.PROPOSE, Stage.PROPOSE)
    known = [attempt for attempt in of_kind if attempt.good is not None]
    good = sum(attempt.good is True for attempt in known)
    bound = wilson(good, len(known))
    says = f"{good} of {len(known)} verified, lower bound {bound:.2f}"
    if start is Stage.SHADOW and good == 0:
        return Stage.SHADOW, says
    earned = Stage.AUTO if bound >= WELL else Stage.APPROVE if bound >= MERELY else Stage.PROPOSE
    if known and known[0].good is False and earned is not Stage.PROPOSE:
        earned, says = Stage.PROPOSE, f"{says}; moved down, as {known[0].request} went wrong"
    lowest = max(_STAGES.index(start), _STAGES.index(earned))
    return _STAGES[min(lowest if known else _STAGES.index(start), _STAGES.index(highest))], says


@dataclass(frozen=True)
class EarnedAutonomy:
    """Behind the port `Autonomy`: judged by the ledger each time it is asked.

    Attributes:
        ledger: where the outcomes are.
        library: gives the playbooks by name.
    """

    ledger: Ledger
    library: Callable[[], Mapping[str, Playbook]]

    def leave(self, playbook: str, *, category: str, fingerprint: str, project: str, sha: str, now: datetime) -> Leave:
        """How far a playbook may go with a failure."""
        known = self.library().get(playbook)
        if known is not None and not known.enabled:
            return Leave(stage=Stage.SHADOW, why="it is switched off", stop=f"The playbook {playbook} is switched off.")
        found = attempts(self.ledger, now)
        of_kind = [each for each in found if each.playbook == playbook and each.category == category]
        earned, why = stage(known, of_kind)
        limits = known.limits if known else Limits()
        return Leave(stage=earned, why=why, stop=stopped(found, limits, fingerprint, project, sha, now))


def stopped(  # noqa: PLR0917 - facts about one failure
    found: Sequence[Attempt], limits: Limits, fingerprint: str, project: str, sha: str, now: datetime
) -> str:
    """Why the loop has to stop; empty where it need not."""
    here = [each for each in found if each.project == project]
    same = [each for each in here if each.fingerprint == fingerprint]
    if own := next((each for each in here if each.merge_sha and each.merge_sha == sha), None):
        return f"The commit that fails is Shipmate's own fix of {own.request}, so people have to look."
    if pending := next(
        (each for each in same if each.outcome in {"proposed", "under way"} and each.good is None), None
    ):
        return f"{pending.request} is about the same failure already."
    if back := next((each for each in same if each.merged_at and now - each.merged_at < limits.back_within), None):
        return f"It is back within a day after the fix of {back.request} was merged, so people have to look."
    failing = [each for each in same if each.good is False and now - each.at < timedelta(days=7)]
    if len(failing) >= limits.failing:
        return f"The same fix failed {len(failing)} times already ({', '.join(each.request for each in failing[:3])})."
    lately = [each for each in here if now - each.at < timedelta(hours=1)]
    if len(lately) >= limits.an_hour:
        return f"{len(lately)} fixes were tried in {project} within an hour, so something larger is wrong."
    return ""
