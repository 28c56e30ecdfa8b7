"""How a release goes on once it has begun: sync, judge health, take back, settle.

Each step that writes outside is first announced in the handle and found again by its marker, so that a crash at any point
neither loses nor doubles it.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.action import OUTAGE_LIMIT, Ended, Ongoing, Progress, Running
from actions.core.context import Tools
from actions.core.deployment import Deployment
from actions.core.errors import NotFound, OutcomeUnknown, OutsideError, Rejected, Unreachable
from actions.core.organization import ArgoCD, Organization, Service
from actions.core.people import Requester
from actions.core.ports.delivery import Application, Deployer, Health, Manifests, ManifestTarget, Sync
from actions.core.reply import Step, StepState


class Phase(StrEnum):
    """What is to be done, or waited for, next."""

    SYNC = "sync"
    ROLL_OUT = "roll out"
    REVERT = "revert"
    SETTLE = "settle"


class Progression(BaseModel):
    """The handle: all that is needed to go on after any crash.

    Attributes:
        application: the Argo CD application.
        revision: the commit that the application is to be synced to.
        version: the version that is being brought.
        previous: the version that ran before, to which it is taken back.
        healthy_since: since when the version has been healthy without a break.
        resumed: the rollout's step at which it was last let go on.
        reason: why it is being taken back; empty while it is not.
        cancelled_by: who cancelled it.
    """

    model_config = ConfigDict(frozen=True)

    phase: Phase
    application: str
    revision: str
    commit_url: str = ""
    version: str
    previous: str
    strategy: str
    started_at: datetime
    deadline: datetime
    healthy_since: datetime | None = None
    resumed: int = -1
    reason: str = ""
    cancelled_by: str = ""


def manifest_target(service: Service, environment: str) -> ManifestTarget:
    """Where the version of a service in an environment is written.

    Raises:
        NotConnected: the configuration does not say.
    """
    manifests = service.connection(service.manifests, "manifests")
    return ManifestTarget(
        project=manifests.project,
        branch=manifests.branch,
        file=manifests.file.format(environment=environment),
        image=manifests.image,
        key=manifests.key,
    )


def author(requester: Requester) -> str:
    """On whose behalf a commit is made."""
    return f"{requester.name} for {requester.on_behalf_of}" if requester.on_behalf_of else requester.name


def argocd_of(organization: Organization, service: str) -> ArgoCD:
    """How a service is run by Argo CD.

    Raises:
        NotConnected: the configuration does not say.
    """
    found = organization.service(service)
    return found.connection(found.argocd, "argocd")


def dumped(handle: Progression) -> dict[str, JsonValue]:
    """A handle as the ledger keeps it."""
    kept: dict[str, JsonValue] = handle.model_dump(mode="json")
    return kept


def advance(running: Running, handle: Progression, application: Application | None, tools: Tools) -> Progress:
    """Take the step that is due, by how the application is doing now; None where Argo CD does not have it."""
    try:
        match handle.phase:
            case Phase.SYNC:
                return _sync(running, handle, tools)
            case Phase.ROLL_OUT:
                return _judge(running, handle, application, tools)
            case Phase.REVERT:
                return _revert(running, handle, application, tools)
            case Phase.SETTLE:
                return _settle(running, handle, application)
    except (Unreachable, OutcomeUnknown) as error:
        # Each of these writes is asked for again by the same marker or is harmless to repeat, so looking again is safe.
        failure: OutsideError = error
        detail, patience = f"{error.system} does not answer; trying again", OUTAGE_LIMIT
    except Rejected as error:
        failure, detail = error, error.message
        patience = _allowed(running, tools) if handle.phase is Phase.REVERT else timedelta.max
    if running.now - handle.deadline >= patience:
        return _stuck(running, handle, failure)
    return Ongoing(handle=dumped(handle), steps=_detail(running.request.steps, detail), poll_after=5)


def _allowed(running: Running, tools: Tools) -> timedelta:
    """How long a version of this service may take to become healthy."""
    return argocd_of(tools.organization, str(running.request.service)).healthy_within


def _stuck(running: Running, handle: Progression, error: OutsideError) -> Ended:
    """The end of what cannot be brought on or taken back, because the outside refuses it or has not answered for long."""
    return Ended(
        state="failed",
        outcome="not taken back",
        message=f"{_sentence(handle.reason)}It could not be {'taken back' if handle.reason else 'brought on'}: {error.message}",
        remedy=f"Somebody must bring {handle.application} back to {handle.previous} by hand now.",
        result=_deployment(running, handle, healthy=False, outcome="not taken back", now_running=handle.version),
        steps=_fail(running.request.steps, f"Commit {handle.previous} back", running.now, error.message),
    )


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}. " if reason else ""


def _sync(running: Running, handle: Progression, tools: Tools) -> Progress:
    try:
        tools.use(Deployer).sync(handle.application, handle.revision)
    except Rejected as error:
        if running.now < handle.deadline and not isinstance(error, NotFound):
            waiting = _detail(running.request.steps, error.message)
            return Ongoing(handle=dumped(handle), steps=waiting, poll_after=2)
        return take_back(running, handle, f"Argo CD would not sync: {error.message}")
    moved = handle.model_copy(update={"phase": Phase.ROLL_OUT})
    steps = _complete(running.request.steps, "Sync", running.now)
    return Ongoing(handle=dumped(moved), steps=_begin(steps, "Roll out", running.now))


def _arrived(application: Application, version: str, instead_of: str) -> bool:
    # The revision is no proof: other services commit to the same repository. Sidecars have tags of their own, so the
    # version must run and the one it replaces must not.
    return (
        application.sync is Sync.SYNCED
        and application.health is Health.HEALTHY
        and version in application.versions
        and (version == instead_of or instead_of not in application.versions)
    )


def _judge(running: Running, handle: Progression, application: Application | None, tools: Tools) -> Progress:
    if application is None:
        return take_back(running, handle, f"the application {handle.application} is gone")
    steps = running.request.steps
    seen = application.revision == handle.revision or handle.version in application.versions
    if _arrived(application, handle.version, handle.previous):
        since = handle.healthy_since or running.now
        steps = _begin(_complete(steps, "Roll out", since), "Stay healthy", since)
        if running.now - since >= argocd_of(tools.organization, str(running.request.service)).healthy_for:
            return _deployed(running, handle, application, _complete(steps, "Stay healthy", running.now))
        moved = handle.model_copy(update={"healthy_since": since})
        return Ongoing(handle=dumped(moved), steps=steps)
    if wrong := _wrong(running, handle, application, seen=seen):
        return take_back(running, handle, wrong)
    moved = handle.model_copy(update={"healthy_since": None})
    rollout = application.rollout
    if seen and rollout is not None and rollout.paused and handle.resumed != rollout.step:
        tools.use(Deployer).resume_rollout(handle.application)
        moved = moved.model_copy(update={"resumed": rollout.step})
    return Ongoing(handle=dumped(moved), steps=_detail(steps, _where(application)))


def _wrong(running: Running, handle: Progression, application: Application, *, seen: bool) -> str:
    """Why the version is to be taken back; empty while there is hope."""
    if seen and application.health is Health.DEGRADED:
        turned = "turned unhealthy" if handle.healthy_since else "is unhealthy"
        return f"version {handle.version} {turned}: {application.message or 'Degraded'}"
    if seen and application.phase in {"Failed", "Error"}:
        return f"the sync failed: {application.message or application.phase}"
    if running.now >= handle.deadline:
        within = int((handle.deadline - handle.started_at).total_seconds())
        return f"version {handle.version} did not become healthy within {within} s"
    return ""


def _where(application: Application) -> str:
    rollout = application.rollout
    if rollout is None:
        return application.health.value
    weight = f", {rollout.weight} % of traffic" if rollout.weight is not None else ""
    return f"{rollout.strategy}, step {rollout.step} of {rollout.steps}{weight}"


def take_back(running: Running, handle: Progression, reason: str, *, cancelled_by: str = "") -> Progress:
    """Announce that the version is taken back, and why; the next poll does it."""
    steps = tuple(
        step.model_copy(update={"state": StepState.FAILED, "ended_at": running.now, "detail": reason})
        if step.state is StepState.RUNNING
        else step.model_copy(update={"state": StepState.SKIPPED})
        if step.state is StepState.PENDING
        else step
        for step in running.request.steps
    )
    if not handle.previous or handle.previous == handle.version:
        outcome = "left as it is" if cancelled_by else "failed"
        result = _deployment(running, handle, healthy=False, outcome=outcome, now_running=handle.version)
        return Ended(
            state="cancelled" if cancelled_by else "failed",
            outcome=outcome,
            message=f"{reason[:1].upper()}{reason[1:]}. There is no other version to go back to.",
            remedy=f"Deploy a version that works, or look at {handle.application} in Argo CD.",
            result=result,
            steps=steps,
        )
    steps = (
        *steps,
        Step(name=f"Commit {handle.previous} back", state=StepState.RUNNING, started_at=running.now),
        Step(name="Roll back"),
    )
    moved = handle.model_copy(update={"phase": Phase.REVERT, "reason": reason, "cancelled_by": cancelled_by})
    return Ongoing(handle=dumped(moved), steps=steps, poll_after=0)


def _revert(running: Running, handle: Progression, application: Application | None, tools: Tools) -> Progress:
    request = running.request
    deployer = tools.use(Deployer)
    if application is not None and application.rollout is not None and not application.rollout.aborted:
        # A rollout that has finished cannot be aborted; the commit below takes it back as well.
        with contextlib.suppress(Rejected):
            deployer.abort_rollout(handle.application)
    service = tools.organization.service(str(request.service))
    commit = tools.use(Manifests).write(
        manifest_target(service, str(request.environment)),
        handle.previous,
        marker=f"{request.marker}/revert",
        message=f"Revert {request.service} in {request.environment} to {handle.previous}",
        author=author(request.requester),
    )
    deployer.sync(handle.application, commit.id)
    deadline = running.now + _allowed(running, tools)
    moved = handle.model_copy(update={"phase": Phase.SETTLE, "revision": commit.id, "deadline": deadline})
    steps = _complete(request.steps, f"Commit {handle.previous} back", running.now, url=commit.url)
    return Ongoing(handle=dumped(moved), steps=_begin(steps, "Roll back", running.now))


def _settle(running: Running, handle: Progression, application: Application | None) -> Progress:
    steps = running.request.steps
    reason = f"{handle.reason[:1].upper()}{handle.reason[1:]}"
    where = f"{running.request.service} in {running.request.environment}"
    state: Literal["failed", "cancelled"] = "cancelled" if handle.cancelled_by else "failed"
    if application is not None and _arrived(application, handle.previous, handle.version):
        result = _deployment(running, handle, healthy=False, outcome="rolled back", now_running=handle.previous)
        return Ended(
            state=state,
            outcome="rolled back",
            message=f"{reason}. {where} is back on {handle.previous} and healthy.",
            result=result,
            steps=_complete(steps, "Roll back", running.now),
        )
    if running.now >= handle.deadline:
        health = application.health.value if application else "gone"
        result = _deployment(running, handle, healthy=False, outcome="not healthy", now_running=handle.previous)
        return Ended(
            state=state,
            outcome="not healthy",
            message=f"{reason}. {handle.previous} was committed back, but {where} is {health}.",
            remedy=f"Somebody must look at {handle.application} in Argo CD now.",
            result=result,
            steps=_fail(steps, "Roll back", running.now, health),
        )
    detail = application.health.value if application else "the application is gone"
    return Ongoing(handle=dumped(handle), steps=_detail(steps, detail))


def _deployed(running: Running, handle: Progression, application: Application, steps: tuple[Step, ...]) -> Ended:
    result = _deployment(running, handle, healthy=True, outcome="deployed", now_running=handle.version)
    result = result.model_copy(update={"application_url": application.url})
    return Ended(state="done", outcome="deployed", result=result, steps=steps)


def _deployment(running: Running, handle: Progression, *, healthy: bool, outcome: str, now_running: str) -> Deployment:
    request = running.request
    return Deployment(
        request=request.id,
        action=request.action,
        service=str(request.service),
        environment=str(request.environment),
        version=handle.version,
        previous=handle.previous,
        running=now_running,
        healthy=healthy,
        outcome=outcome,
        strategy=handle.strategy,
        by=author(request.requester),
        started_at=handle.started_at,
        finished_at=running.now,
        commit=handle.revision,
        commit_url=handle.commit_url,
    )


def _begin(steps: tuple[Step, ...], name: str, now: datetime) -> tuple[Step, ...]:
    return tuple(
        step.model_copy(update={"state": StepState.RUNNING, "started_at": step.started_at or now})
        if step.name.startswith(name) and step.state is StepState.PENDING
        else step
        for step in steps
    )


def _complete(steps: tuple[Step, ...], name: str, now: datetime, *, url: str = "") -> tuple[Step, ...]:
    return tuple(
        step.model_copy(update={"state": StepState.DONE, "ended_at": now, "detail": "", "url": url or step.url})
        if step.name.startswith(name) and step.state in {StepState.PENDING, StepState.RUNNING}
        else step
        for step in steps
    )


def _fail(steps: tuple[Step, ...], name: str, now: datetime, detail: str) -> tuple[Step, ...]:
    failed = {"state": StepState.FAILED, "ended_at": now, "detail": detail}
    return tuple(step.model_copy(update=failed) if step.name.startswith(name) else step for step in steps)


def _detail(steps: tuple[Step, ...], detail: str) -> tuple[Step, ...]:
    return tuple(
        step.model_copy(update={"detail": detail}) if step.state is StepState.RUNNING else step for step in steps
    )
