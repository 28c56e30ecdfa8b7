"""The organization as `shipmate.yaml` names it: environments, services, people, teams, roles and rules."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from actions.core.errors import NotConnected
from actions.core.kinds import Duration, Kind
from actions.core.people import Role
from actions.core.ports.autonomy import Stage, Terrain

T = TypeVar("T")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


Location = tuple[str | int, ...]
"""The way to a value in the document: keys and positions, as pydantic's `loc`."""


class Inconsistent(ValueError):
    """Parts that are right in themselves contradict each other.

    Args:
        faults: where each contradiction stands, and what it is.
    """

    def __init__(self, faults: Iterable[tuple[Location, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(message for _, message in self.faults))


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvironmentKind(StrEnum):
    """How much care an environment is owed; the default rules go by it."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


_USUAL_KINDS = {
    **dict.fromkeys(("development", "dev", "local", "sandbox", "preview", "review"), EnvironmentKind.DEVELOPMENT),
    **dict.fromkeys(
        ("staging", "stage", "stg", "qa", "test", "testing", "uat", "preprod", "pre-production"),
        EnvironmentKind.STAGING,
    ),
}


class Environment(_Section):
    """A place where services run. Without a `kind`, a usual name tells it; any other name is production."""

    name: Name
    aliases: tuple[str, ...] = ()
    kind: EnvironmentKind = EnvironmentKind.PRODUCTION

    @model_validator(mode="before")
    @classmethod
    def _kind_by_name(cls, data: object) -> object:
        if isinstance(data, dict) and "kind" not in data:
            kind = _USUAL_KINDS.get(str(data.get("name", "")).casefold(), EnvironmentKind.PRODUCTION)
            return {**data, "kind": kind}
        return data


class GitLabProject(_Section):
    """Where a service's code and pipelines are."""

    project: str


class VersionSource(StrEnum):
    """What makes a version exist."""

    TAGS = "tags"
    RELEASES = "releases"
    IMAGES = "images"


class Versions(_Section):
    """Where to look whether a version exists: git tags, GitLab releases or images in GitLab's registry."""

    source: VersionSource = VersionSource.TAGS


def _placeholder_only(value: str) -> str:
    if "{" in value.replace("{environment}", ""):
        message = "the only placeholder allowed here is {environment}"
        raise ValueError(message)
    return value


Template = Annotated[str, AfterValidator(_placeholder_only)]


class ArgoCD(_Section):
    """The Argo CD application that runs a service, and how its health is judged.

    Attributes:
        application: its name; `{environment}` stands for the environment's.
        healthy_within: how long a rollout may take before it is rolled back.
        healthy_for: how long it must stay healthy before it counts as done.
    """

    application: Template
    healthy_within: Duration = timedelta(minutes=10)
    healthy_for: Duration = timedelta(seconds=15)


class Manifests(_Section):
    """The file in the manifests repository that holds a service's image tag.

    Attributes:
        project: the GitLab project.
        file: the path; a kustomization (`images:`) or Helm values (`image.tag`).
        branch: the branch that Argo CD follows.
        image: the image's name in `images:`; needed only where the file lists several.
        key: the dotted key of the tag in Helm values.
    """

    project: str
    file: Template
    branch: str = "main"
    image: str | None = None
    key: str = "image.tag"


class Service(_Section):
    """Something that is built, deployed and looked after. Its connections are optional."""

    name: Name
    aliases: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    description: str = ""
    gitlab: GitLabProject | None = None
    argocd: ArgoCD | None = None
    manifests: Manifests | None = None
    versions: Versions = Versions()

    @property
    def project(self) -> str:
        """The GitLab project.

        Raises:
            NotConnected: the configuration does not say.
        """
        return self.connection(self.gitlab, "gitlab").project

    def connection(self, section: T | None, key: str) -> T:
        """A connection that a verb needs.

        Raises:
            NotConnected: the configuration does not have it; says which key is missing.
        """
        if section is None:
            raise NotConnected(
                f"{self.name} has no `{key}` in shipmate.yaml, and this needs it.",
                remedy=f"Add `{key}:` under the service {self.name}; docs/configuration.md shows its form.",
            )
        return section


class Person(_Section):
    """Somebody with a name and roles; the ids say how each surface knows them."""

    name: Name
    slack: str | None = None
    teams: str | None = None
    gitlab: str | None = None
    email: str | None = None
    roles: tuple[str, ...] = (Role.VIEWER,)


class Team(_Section):
    """People who own services, and where they are told of failures and summaries.

    Attributes:
        members: the people who belong to it, by name; each may confirm what a playbook asks on the team's behalf.
    """

    name: Name
    members: tuple[str, ...] = ()
    slack_channel: str | None = None
    teams_conversation: str | None = None


class RoleDefinition(_Section):
    """A role of the organization's own, or more about a built-in one.

    Attributes:
        like: the built-in role whose rights it has; for a role with another name.
        slack_usergroups: Slack user groups whose members hold the role.
    """

    like: Role | None = None
    slack_usergroups: tuple[str, ...] = ()


class PermissionRule(_Section):
    """Who may do what where, in place of the default for whatever it matches; the first match decides.

    Attributes:
        actions: verbs; none means every verb that is not a read.
        environments: environments; none means any.
        services: services; none means any.
        roles: who may: each role, and those above it.
        people: people who may, by name.
    """

    actions: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


class ApprovalRule(_Section):
    """How many others must approve what where; the first match decides. `count: 0` lifts the default.

    Attributes:
        actions: verbs; none means every verb that changes an environment.
        environments: environments; none means any.
        services: services; none means any.
        count: how many people, none of them the requester.
        roles: who may approve: each role, and those above it; none means whoever may do the thing.
        within: how long the request waits.
    """

    actions: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    count: Annotated[int, Field(ge=0, le=10)] = 1
    roles: tuple[str, ...] = ()
    within: Duration = timedelta(minutes=15)


class PolicyRule(_Section):
    """A condition that every matching change must meet, whoever asks.

    Attributes:
        name: what the refusal names.
        actions: verbs; none means every verb that changes an environment.
        environments: environments; none means any.
        services: services; none means any.
        versions: a regular expression that the whole version must match, where the change has one.
        message: what the person is told.
    """

    name: str
    actions: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    versions: re.Pattern[str]
    message: str = ""


class Limits(_Section):
    """How much one person may ask for, and one machine (a playbook) for one service.

    Attributes:
        changes_per_minute: requests that change something, a person and minute.
        open_operations: operations of one person that are under way at once.
    """

    changes_per_minute: Annotated[int, Field(ge=1)] = 30
    open_operations: Annotated[int, Field(ge=1)] = 20


class AnswerRules(_Section):
    """How far Claude may go to answer a question in prose.

    Attributes:
        reads: how many things it may look up for one answer.
        within: how long an answer may take in all.
    """

    reads: Annotated[int, Field(ge=1, le=20)] = 5
    within: Duration = timedelta(seconds=30)


Price = Annotated[float, Field(ge=0)]


class ModelPrice(_Section):
    """What a model costs, for a million tokens.

    Attributes:
        input: tokens read.
        output: tokens written.
        cached: tokens read from the cache; the price of `input` where it is absent.
        stored: tokens read and put into the cache; the price of `input` where it is absent.
    """

    input: Price
    output: Price
    cached: Price | None = None
    stored: Price | None = None


class Budget(_Section):
    """What may be used of Claude; whichever limit is reached first counts.

    Attributes:
        cost: in the currency of the prices.
        tokens: read and written together, from the cache too.
    """

    cost: Annotated[float, Field(gt=0)] | None = None
    tokens: Annotated[int, Field(gt=0)] | None = None


class UsageRules(_Section):
    """What Claude costs and how much of it may be used. A day begins at midnight UTC.

    Attributes:
        currency: in which the prices and budgets are.
        prices: what each model costs, by its name.
        person_per_day: how much one person may use a day.
        total_per_day: how much everybody together may use a day.
    """

    currency: str = "USD"
    prices: dict[str, ModelPrice] = {}
    person_per_day: Budget = Budget()
    total_per_day: Budget = Budget()


class Machine(_Section):
    """A playbook's or rule's own rights."""

    roles: tuple[str, ...] = ()


class Pin(_Section):
    """A stage at which an admin holds a playbook, whatever it earned.

    Attributes:
        playbook: its name.
        stage: "shadow", "propose", "approve" or "auto".
        category: the kind of failure; none means every one.
        terrain: "default branch" or "other branches"; none means both.
        reason: why, for who asks where it stands.
    """

    playbook: Name
    stage: Stage
    category: str | None = None
    terrain: Terrain | None = None
    reason: str = ""


class AutonomyRules(_Section):
    """How playbooks earn their autonomy.

    Attributes:
        approve_above: the lower bound of the Wilson interval (95 %) over its verified outcomes at which a playbook may
            have everything done and ask one person's approval to merge.
        auto_above: the one at which it may merge by itself.
        remembered: for how long an outcome counts.
        pins: stages that are held whatever was earned; the first that matches decides.
    """

    approve_above: Annotated[float, Field(gt=0, lt=1)] = 0.5
    auto_above: Annotated[float, Field(gt=0, lt=1)] = 0.8
    remembered: Duration = Field(default="180d", validate_default=True)
    pins: tuple[Pin, ...] = ()


class Organization(_Section):
    """Everything `shipmate.yaml` says. It is also the vocabulary: it knows every name and alias."""

    environments: tuple[Environment, ...] = ()
    services: tuple[Service, ...] = ()
    people: tuple[Person, ...] = ()
    teams: tuple[Team, ...] = ()
    roles: dict[str, RoleDefinition] = {}
    permissions: tuple[PermissionRule, ...] = ()
    approvals: tuple[ApprovalRule, ...] = ()
    policies: tuple[PolicyRule, ...] = ()
    limits: Limits = Limits()
    models: dict[str, str] = {}
    answers: AnswerRules = AnswerRules()
    usage: UsageRules = UsageRules()
    machines: dict[str, Machine] = {}
    autonomy: AutonomyRules = AutonomyRules()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [*self._doubles(), *self._unknown_roles(), *self._unknown_names(), *self._unpriced()]
        if faults:
            raise Inconsistent(faults)
        return self

    def _doubles(self) -> Iterable[tuple[Location, str]]:
        sections: dict[str, tuple[Kind, Iterable[tuple[str, tuple[str, ...]]]]] = {
            "environments": (Kind.ENVIRONMENT, [(e.name, e.aliases) for e in self.environments]),
            "services": (Kind.SERVICE, [(s.name, s.aliases) for s in self.services]),
            "people": (Kind.PERSON, [(p.name, ()) for p in self.people]),
            "teams": (Kind.TEAM, [(t.name, ()) for t in self.teams]),
        }
        for section, (kind, entries) in sections.items():
            seen: dict[str, int] = {}
            for index, (name, aliases) in enumerate(entries):
                for place, word in (("name", name), *(("aliases", alias) for alias in aliases)):
                    first = seen.setdefault(word.casefold(), index)
                    if first != index:
                        other = list(entries)[first][0]
                        yield (section, index, place), f"the {kind} name “{word}” is used for {other} and {name}"

    def _unknown_roles(self) -> Iterable[tuple[Location, str]]:
        roles = set(self.role_names)
        for role, definition in self.roles.items():
            if role not in set(Role) and definition.like is None:
                yield (
                    ("roles", role),
                    f"the role “{role}” is not built in, so it needs `like:` with one of {', '.join(Role)}",
                )
        for index, person in enumerate(self.people):
            for role in person.roles:
                if role not in roles:
                    message = (
                        f"the person {person.name} has the unknown role “{role}”; known are {', '.join(sorted(roles))}"
                    )
                    yield ("people", index, "roles"), message

    def _unknown_names(self) -> Iterable[tuple[Location, str]]:
        people = {person.name for person in self.people}
        for index, team in enumerate(self.teams):
            for name in team.members:
                if name not in people:
                    yield ("teams", index, "members"), f"the team {team.name} has the unknown member “{name}”"
        known = {
            "roles": set(self.role_names),
            "services": {s.name for s in self.services},
            "environments": {e.name for e in self.environments},
        }
        sections: dict[str, tuple[PermissionRule | ApprovalRule, ...]] = {
            "permissions": self.permissions,
            "approvals": self.approvals,
        }
        for section, rules in sections.items():
            for index, rule in enumerate(rules):
                for key, names in known.items():
                    for name in getattr(rule, key):
                        if name not in names:
                            yield (section, index, key), f"a rule names the unknown {key[:-1]} “{name}”"

    def _unpriced(self) -> Iterable[tuple[Location, str]]:
        for key in ("person_per_day", "total_per_day"):
            if getattr(self.usage, key).cost is not None and not self.usage.prices:
                yield ("usage", key, "cost"), "a budget in money needs `prices:`; without them nothing has a cost"

    @property
    def role_names(self) -> tuple[str, ...]:
        """The built-in roles and the organization's own."""
        return (*Role, *(name for name in self.roles if name not in set(Role)))

    @cached_property
    def policy_version(self) -> str:
        """A hash of all that the gate judges by; it changes when the configuration does."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @cached_property
    def _aliases(self) -> Mapping[Kind, Mapping[str, str]]:
        teams = {*(t.name for t in self.teams), *(owner for s in self.services for owner in s.owners)}
        named: dict[Kind, dict[str, str]] = {
            Kind.ENVIRONMENT: {w.casefold(): e.name for e in self.environments for w in (*e.aliases, e.name)},
            Kind.SERVICE: {w.casefold(): s.name for s in self.services for w in (*s.aliases, s.name)},
            Kind.PERSON: {p.name.casefold(): p.name for p in self.people},
            Kind.TEAM: {team.casefold(): team for team in teams},
            Kind.ROLE: {role.casefold(): str(role) for role in self.role_names},
        }
        return named

    def resolve(self, kind: Kind, text: str) -> str | None:
        """The canonical name for a name or alias, without regard to case; None where it is unknown.

        Verbs are the catalogue's to know: any is accepted here.
        """
        if kind is Kind.VERB:
            return text
        return self._aliases[kind].get(text.strip().lstrip("@").casefold())

    def names(self, kind: Kind) -> Iterable[str]:
        """Every canonical name of a kind."""
        return sorted(set(self._aliases.get(kind, {}).values()))

    @cached_property
    def _services(self) -> Mapping[str, Service]:
        return {service.name: service for service in self.services}

    @cached_property
    def _environments(self) -> Mapping[str, Environment]:
        return {environment.name: environment for environment in self.environments}

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return {person.name: person for person in self.people}

    @cached_property
    def _people_by_slack(self) -> Mapping[str, Person]:
        return {person.slack: person for person in self.people if person.slack}

    def service(self, name: str) -> Service:
        """The service of a canonical name.

        Raises:
            KeyError: there is none.
        """
        return self._services[name]

    def environment(self, name: str) -> Environment:
        """The environment of a canonical name.

        Raises:
            KeyError: there is none.
        """
        return self._environments[name]

    def person(self, name: str) -> Person | None:
        """The person of a canonical name."""
        return self._people.get(name)

    def person_by_slack(self, user_id: str) -> Person | None:
        """The person whom Slack knows by this user id."""
        return self._people_by_slack.get(user_id)

    def members(self, team: str) -> tuple[str, ...]:
        """The people who belong to a team, by name; none where there is no such team."""
        return next((each.members for each in self.teams if each.name == team), ())

    def rank(self, role: str) -> int:
        """A role's place in the built-in order, own roles counting as what they are like; -1 for an unknown one."""
        definition = self.roles.get(role)
        if definition is not None and definition.like is not None:
            return definition.like.rank
        return Role(role).rank if role in set(Role) else -1
