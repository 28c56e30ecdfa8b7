"""How a version is brought to an environment, and taken back where it does not become healthy.

The operation behind deploy, rollback and promote. It is GitOps: a commit asks for the version, Argo CD brings it, and health
is judged by polling. Each step that writes outside is first announced in the handle and found again by its marker, so that
a crash at any point neither loses nor doubles it.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.action import Ended, Ongoing, Operation, Progress, Running
from actions.core.context import Context, Tools
from actions.core.deployment import Deployment
from actions.core.errors import NotFound, OutcomeUnknown, OutsideError, Refused, Rejected, Unreachable
from actions.core.kinds import nearest
from actions.core.organization import ArgoCD, Organization, Service
from actions.core.people import Requester
from actions.core.plan import Change, Plan
from actions.core.ports.delivery import Application, Deployer, Health, Manifests, ManifestTarget, Sync, VersionRegistry
from actions.core.reply import Step, StepState

Strategy = Literal["rolling", "blue-green", "canary"]


OUTAGE_LIMIT = timedelta(hours=1)
"""How long after its time a step is still tried where an outside system does not answer."""


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


class NoSuchVersion(Refused):
    """The version does not exist where the configuration says to look."""

    def __init__(self, service: Service, version: str, known: Sequence[str]) -> None:
        near = nearest(version, known) or tuple(known[:3])
        super().__init__(
            f"There is no version {version} of {service.name} among its {service.versions.source}.",
            remedy=f"The nearest are {', '.join(near)}." if near else f"It has no {service.versions.source} yet.",
        )


class Release(Operation[Deployment], ABC):
    """Base of the verbs that bring a version to an environment."""

    service: str
    environment: str

    @abstractmethod
    def wanted(self, context: Context, running: str) -> str:
        """The version to bring, given the one that the repository asks for now."""

    def wanted_strategy(self) -> Strategy | None:
        """The strategy that was asked for; None leaves it to the application."""
        return None

    def plan(self, context: Context) -> Plan:
        """Read what runs and whether the version exists."""
        service = context.organization.service(self.service)
        application = application_of(context, self.service, self.environment)
        before = context.use(Manifests).read(manifest_target(service, self.environment))
        version = self.wanted(context, before)
        self._check_version(context, service, version)
        strategy = self._check_strategy(application)
        if version == before and version in application.versions and application.health is Health.HEALTHY:
            raise Refused(
                f"{self.service} {version} already runs in {self.environment} and is healthy; there is nothing to do.",
                remedy=f"To start it anew: restart {self.service} in {self.environment}.",
            )
        warnings = []
        if application.health not in {Health.HEALTHY, Health.PROGRESSING}:
            warnings.append(f"What runs in {self.environment} now is {application.health.value}.")
        return Plan(
            changes=(Change(what=f"{self.service} in {self.environment}", before=before, after=version),),
            target_state={"application": application.name, "from": before, "to": version, "strategy": strategy},
            warnings=tuple(warnings),
            links={"Argo CD": application.url} if application.url else {},
        )

    def _check_version(self, context: Context, service: Service, version: str) -> None:
        project = service.connection(service.gitlab, "gitlab").project
        registry = context.use(VersionRegistry)
        if not registry.exists(project, service.versions.source, version):
            raise NoSuchVersion(service, version, registry.newest(project, service.versions.source))

    def _check_strategy(self, application: Application) -> str:
        own = application.rollout.strategy if application.rollout else "rolling"
        asked = self.wanted_strategy()
        if asked in {None, own}:
            return own
        has = f"its Rollout is {own}" if application.rollout else "it has no Argo Rollout, so it can only be rolling"
        raise Refused(
            f"{application.name} cannot be deployed {asked}: {has}.",
            remedy=f"Leave the strategy out, or say “with {own}”.",
        )

    def start(self, context: Context, plan: Plan) -> Progress:
        """Commit the version; the poll that follows syncs it."""
        service = context.organization.service(self.service)
        version, before = str(plan.target_state["to"]), str(plan.target_state["from"])
        commit = context.use(Manifests).write(
            manifest_target(service, self.environment),
            version,
            marker=context.request.marker,
            message=f"Deploy {self.service} {version} to {self.environment}",
            author=author(context.requester),
        )
        return self._begun(context, plan, revision=commit.id, url=commit.url, version=version, previous=before)

    def _begun(self, context: Context, plan: Plan, *, revision: str, url: str, version: str, previous: str) -> Ongoing:
        argocd = _argocd(context.organization, self.service)
        handle = Progression(
            phase=Phase.SYNC,
            application=argocd.application.format(environment=self.environment),
            revision=revision,
            commit_url=url,
            version=version,
            previous=previous,
            strategy=str(plan.target_state.get("strategy", "rolling")),
            started_at=context.now,
            deadline=context.now + argocd.healthy_within,
        )
        steps = (
            Step(name=f"Commit {version}", state=StepState.DONE, started_at=context.now, ended_at=context.now, url=url),
            Step(name="Sync", state=StepState.RUNNING, started_at=context.now),
            Step(name="Roll out"),
            Step(name=f"Stay healthy for {int(argocd.healthy_for.total_seconds())} s"),
        )
        return Ongoing(handle=_dump(handle), steps=steps, poll_after=0)

    def find(self, context: Context) -> Progress | None:
        """Look for the commit that carries the request's marker."""
        plan = context.request.plan
        if plan is None:
            return None
        service = context.organization.service(self.service)
        commit = context.use(Manifests).find(manifest_target(service, self.environment), context.request.marker)
        if commit is None:
            return None
        version, before = str(plan.target_state["to"]), str(plan.target_state["from"])
        return self._begun(context, plan, revision=commit.id, url=commit.url, version=version, previous=before)

    def cancel(self, running: Running, tools: Tools) -> Progress:
        """Begin to take the version back."""
        handle = Progression.model_validate(running.handle)
        if handle.phase in {Phase.REVERT, Phase.SETTLE}:
            return Ongoing(handle=running.handle, steps=running.request.steps)
        by = running.request.cancel_requested_by or "somebody"
        return _take_back(running, handle, f"{by} cancelled it", cancelled_by=by)

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """Ask for all applications at once, then move each operation on by a step."""
        handles = [Progression.model_validate(running.handle) for running in batch]
        applications = tools.use(Deployer).applications({handle.application for handle in handles})
        return [
            _advance(running, handle, applications.get(handle.application), tools)
            for running, handle in zip(batch, handles, strict=True)
        ]


def application_of(context: Context, service: str, environment: str) -> Application:
    """The Argo CD application of a service in an environment, as it is now.

    Raises:
        NotConnected: the configuration does not say which it is.
        Refused: Argo CD has none of that name.
    """
    name = _argocd(context.organization, service).application.format(environment=environment)
    application = context.use(Deployer).applications([name]).get(name)
    if application is None:
        raise Refused(
            f"Argo CD has no application “{name}” for {service} in {environment}.",
            remedy="Create it there, or mend `argocd: application` in shipmate.yaml.",
        )
    return application


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


def _argocd(organization: Organization, service: str) -> ArgoCD:
    found = organization.service(service)
    return found.connection(found.argocd, "argocd")


def _dump(handle: Progression) -> dict[str, JsonValue]:
    dumped: dict[str, JsonValue] = handle.model_dump(mode="json")
    return dumped


def _advance(running: Running, handle: Progression, application: Application | None, tools: Tools) -> Progress:
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
    return Ongoing(handle=_dump(handle), steps=_detail(running.request.steps, detail), poll_after=5)


def _allowed(running: Running, tools: Tools) -> timedelta:
    """How long a version of this service may take to become healthy."""
    return _argocd(tools.organization, str(running.request.service)).healthy_within


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
            return Ongoing(handle=_dump(handle), steps=waiting, poll_after=2)
        return _take_back(running, handle, f"Argo CD would not sync: {error.message}")
    moved = handle.model_copy(update={"phase": Phase.ROLL_OUT})
    steps = _complete(running.request.steps, "Sync", running.now)
    return Ongoing(handle=_dump(moved), steps=_begin(steps, "Roll out", running.now))


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
        return _take_back(running, handle, f"the application {handle.application} is gone")
    steps = running.request.steps
    seen = application.revision == handle.revision or handle.version in application.versions
    if _arrived(application, handle.version, handle.previous):
        since = handle.healthy_since or running.now
        steps = _begin(_complete(steps, "Roll out", since), "Stay healthy", since)
        if running.now - since >= _argocd(tools.organization, str(running.request.service)).healthy_for:
            return _deployed(running, handle, application, _complete(steps, "Stay healthy", running.now))
        moved = handle.model_copy(update={"healthy_since": since})
        return Ongoing(handle=_dump(moved), steps=steps)
    if wrong := _wrong(running, handle, application, seen=seen):
        return _take_back(running, handle, wrong)
    moved = handle.model_copy(update={"healthy_since": None})
    rollout = application.rollout
    if seen and rollout is not None and rollout.paused and handle.resumed != rollout.step:
        tools.use(Deployer).resume_rollout(handle.application)
        moved = moved.model_copy(update={"resumed": rollout.step})
    return Ongoing(handle=_dump(moved), steps=_detail(steps, _where(application)))


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


def _take_back(running: Running, handle: Progression, reason: str, *, cancelled_by: str = "") -> Progress:
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
    return Ongoing(handle=_dump(moved), steps=steps, poll_after=0)


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
    return Ongoing(handle=_dump(moved), steps=_begin(steps, "Roll back", running.now))


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
    return Ongoing(handle=_dump(handle), steps=_detail(steps, detail))


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
