"""The verbs that look: services, status, deployments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.deployment import Deployment
from actions.core.kinds import Duration, EnvironmentName, ServiceName, TeamName, format_duration
from actions.core.ports.delivery import Application, Deployer, Health, Sync
from actions.core.ports.ledger import Deployments, Ledger, RequestQuery
from actions.core.reply import Button, Code, Link, Moment, Note, Reply, Table, Text, Tone
from actions.core.request import Request, State
from actions.restart import Restart

_SAMPLE_TIME = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


class ServiceLine(BaseModel):
    """A service in the list."""

    model_config = ConfigDict(frozen=True)

    name: str
    owners: tuple[str, ...] = ()
    description: str = ""


class ServiceList(BaseModel):
    """The services that are configured."""

    model_config = ConfigDict(frozen=True)

    services: tuple[ServiceLine, ...]
    owner: str = ""


class Services(
    Action[ServiceList],
    name="services",
    queue="inline",
    phrases=("services [of {owner}]", "list services [of {owner}]", "show [all] services [of {owner}]"),
    examples=("services", "list services of the payments team", "which services are there?"),
    paraphrases=(
        "what does team {owner} own",
        "which services belong to {owner}",
        "what do we run",
        "everything {owner} is responsible for",
        "who owns what",
        "give me the list of services",
    ),
):
    """List the services, all or those of a team."""

    owner: TeamName | None = None

    def run(self, context: Context) -> ServiceList:
        """Read the configuration."""
        chosen = (s for s in context.organization.services if self.owner is None or self.owner in s.owners)
        lines = tuple(ServiceLine(name=s.name, owners=s.owners, description=s.description) for s in chosen)
        return ServiceList(services=lines, owner=self.owner or "")

    def reply(self, result: ServiceList, context: Context) -> Reply:
        """A table."""
        whose = f" of {result.owner}" if result.owner else ""
        if not result.services:
            return Reply(title=f"There are no services{whose}")
        rows = tuple(((s.name,), (", ".join(s.owners),), (s.description,)) for s in result.services)
        table = Table(columns=("Service", "Owners", "What it is"), rows=rows)
        return Reply(title=f"{len(rows)} services{whose}", blocks=(table,))

    @classmethod
    def sample(cls) -> Sample:
        """Two services."""
        lines = (ServiceLine(name="checkout", owners=("payments",)), ServiceLine(name="catalog", owners=("discovery",)))
        return Sample(action=cls(), result=ServiceList(services=lines))


class EnvironmentStatus(BaseModel):
    """How a service is doing in an environment.

    Attributes:
        application: what Argo CD says; None where it has no such application.
        last: the last deployment there that the ledger knows.
        under_way: the operation that is under way there.
    """

    model_config = ConfigDict(frozen=True)

    environment: str
    application: Application | None = None
    last: Deployment | None = None
    under_way: str = ""


class ServiceStatus(BaseModel):
    """How a service is doing everywhere that was asked for."""

    model_config = ConfigDict(frozen=True)

    service: str
    environments: tuple[EnvironmentStatus, ...]


class Status(
    Action[ServiceStatus],
    name="status",
    phrases=(
        "status [of] {service} [in {environment}]",
        "[what is] [the] status of {service} [in {environment}]",
        "how is {service} [doing] [in {environment}]",
        "health of {service} [in {environment}]",
        "what runs of {service} in {environment}",
        "is {service} up [in {environment}]",
    ),
    examples=(
        "status of checkout",
        "how is checkout doing in production?",
        "is checkout healthy on staging?",
        "which version of checkout runs in production?",
        "did checkout v1.4.2 reach production?",
    ),
    paraphrases=(
        "is {service} alive in {environment}",
        "has {version} of {service} made it to {environment}",
        "what version is {service} on in {environment}",
        "is {service} down",
        "what is {environment} running for {service}",
        "is {version} of {service} out yet on {environment}",
        "does {service} work in {environment}",
        "what is going on with {service}",
    ),
):
    """Say how a service is doing: version, health, sync, the last deployment, and what is under way."""

    service: ServiceName
    environment: EnvironmentName | None = None

    def run(self, context: Context) -> ServiceStatus:
        """Ask Argo CD once for all environments, and the ledger."""
        service = context.organization.service(self.service)
        argocd = service.connection(service.argocd, "argocd")
        chosen = [e.name for e in context.organization.environments if self.environment in {None, e.name}]
        names = {environment: argocd.application.format(environment=environment) for environment in chosen}
        applications = context.use(Deployer).applications(names.values())
        return ServiceStatus(
            service=self.service,
            environments=tuple(
                EnvironmentStatus(
                    environment=environment,
                    application=applications.get(name),
                    last=self._last(context, environment),
                    under_way=self._under_way(context, environment),
                )
                for environment, name in names.items()
            ),
        )

    def _last(self, context: Context, environment: str) -> Deployment | None:
        return next(iter(context.use(Deployments).find(service=self.service, environment=environment, limit=1)), None)

    def _under_way(self, context: Context, environment: str) -> str:
        states = tuple(state for state in State if state.holds_lock)
        query = RequestQuery(states=states, service=self.service, environment=environment, limit=5)
        return next((describe(r) for r in context.use(Ledger).find(query) if r.takes_lock), "")

    def reply(self, result: ServiceStatus, context: Context) -> Reply:
        """One row an environment; the worst health gives the tone."""
        rows = tuple(_status_row(line) for line in result.environments)
        healths = {line.application.health if line.application else Health.MISSING for line in result.environments}
        if healths <= {Health.HEALTHY}:
            tone, says = Tone.GOOD, "healthy"
        elif healths & {Health.DEGRADED, Health.MISSING}:
            tone = Tone.BAD
            says = next(h.value.lower() for h in (Health.DEGRADED, Health.MISSING) if h in healths)
        else:
            tone, says = Tone.WARNING, min(h.value for h in healths - {Health.HEALTHY}).lower()
        where = f" in {result.environments[0].environment}" if len(result.environments) == 1 else ""
        blocks = [Table(columns=("Environment", "Version", "Health", "Sync", "Last deployment"), rows=rows)]
        notes: list[Note] = [
            Note(text=(f"Under way: {line.under_way}",)) for line in result.environments if line.under_way
        ]
        sick = [line.environment for line in result.environments if _is(line, Health.DEGRADED)]
        buttons = tuple(
            Button.of(f"Restart in {where}", Restart(service=result.service, environment=where)) for where in sick
        )
        return Reply(title=f"{result.service}{where} is {says}", tone=tone, blocks=(*blocks, *notes), buttons=buttons)

    @classmethod
    def sample(cls) -> Sample:
        """Healthy in staging."""
        application = Application(
            name="checkout-staging", versions=("v1.4.2",), sync=Sync.SYNCED, health=Health.HEALTHY
        )
        lines = (EnvironmentStatus(environment="staging", application=application),)
        return Sample(action=cls(service="checkout"), result=ServiceStatus(service="checkout", environments=lines))


def _is(line: EnvironmentStatus, health: Health) -> bool:
    return line.application is not None and line.application.health is health


def describe(request: Request) -> str:
    """A request in one line: "R-12 deploy by dana since 09:30 UTC"."""
    return f"{request.id} {request.action} by {request.requester.name} since {request.created_at:%H:%M} UTC"


def _status_row(line: EnvironmentStatus) -> tuple[Text, ...]:
    application, last = line.application, line.last
    deployed: Text = ()
    if last is not None:
        deployed = (f"{last.version} {last.outcome} by {last.by} ", Moment(at=last.finished_at))
    if application is None:
        return ((line.environment,), ("",), ("not in Argo CD",), ("",), deployed)
    name: Text = (Link(text=line.environment, url=application.url),) if application.url else (line.environment,)
    health = application.health.value + (f": {application.message}" if application.message else "")
    versions = ", ".join(application.versions)
    return (name, (Code(text=versions),) if versions else (), (health,), (application.sync.value,), deployed)


class DeploymentList(BaseModel):
    """Deployments, newest first."""

    model_config = ConfigDict(frozen=True)

    deployments: tuple[Deployment, ...]
    scope: str = ""


class ListDeployments(
    Action[DeploymentList],
    name="deployments",
    queue="inline",
    phrases=(
        "deployments [of {service}] [in {environment}] [since {since}]",
        "show [the] [last] deployments [of {service}] [in {environment}] [since {since}]",
        "what was deployed [to {environment}] [since {since}]",
        "deployment history of {service} [in {environment}]",
    ),
    examples=(
        "deployments of checkout in production",
        "what was deployed to production in the last 24 hours?",
        "what changed in checkout this week?",
        "when was checkout last deployed?",
    ),
    paraphrases=(
        "history of {service} on {environment}",
        "which versions of {service} went out in the past {since}",
        "what shipped to {environment} in the last {since}",
        "who deployed {service} to {environment} last",
        "recent releases of {service}",
        "anything rolled out to {environment} lately",
        "what went live in the past {since}",
    ),
):
    """List deployments, newest first."""

    service: ServiceName | None = None
    environment: EnvironmentName | None = None
    since: Duration | None = None

    def run(self, context: Context) -> DeploymentList:
        """Read the ledger."""
        found = context.use(Deployments).find(
            service=self.service,
            environment=self.environment,
            since=context.now - self.since if self.since else None,
        )
        scope = f" of {self.service}" if self.service else ""
        scope += f" in {self.environment}" if self.environment else ""
        scope += f" in the last {format_duration(self.since)}" if self.since else ""
        return DeploymentList(deployments=tuple(found), scope=scope)

    def reply(self, result: DeploymentList, context: Context) -> Reply:
        """A table."""
        if not result.deployments:
            return Reply(title=f"The ledger knows no deployments{result.scope}")
        rows = tuple(
            (
                (Moment(at=d.finished_at),),
                (f"{d.service} in {d.environment}",),
                (Code(text=d.version),),
                (d.outcome,),
                (d.by,),
                (d.request,),
            )
            for d in result.deployments
        )
        columns = ("When", "Where", "Version", "Outcome", "By", "Request")
        many = "" if len(rows) == 1 else "s"
        return Reply(title=f"{len(rows)} deployment{many}{result.scope}", blocks=(Table(columns=columns, rows=rows),))

    @classmethod
    def sample(cls) -> Sample:
        """One deployment."""
        deployment = Deployment(
            request="R-12",
            action="deploy",
            service="checkout",
            environment="staging",
            version="v1.4.2",
            healthy=True,
            outcome="deployed",
            by="dana",
            started_at=_SAMPLE_TIME,
            finished_at=_SAMPLE_TIME + timedelta(seconds=48),
        )
        return Sample(action=cls(), result=DeploymentList(deployments=(deployment,)))
