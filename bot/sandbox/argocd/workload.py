"""How a Deployment or Rollout gets on, told from timestamps alone: pods, steps, pauses, health."""

import re
from dataclasses import dataclass, replace
from enum import Enum

from bot.sandbox.documents import Json

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Behaviour(Enum):
    """What becomes of a version once it is started."""

    HEALTHY = "healthy"
    TURNS_UNHEALTHY = "turns unhealthy"
    """It starts, then its containers crash."""
    NEVER_READY = "never ready"
    """Its pods start and never become ready."""
    NO_IMAGE = "no image"
    """There is no such image to pull."""


@dataclass(frozen=True)
class Timings:
    """How long things take, in seconds; a real cluster needs some hundred times as long."""

    pickup: float = 0.05
    """From a sync request until the controller takes it up."""
    sync: float = 0.25
    """From there until the manifests are applied."""
    rollout: float = 0.9
    """From there until all new pods are ready."""
    step: float = 0.3
    """Until the pods of one step of a canary are ready."""
    healthy_spell: float = 0.4
    """How long a version that turns unhealthy looks healthy first."""
    progress_deadline: float = 5.0
    """After this a rollout without progress counts as failed."""


@dataclass(frozen=True)
class Condition:
    """How a workload is at one moment."""

    health: str
    message: str = ""
    ready: int = 0
    updated: int = 0
    done: bool = False
    """The new version is the stable one."""
    phase: str = "Healthy"
    step: int = 0
    weight: int = 100
    pause: str = ""
    """Why it is paused, in Argo Rollouts' words; "" when it is not."""
    pause_since: float = 0.0


def seconds(duration: object) -> float:
    """Return a pause's duration (`10`, `10s`, `1m`) in seconds; 0 for what is none."""
    match = _DURATION.match(str(duration))
    return float(match[1]) * _SECONDS[match[2] or "s"] if match else 0.0


def fresh(tag: str, at: float, stable: str, revision: int = 1) -> Json:
    """Return the state of a workload that was given a version at a moment.

    The state's `resumed` maps an indefinite pause's step (or "preview") to the moment somebody ended it.
    """
    return {
        "tag": tag,
        "stable": stable,
        "started": at,
        "generation": revision,
        "restarted": None,
        "aborted": None,
        "full": None,
        "retried": None,
        "resumed": {},
        "paused": None,
    }


@dataclass(frozen=True)
class Subject:
    """A workload and everything its fate depends on but the time."""

    state: Json
    kind: str
    strategy: Json
    replicas: int
    behaviour: Behaviour
    timings: Timings


def condition(subject: Subject, now: float) -> Condition:
    """Return how a workload is at `now`."""
    state, replicas, strategy = subject.state, subject.replicas, subject.strategy
    if subject.kind == "Rollout" and state["tag"] != state["stable"]:
        if state["aborted"] is not None:
            message = f"RolloutAborted: Rollout aborted update to revision {state['generation']}"
            return Condition("Degraded", message, ready=replicas, phase="Degraded", weight=0)
        if state["paused"] is not None:
            return Condition(
                "Suspended", "Rollout is paused", replicas, 1, phase="Paused", weight=0, pause_since=state["paused"]
            )
        if state["full"] is None and "canary" in strategy:
            return _canary(subject, (strategy["canary"] or {}).get("steps") or [], now)
        if state["full"] is None and "blueGreen" in strategy:
            return _blue_green(subject, strategy["blueGreen"] or {}, now)
    return _rolling(subject, now)


def _rolling(subject: Subject, now: float) -> Condition:
    state, replicas, needed = subject.state, subject.replicas, subject.timings.rollout
    moments = (state["started"], state["restarted"], state["full"], state["retried"])
    age = now - max(moment for moment in moments if moment is not None)
    if (failure := _failure(subject, age, needed)) is not None:
        # What looked healthy for a while has replaced what ran before.
        return replace(failure, done=subject.behaviour is Behaviour.TURNS_UNHEALTHY)
    if age < needed:
        updated = min(replicas - 1, int(replicas * age / needed))
        message = f"Waiting for rollout to finish: {updated} out of {replicas} new replicas have been updated..."
        return Condition("Progressing", message, ready=replicas, updated=updated, phase="Progressing")
    return Condition("Healthy", ready=replicas, updated=replicas, done=True)


def _failure(subject: Subject, age: float, needed: float) -> Condition | None:
    """Return what becomes of a bad version `age` seconds after its pods were started; None while nothing shows."""
    behaviour, replicas, timings = subject.behaviour, subject.replicas, subject.timings
    if behaviour is Behaviour.HEALTHY:
        return None
    if behaviour is Behaviour.TURNS_UNHEALTHY:
        if age < needed + timings.healthy_spell:
            return None
        message = "back-off restarting failed container: CrashLoopBackOff (exit code 1)"
        return Condition("Degraded", message, ready=replicas - 1, updated=1, phase="Degraded", weight=0)
    why = "ImagePullBackOff: no such image" if behaviour is Behaviour.NO_IMAGE else "readiness probe failed: HTTP 503"
    if age < timings.progress_deadline:
        message = f"Waiting for rollout to finish: 1 old replicas are pending termination... ({why})"
        return Condition("Progressing", message, ready=replicas, updated=1, phase="Progressing", weight=0)
    message = f"ProgressDeadlineExceeded: the workload exceeded its progress deadline ({why})"
    return Condition("Degraded", message, ready=replicas, updated=1, phase="Degraded", weight=0)


def _canary(subject: Subject, steps: list[Json], now: float) -> Condition:
    state, replicas, timings = subject.state, subject.replicas, subject.timings
    moment, weight = float(state["retried"] or state["started"]), 0
    if (failure := _failure(subject, now - moment, timings.step)) is not None:
        return failure
    for index, step in enumerate(steps):
        if "setWeight" in step:
            weight = int(step["setWeight"])
            moment += timings.step
            if now < moment:
                message = "more replicas need to be updated"
                return Condition("Progressing", message, replicas, 1, phase="Progressing", step=index, weight=weight)
        elif "pause" in step:
            end = _pause_end(state["resumed"].get(str(index)), (step["pause"] or {}).get("duration"), moment)
            if now < end:
                return _step_pause("CanaryPauseStep", moment, replicas, index, weight)
            moment = max(moment, end)
    if now < moment + timings.step:
        message = "waiting for all steps to complete"
        return Condition("Progressing", message, replicas, replicas - 1, phase="Progressing", step=len(steps))
    return Condition("Healthy", ready=replicas, updated=replicas, done=True, step=len(steps))


def _pause_end(resumed: float | None, duration: object, begun: float) -> float:
    if resumed is not None:
        return resumed
    return float("inf") if duration is None else begun + seconds(duration)


def _blue_green(subject: Subject, strategy: Json, now: float) -> Condition:
    state, replicas, timings = subject.state, subject.replicas, subject.timings
    begun = float(state["retried"] or state["started"])
    if (failure := _failure(subject, now - begun, timings.rollout)) is not None:
        return failure
    ready = begun + timings.rollout
    if now < ready:
        message = "more replicas need to be updated"
        return Condition("Progressing", message, replicas, 1, phase="Progressing", weight=0)
    wait = strategy.get("autoPromotionSeconds", 0) if strategy.get("autoPromotionEnabled", True) else None
    promoted = _pause_end(state["resumed"].get("preview"), wait, ready)
    if now < promoted:
        return _step_pause("BlueGreenPause", ready, replicas, 0, 0)
    if now < promoted + timings.step:
        message = "active service cutover pending"
        return Condition("Progressing", message, replicas, replicas, phase="Progressing")
    return Condition("Healthy", ready=replicas, updated=replicas, done=True)


def _step_pause(reason: str, since: float, replicas: int, step: int, weight: int) -> Condition:
    return Condition(
        "Suspended", reason, replicas, 1, phase="Paused", step=step, weight=weight, pause=reason, pause_since=since
    )
