"""What playbooks have done, as the ledger has it: every attempt at a fix, what became of it, and what it saved.

Nothing is kept beside the ledger: an attempt is a request of `fix_pipeline`, its fate the requests that merged, discarded or
denied it and the outcomes that were noted of it later (docs/decisions/0007-earned-autonomy.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from actions.core.ports.autonomy import PlaybookRecord, Terrain
from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.request import Request, State

REMEMBERED = timedelta(days=180)
LOOKED_AT = 2000
"""How many requests are looked back at, at the most."""
A_DAY = timedelta(days=1)
_UNTRIED = frozenset({"left alone", "shadow"})
_SETTLING = ("merge_fix", "discard_fix", "note_outcome")


@dataclass(frozen=True)
class Attempt:
    """One failure that a playbook met, and what it did about it.

    Attributes:
        outcome: how the attempt ended, or "under way".
        good: whether a fix was seen to work; None while nobody can say, and where nothing was tried.
        wrong: what went wrong with it, in a few words; empty where nothing did.
        at: when it ended, or began where it goes on.
        known_at: when it was known whether it is good.
        began_at: when the failure was taken up.
        sha: the commit that failed.
        pipeline: the number of the pipeline that failed; that of the last pipeline with the fix is `proof`.
        merged_at: when it was merged.
        merge_sha: the commit by which it was.
        head: the commit that was proven.
        merge_request: the number of its merge request.
        to_green: seconds from the failure to green by the fix; None where that is not known.
        people: seconds from the failure to green where people mended it; None where that is not known.
        stop: why the loop stopped, in a word; empty where it did not.
        told: the attempt at which people were told of that already.
    """

    request: str
    playbook: str
    category: str
    fingerprint: str
    project: str
    outcome: str
    good: bool | None
    at: datetime
    wrong: str = ""
    terrain: Terrain = Terrain.DEFAULT
    ref: str = ""
    service: str = ""
    known_at: datetime | None = None
    began_at: datetime | None = None
    sha: str = ""
    pipeline: int = 0
    proof: int = 0
    merged_at: datetime | None = None
    merge_sha: str = ""
    head: str = ""
    merge_request: str = ""
    to_green: float | None = None
    people: float | None = None
    stop: str = ""
    told: str = ""

    @property
    def tried(self) -> bool:
        """Whether anything was done at all."""
        return self.outcome not in _UNTRIED

    @property
    def is_open(self) -> bool:
        """Whether it is still to be decided: under way, or proposed and neither merged nor dropped."""
        return self.good is None and self.merged_at is None and self.outcome in {"proposed", "under way"}


def history(
    ledger: Ledger,
    now: datetime,
    *,
    service: str | None = None,
    remembered: timedelta = REMEMBERED,
    window: Callable[[str], timedelta] = lambda _: A_DAY,
) -> list[Attempt]:
    """Every failure that playbooks met, newest first.

    Args:
        ledger: where it stands.
        now: the time.
        service: of this one alone.
        remembered: how far to look back.
        window: playbook → how soon after a merge the same failure counts against its fix.
    """
    since = now - remembered
    met = ledger.find(RequestQuery(actions=("fix_pipeline",), service=service, since=since, limit=LOOKED_AT))
    fates: dict[str, list[Request]] = defaultdict(list)
    for request in ledger.find(RequestQuery(actions=_SETTLING, since=since, limit=LOOKED_AT)):
        if (of := _decided(request)) is not None:
            fates[of].append(request)
    found = [attempt for request in met if (attempt := _attempt(request, fates[request.id])) is not None]
    return _those_that_came_back(found, window)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _decided(request: Request) -> str | None:
    """The attempt whose fate a request is; None where it is none."""
    if request.state is State.DONE:
        named = _mapping(request.result).get("request")
    elif request.state is State.DENIED and request.action == "merge_fix":
        named = request.parameters.get("request")
    else:
        return None
    return named if isinstance(named, str) else None


def _attempt(request: Request, fate: Sequence[Request]) -> Attempt | None:
    fix = _mapping(request.result) or _mapping(_mapping(request.handle).get("fix"))
    if not fix or not fix.get("playbook"):
        return None
    outcome = str(fix.get("outcome", "")) if request.state.is_final else "under way"
    diagnosis, pipeline = _mapping(fix.get("diagnosis")), _mapping(fix.get("pipeline"))
    proof = fix.get("proof") or ()
    opened = _mapping(fix.get("merge_request"))
    known = Attempt(
        request=request.id,
        playbook=str(fix["playbook"]),
        category=str(diagnosis.get("category", "")),
        fingerprint=str(diagnosis.get("fingerprint", "")),
        project=str(pipeline.get("project", "")),
        outcome=outcome,
        good=None,
        at=request.finished_at or request.created_at,
        terrain=Terrain(fix.get("terrain") or Terrain.DEFAULT),
        ref=str(pipeline.get("ref", "")),
        service=str(fix.get("service", "")),
        began_at=request.created_at,
        sha=str(pipeline.get("sha", "")),
        pipeline=_number(pipeline.get("id")),
        proof=max((_number(_mapping(run).get("id")) for run in proof), default=0),
        head=str(opened.get("sha", "")),
        merge_request=str(opened.get("id", "")),
        stop=str(fix.get("stop", "")),
        told=str(fix.get("told", "")),
    )
    if not request.state.is_final:
        return known
    return _judged(known, request, fate)


def _number(value: object) -> int:
    return int(str(value)) if str(value).isdigit() else 0


def _judged(attempt: Attempt, request: Request, fate: Sequence[Request]) -> Attempt:
    """The attempt with what became of it."""
    noted = {str(_mapping(each.result).get("kind")): each for each in fate if each.action == "note_outcome"}
    if green := noted.get("green"):
        seconds = float(_mapping(green.result).get("seconds") or 0.0)
        attempt = replace(attempt, people=None if attempt.outcome == "proposed" else seconds)
    if attempt.outcome == "retried":
        return replace(attempt, good=True, known_at=attempt.at, to_green=_since(attempt, attempt.at))
    if attempt.outcome == "not proven":
        return attempt if request.state is State.CANCELLED else _wrong(attempt, "it did not prove itself", attempt.at)
    if attempt.outcome != "proposed":
        return attempt
    return _decided_about(attempt, fate, noted)


def _decided_about(attempt: Attempt, fate: Sequence[Request], noted: Mapping[str, Request]) -> Attempt:
    merged = next((each for each in fate if each.action == "merge_fix" and each.state is State.DONE), None)
    if merged is not None or "merged" in noted:
        attempt = _merged(attempt, merged, noted)
        if reverted := noted.get("reverted"):
            return _wrong(attempt, "it was reverted", reverted.created_at)
        return attempt
    for each in fate:
        if each.action == "discard_fix":
            return _wrong(attempt, f"{each.requester.name} discarded it", each.updated_at)
        if each.state is State.DENIED:
            return _wrong(attempt, "its merge was denied", each.updated_at)
    if closed := noted.get("closed"):
        return _wrong(attempt, "its merge request was closed", closed.created_at)
    return attempt


def _merged(attempt: Attempt, merged: Request | None, noted: Mapping[str, Request]) -> Attempt:
    """Merged by a person or by itself; it worked once the branch's pipeline is green."""
    settled = _mapping(merged.result) if merged else _mapping(noted["merged"].result)
    request = _mapping(settled.get("merge_request"))
    when = (merged.finished_at or merged.updated_at) if merged else noted["merged"].created_at
    sha = str(request.get("merge_sha", "") if merged else settled.get("commit", ""))
    attempt = replace(attempt, merged_at=when, merge_sha=sha)
    if merged is not None and merged.outcome == "merged, not green":
        return _wrong(attempt, f"{attempt.ref} was red after it was merged", when)
    status = str(_mapping(settled.get("pipeline")).get("status", ""))
    green = noted.get("green")
    if status == "success" or green is not None:
        at = when if status == "success" or green is None else green.created_at
        return replace(attempt, good=True, known_at=at, to_green=_since(attempt, at))
    return attempt


def _wrong(attempt: Attempt, why: str, at: datetime) -> Attempt:
    return replace(attempt, good=False, wrong=why, known_at=at, to_green=None)


def _since(attempt: Attempt, at: datetime) -> float:
    return (at - (attempt.began_at or at)).total_seconds()


def _those_that_came_back(found: Sequence[Attempt], window: Callable[[str], timedelta]) -> list[Attempt]:
    """The same attempts; a merged fix whose failure was seen again on its branch soon after did not work."""
    seen: dict[tuple[str, str, str], list[Attempt]] = defaultdict(list)
    for each in found:
        seen[each.project, each.fingerprint, each.ref].append(each)
    judged = []
    for attempt in found:
        since = attempt.merged_at
        if since is not None and attempt.good is not False:
            until = since + window(attempt.playbook)
            again = [
                other
                for other in seen[attempt.project, attempt.fingerprint, attempt.ref]
                # A pipeline that is older than the proof ran without the fix, however late it is run again.
                if other.pipeline > attempt.proof and since < (other.began_at or other.at) < until
            ]
            if again:
                first = again[-1]
                judged.append(_wrong(attempt, f"it was back in {first.request}", first.began_at or first.at))
                continue
        judged.append(attempt)
    return judged


def summed(found: Iterable[Attempt], *, since: datetime | None = None) -> list[PlaybookRecord]:
    """What each playbook has done, those with the most attempts first.

    Time saved is the median time in which people had mended the very same failure (project and fingerprint) before, less
    the time that the fix took. Where people never had, nothing is counted.

    Args:
        found: the attempts, newest first.
        since: count only those that ended since then; what they are compared with may be older.
    """
    attempts = list(found)
    records = []
    for name in dict.fromkeys(each.playbook for each in attempts):
        mine = [each for each in attempts if each.playbook == name and each.tried]
        mine = [each for each in mine if since is None or (each.known_at or each.at) >= since]
        green = [each.to_green for each in mine if each.good and each.to_green is not None]
        savings = [saved for each in mine if (saved := saving(each, attempts)) is not None]
        records.append(
            PlaybookRecord(
                playbook=name,
                attempts=len(mine),
                verified=sum(each.good is True for each in mine),
                failed=sum(each.good is False for each in mine),
                seconds_to_green=median(green) if green else None,
                seconds_saved=sum(savings),
                compared=len(savings),
            )
        )
    return sorted((each for each in records if each.attempts), key=lambda each: (-each.attempts, each.playbook))


def saving(attempt: Attempt, attempts: Iterable[Attempt]) -> float | None:
    """How many seconds a verified fix was faster than people had been; None where that cannot be compared."""
    if not attempt.good or attempt.to_green is None:
        return None
    before = [
        each.people
        for each in attempts
        if each.people is not None
        and (each.project, each.fingerprint) == (attempt.project, attempt.fingerprint)
        and each.at <= attempt.at
    ]
    return max(0.0, median(before) - attempt.to_green) if before else None
