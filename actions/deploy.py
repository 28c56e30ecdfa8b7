"""The verbs that bring a version to an environment: deploy, rollback, promote."""

from __future__ import annotations

from abc import ABC
from datetime import UTC, datetime, timedelta

from actions.core.action import Need, Risk, Sample
from actions.core.context import Context
from actions.core.deployment import Deployment
from actions.core.errors import Refused
from actions.core.kinds import EnvironmentName, ServiceName, Version
from actions.core.organization import EnvironmentKind, Organization
from actions.core.ports.delivery import Manifests
from actions.core.ports.ledger import Deployments
from actions.core.reply import (
    Button,
    ButtonStyle,
    Code,
    Link,
    Paragraph,
    Reply,
    Span,
    Strong,
    Text,
    Tone,
    Weight,
)
from actions.release import Release, Strategy
from actions.rollout import manifest_target

_SAMPLE_TIME = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


class _Presented(
    Release,
    ABC,
    risk=Risk.CHANGE,
    needs=Need.BY_ENVIRONMENT,
    queue="deploy",
    lock=True,
    poller="argocd",
    timeout=timedelta(minutes=2),
):
    """A release with its reply, the same for deploy, rollback and promote."""

    def reply(self, result: Deployment, context: Context) -> Reply:
        """What runs now, since when and thanks to whom; then the way back and the way on."""
        name, where = result.service, result.environment
        if result.healthy:
            title, tone = f"{name} {result.version} runs in {where}", Tone.GOOD
        elif result.outcome == "rolled back":
            title, tone = f"{name} {result.version} was taken back in {where}; {result.running} runs", Tone.BAD
        elif result.outcome == "left as it is":
            title, tone = f"{name} {result.version} is no longer watched in {where}", Tone.WARNING
        else:
            title, tone = f"{name} {result.version} is not healthy in {where}", Tone.BAD
        facts = Paragraph(text=_facts(result), weight=Weight.ESSENTIAL)
        return Reply(title=title, tone=tone, blocks=(facts,), buttons=_next(result, context.organization))

    @classmethod
    def _sample_result(cls, action: str) -> Deployment:
        return Deployment(
            request="R-12",
            action=action,
            service="checkout",
            environment="staging",
            version="v1.4.2",
            previous="v1.4.1",
            running="v1.4.2",
            healthy=True,
            outcome="deployed",
            by="dana",
            started_at=_SAMPLE_TIME,
            finished_at=_SAMPLE_TIME + timedelta(seconds=48),
            commit="9f3c2ab1",
        )


class Deploy(
    _Presented,
    name="deploy",
    phrases=(
        "deploy {service} {version} to {environment} [with {strategy}]",
        "deploy {version} of {service} to {environment} [with {strategy}]",
        "deploy {service} to {environment}",
        "deploy {service} {version}",
        "ship {service} {version} to {environment}",
        "release {service} {version} to {environment}",
        "roll out {service} {version} to {environment}",
        "put {service} {version} on {environment}",
        "push {service} {version} to {environment}",
    ),
    examples=(
        "deploy checkout v1.4.2 to staging",
        "ship v1.4.2 of checkout to production with canary",
        "get checkout 1.4.2 out to development please",
        "can you roll checkout v1.4.2 out on staging?",
    ),
    paraphrases=(
        "we want {version} of {service} live in {environment}",
        "{service} should be on {version} in {environment}",
        "please bring {service} {version} to {environment}",
        "upgrade {service} to {version} in {environment}",
        "update {environment} to {service} {version}",
        "install {service} {version} on {environment}",
        "{version} of {service} is ready, it can go to {environment}",
        "let's get {service} {version} onto {environment}",
    ),
):
    """Deploy a version of a service to an environment.

    Commits the version to the manifests repository, syncs the Argo CD application and watches its health. A version that does
    not become healthy, or does not stay so, is taken back and the one before brought back.
    """

    service: ServiceName
    version: Version
    environment: EnvironmentName
    strategy: Strategy | None = None

    def wanted(self, context: Context, running: str) -> str:
        """The version that was asked for."""
        return self.version

    def wanted_strategy(self) -> Strategy | None:
        """The strategy that was asked for."""
        return self.strategy

    @classmethod
    def sample(cls) -> Sample:
        """Checkout, to staging."""
        action = cls(service="checkout", version="v1.4.2", environment="staging")
        return Sample(action=action, result=cls._sample_result("deploy"))


class Rollback(
    _Presented,
    name="rollback",
    phrases=(
        "rollback {service} in {environment} [to {version}]",
        "roll back {service} in {environment} [to {version}]",
        "roll {service} back in {environment} [to {version}]",
        "roll back {environment} {service} [to {version}]",
        "revert {service} in {environment} [to {version}]",
        "rollback {service}",
        "undo the deployment of {service} in {environment}",
    ),
    examples=(
        "rollback checkout in staging",
        "roll checkout back to v1.4.1 in production",
        "go back to v1.4.0 of checkout on staging",
    ),
    paraphrases=(
        "bring back the previous version of {service} in {environment}",
        "return {service} in {environment} to the last good version",
        "{service} in {environment} should go back to {version}",
        "we need the old {service} again on {environment}",
        "take the last release of {service} off {environment} again",
    ),
):
    """Go back to an earlier version of a service in an environment.

    Without a version: to the last one that proved healthy there, from the ledger.
    """

    service: ServiceName
    environment: EnvironmentName
    version: Version | None = None

    def wanted(self, context: Context, running: str) -> str:
        """The version that was asked for, else the last healthy one other than what runs."""
        if self.version is not None:
            return self.version
        deployments = context.use(Deployments)
        last = deployments.last_healthy(self.service, self.environment, other_than=running)
        if last is not None:
            return last.version
        # The version that runs now may itself be the only deployment we know of; what it replaced ran before it.
        for deployment in deployments.find(service=self.service, environment=self.environment, limit=20):
            if deployment.version == running and deployment.healthy and deployment.previous not in {"", running}:
                return deployment.previous
        raise Refused(
            f"The ledger knows no healthy version of {self.service} in {self.environment} before {running}.",
            remedy=f"Name one: roll back {self.service} in {self.environment} to <version>.",
        )

    @classmethod
    def sample(cls) -> Sample:
        """Checkout, in staging."""
        action = cls(service="checkout", environment="staging")
        return Sample(action=action, result=cls._sample_result("rollback"))


class Promote(
    _Presented,
    name="promote",
    phrases=(
        "promote {service} from {source} to {environment}",
        "promote {service} to {environment}",
        "promote {source} {service} to {environment}",
        "bring {service} from {source} to {environment}",
    ),
    examples=(
        "promote checkout to production",
        "promote checkout from staging to production",
        "take what staging has of checkout to production",
    ),
    paraphrases=(
        "{environment} should run the same {service} as {source}",
        "the {service} that {source} has should be in {environment} too",
        "copy the version of {service} on {source} to {environment}",
        "move {service} up from {source} to {environment}",
        "whatever {source} runs of {service}, give it to {environment}",
    ),
):
    """Bring the version that runs in one environment to the next.

    Without a source: from the environment that comes before it in the configuration.
    """

    service: ServiceName
    environment: EnvironmentName
    source: EnvironmentName | None = None

    def wanted(self, context: Context, running: str) -> str:
        """The version that the source asks for now."""
        source = self.source or _before(context.organization, self.environment)
        if source is None or source == self.environment:
            raise Refused(
                f"There is no environment before {self.environment} to promote from.",
                remedy=f"Name one: promote {self.service} from <environment> to {self.environment}.",
            )
        service = context.organization.service(self.service)
        return context.use(Manifests).read(manifest_target(service, source))

    @classmethod
    def sample(cls) -> Sample:
        """Checkout, from development to staging."""
        action = cls(service="checkout", environment="staging", source="development")
        return Sample(action=action, result=cls._sample_result("promote"))


def _before(organization: Organization, environment: str) -> str | None:
    """The environment before this one: the nearest in the configuration's order with the next lower kind."""
    names = [found.name for found in organization.environments]
    by_kind = list(EnvironmentKind)
    own = by_kind.index(organization.environment(environment).kind)
    lower = [e.name for e in organization.environments if by_kind.index(e.kind) == own - 1]
    if lower:
        return lower[-1]
    index = names.index(environment)
    return names[index - 1] if index else None


def _after(organization: Organization, environment: str) -> str | None:
    """The environment to which a version would go next."""
    return next((e.name for e in organization.environments if _before(organization, e.name) == environment), None)


def _facts(result: Deployment) -> Text:
    """In one line: from what to what, how long it took, and where to look."""
    seconds = int((result.finished_at - result.started_at).total_seconds())
    running = result.running or result.version
    changed = result.previous not in {"", running}
    facts: list[Span] = [Code(text=result.previous), " → ", Strong(text=running), " · "] if changed else []
    facts.append(f"{seconds} s")
    for text, url in (("commit", result.commit_url), ("Argo CD", result.application_url)):
        facts += [" · ", Link(text=text, url=url)] if url else []
    return tuple(facts)


def _next(result: Deployment, organization: Organization) -> tuple[Button, ...]:
    """The way on, then the way back; after a failure the way back first."""
    buttons: list[Button] = []
    following = _after(organization, result.environment) if result.healthy else None
    if following is not None:
        onward = Promote(service=result.service, environment=following, source=result.environment)
        buttons.append(Button.of(f"Promote to {following}", onward, style=ButtonStyle.PRIMARY))
    if result.previous and result.previous != (result.running or result.version):
        back = Rollback(service=result.service, environment=result.environment, version=result.previous)
        style = ButtonStyle.PLAIN if result.healthy else ButtonStyle.DANGER
        buttons.append(Button.of("Roll back", back, style=style))
    if not result.healthy:
        again = Deploy(service=result.service, environment=result.environment, version=result.version)
        buttons.append(Button.of("Retry", again))
    return tuple(buttons)
