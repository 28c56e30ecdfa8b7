"""How a version is brought to an environment: the operation behind deploy, rollback and promote.

It is GitOps: a commit asks for the version, Argo CD brings it, and health is judged by polling (`actions/rollout.py`). A version
that does not become healthy, or does not stay so, is taken back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from actions.core.action import Ongoing, Operation, Progress, Running
from actions.core.context import Context, Tools
from actions.core.deployment import Deployment
from actions.core.errors import Refused
from actions.core.kinds import nearest
from actions.core.organization import Service
from actions.core.plan import Change, Plan
from actions.core.ports.delivery import Application, Deployer, Health, Manifests, VersionRegistry
from actions.core.reply import Step, StepState
from actions.rollout import Phase, Progression, advance, argocd_of, author, dumped, manifest_target, take_back

Strategy = Literal["rolling", "blue-green", "canary"]


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
        project = service.project
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
        argocd = argocd_of(context.organization, self.service)
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
        return Ongoing(handle=dumped(handle), steps=steps, poll_after=0)

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
        return take_back(running, handle, f"{by} cancelled it", cancelled_by=by)

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """Ask for all applications at once, then move each operation on by a step."""
        handles = [Progression.model_validate(running.handle) for running in batch]
        applications = tools.use(Deployer).applications({handle.application for handle in handles})
        return [
            advance(running, handle, applications.get(handle.application), tools)
            for running, handle in zip(batch, handles, strict=True)
        ]


def application_of(context: Context, service: str, environment: str) -> Application:
    """The Argo CD application of a service in an environment, as it is now.

    Raises:
        NotConnected: the configuration does not say which it is.
        Refused: Argo CD has none of that name.
    """
    name = argocd_of(context.organization, service).application.format(environment=environment)
    application = context.use(Deployer).applications([name]).get(name)
    if application is None:
        raise Refused(
            f"Argo CD has no application “{name}” for {service} in {environment}.",
            remedy="Create it there, or mend `argocd: application` in shipmate.yaml.",
        )
    return application
