"""How far a playbook may go by itself: earned by outcomes that were verified, lost at once by one that went wrong.

A stage is earned for one playbook, one kind of failure and one terrain. It is worked out from the ledger each time it
matters, so that nothing can disagree with what happened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actions.core.organization import AutonomyRules
from actions.core.ports.autonomy import Leave, PlaybookRecord, Stage, Terrain
from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.request import State
from playbooks.playbook import Limits, Playbook
from playbooks.record import Attempt, history, summed

Z = 1.96
"""The standard score of the interval: 95 %."""
STOPPED_BY = timedelta(days=30)
"""What is older stops nothing any more."""
READ_EVERY = timedelta(seconds=30)
"""For how long the whole history is not read again, where nothing hangs on the last moment."""
OPEN_FOR = timedelta(days=7)
"""A proposal that nobody decided about for so long does not keep others back any more."""
_STAGES = list(Stage)


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


def stage(
    playbook: Playbook | None, of_kind: Sequence[Attempt], rules: AutonomyRules | None = None
) -> tuple[Stage, str]:
    """The stage that a playbook has earned for a kind of failure, and by what.

    After something went wrong the stage has to be earned anew: by all outcomes together, and by those since then alone.

    Args:
        playbook: the playbook; None where the library has none, which is then treated by the defaults.
        of_kind: its attempts at that kind of failure.
        rules: the thresholds; the defaults where none are given.
    """
    rules = rules or AutonomyRules()
    own = playbook.autonomy if playbook else None
    start, highest = (own.start, own.highest) if own else (Stage.PROPOSE, Stage.PROPOSE)
    known = _counted(sorted(of_kind, key=lambda each: each.known_at or each.at))
    good = sum(each.good is True for each in known)
    bound = wilson(good, len(known))
    says = f"{good} of {len(known)} verified, lower bound {bound:.2f}"
    last = max((at for at, each in enumerate(known) if each.good is False), default=None)
    if start is Stage.SHADOW and good == 0:
        return Stage.SHADOW, says
    if last is None:
        found = max(start, _earned(bound, rules), key=_STAGES.index)
    else:
        since = len(known) - 1 - last
        found = _earned(min(bound, wilson(since, since)), rules)
        says = f"{says}; {since} since {known[last].request}, which went wrong: {known[last].wrong or 'it failed'}"
    return min(found, highest, key=_STAGES.index), says


def _counted(of_kind: Sequence[Attempt]) -> list[Attempt]:
    """The attempts of which it is known whether they are good; of one failure only the first that is.

    Whoever may have a pipeline fixed can have the same one fixed many times, and merge each.
    """
    met: set[tuple[str, str, str]] = set()
    counted = []
    for each in of_kind:
        failure = (each.project, each.sha, each.fingerprint)
        if each.good is None or (each.good and each.sha and failure in met):
            continue
        if each.good:
            met.add(failure)
        counted.append(each)
    return counted


def _earned(bound: float, rules: AutonomyRules) -> Stage:
    return Stage.AUTO if bound >= rules.auto_above else Stage.APPROVE if bound >= rules.approve_above else Stage.PROPOSE


@dataclass(frozen=True)
class Stop:
    """Why the loop has to stop.

    Attributes:
        kind: in a word, by which people are told of each once.
        says: in a sentence.
    """

    kind: str
    says: str


@dataclass(frozen=True)
class EarnedAutonomy:
    """Behind the port `Autonomy`: judged by the ledger each time it is asked.

    Attributes:
        ledger: where the outcomes are.
        library: gives the playbooks by name.
        rules: the thresholds and the pinned stages.
    """

    ledger: Ledger
    library: Callable[[], Mapping[str, Playbook]]
    rules: AutonomyRules = field(default_factory=AutonomyRules)
    _read: dict[datetime, list[Attempt]] = field(default_factory=dict, repr=False, compare=False)

    def leave(
        self,
        playbook: str,
        *,
        category: str,
        terrain: Terrain,
        fingerprint: str,
        service: str,
        project: str,
        sha: str,
        now: datetime,
    ) -> Leave:
        """How far a playbook may go with a failure."""
        known = self.library().get(playbook)
        if known is not None and not known.enabled:
            return Leave(stage=Stage.SHADOW, why="it is switched off", stop=f"The playbook {playbook} is switched off.")
        # What stops it must be seen at once; what it has earned may be as old as half a minute.
        found = self._history(now, service=service, remembered=STOPPED_BY)
        leave = self._stands(known, playbook, self._lately(now), category=category, terrain=terrain, now=now)
        stop = stopped(found, known.limits if known else Limits(), fingerprint, project, sha, now)
        if stop is None:
            return leave
        return leave.model_copy(
            update={"stop": stop.says, "kind": stop.kind, "told": told(found, stop, fingerprint, project, now)}
        )

    def stands(self, playbook: str, *, category: str, terrain: Terrain, now: datetime) -> Leave:
        """The stage that a playbook has with a kind of failure."""
        known = self.library().get(playbook)
        return self._stands(known, playbook, self._history(now), category=category, terrain=terrain, now=now)

    def records(self, *, since: datetime | None, now: datetime) -> Sequence[PlaybookRecord]:
        """What each playbook has done since a time."""
        return summed(self._lately(now), since=since)

    def _lately(self, now: datetime) -> list[Attempt]:
        """The whole history, read at most twice a minute: it is half a year of requests."""
        for read_at, found in list(self._read.items()):
            if timedelta(0) <= now - read_at < READ_EVERY:
                return found
        found = self._history(now)
        self._read.clear()
        self._read[now] = found
        return found

    def _history(
        self, now: datetime, *, service: str | None = None, remembered: timedelta | None = None
    ) -> list[Attempt]:
        limits = {name: playbook.limits.back_within for name, playbook in self.library().items()}
        default = Limits().back_within
        return history(
            self.ledger,
            now,
            service=service,
            remembered=remembered or self.rules.remembered,
            window=lambda name: limits.get(name, default),
        )

    def _stands(
        self,
        known: Playbook | None,
        name: str,
        found: Sequence[Attempt],
        *,
        category: str,
        terrain: Terrain,
        now: datetime,
    ) -> Leave:
        may = known is not None and known.protected_branch
        if pin := pinned(self.ledger, self.rules, name, category=category, terrain=terrain, now=now):
            return pin.model_copy(update={"may_protected": may})
        mine = [each for each in found if (each.playbook, each.category, each.terrain) == (name, category, terrain)]
        earned, why = stage(known, [each for each in mine if each.tried], self.rules)
        where = f"the {terrain.value}" if terrain is Terrain.DEFAULT else terrain.value
        return Leave(stage=earned, why=f"on {where} {why}", may_protected=may)


def pinned(
    ledger: Ledger, rules: AutonomyRules, playbook: str, *, category: str, terrain: Terrain, now: datetime
) -> Leave | None:
    """The stage at which a person has pinned a playbook; the configuration's word counts before the one in the chat."""
    for pin in rules.pins:
        if pin.playbook == playbook and pin.category in {None, category} and pin.terrain in {None, terrain}:
            return Leave(stage=pin.stage, why="pinned in shipmate.yaml" + (f": {pin.reason}" if pin.reason else ""))
    query = RequestQuery(actions=("set_autonomy",), states=(State.DONE,), since=now - timedelta(days=3650), limit=200)
    for request in ledger.find(query):
        about = request.parameters
        if about.get("playbook") != playbook or about.get("category", category) != category:
            continue
        if about.get("stage") == "earned":
            return None
        return Leave(
            stage=Stage(str(about["stage"])), why=f"pinned by {request.requester.name} on {request.created_at:%Y-%m-%d}"
        )
    return None


def stopped(  # noqa: PLR0917 - facts about one failure
    found: Sequence[Attempt], limits: Limits, fingerprint: str, project: str, sha: str, now: datetime
) -> Stop | None:
    """Why the loop has to stop; None where it need not."""
    here = [each for each in found if each.project == project and each.tried]
    same = [each for each in here if each.fingerprint == fingerprint]
    if own := next((each for each in here if each.merge_sha and each.merge_sha == sha), None):
        return Stop("own", f"The commit that fails is Shipmate's own fix of {own.request}, so people have to look.")
    if pending := next((each for each in same if each.is_open and now - each.at < OPEN_FOR), None):
        return Stop("open", f"{pending.request} is about the same failure already.")
    if back := next((each for each in same if each.merged_at and now - each.merged_at < limits.back_within), None):
        return Stop(
            "back", f"It is back within a day after the fix of {back.request} was merged, so people have to look."
        )
    failing = [each for each in same if each.good is False and now - each.at < timedelta(days=7)]
    if len(failing) >= limits.failing:
        named = ", ".join(each.request for each in failing[:3])
        return Stop("failing", f"The same fix failed {len(failing)} times already ({named}).")
    lately = [each for each in here if now - each.at < timedelta(hours=1)]
    if len(lately) >= limits.an_hour:
        return Stop(
            "rate", f"{len(lately)} fixes were tried in {project} within an hour, so something larger is wrong."
        )
    return None


def told(found: Sequence[Attempt], stop: Stop, fingerprint: str, project: str, now: datetime) -> str:
    """The request in which people were told of a stop within the last day; empty where they were not."""
    for each in reversed(found):
        if each.told or each.stop != stop.kind or each.project != project or now - each.at > timedelta(days=1):
            continue
        if stop.kind == "rate" or each.fingerprint == fingerprint:
            return each.request
    return ""
