"""`shipmate check`: whether the configuration is right and everything it names can be reached, with what to do where not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from actions.core.errors import ShipmateError, Unreachable
from actions.core.organization import Location, Organization
from actions.core.ports.delivery import Deployer, Manifests, ManifestTarget, Pipelines
from bot import configuration, instance
from bot.budgets import price_of
from bot.commands.up import joined
from bot.configuration import InvalidConfiguration, NoConfiguration
from bot.outside import outside
from bot.settings import Settings, strangers

_AT_ONCE = 8


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        good: whether all is well; None where there was nothing to check.
        says: what was found, and what to do.
    """

    good: bool | None
    says: str


def run(_: argparse.Namespace, settings: Settings) -> int:
    """Check everything, print what was found, and return 1 where anything is wrong."""
    here = instance.running(settings.state_dir)
    if here is not None and here.sandbox:
        settings = joined(settings)
    good = True
    for finding in check(settings):
        mark = {True: "✔", False: "✖", None: "-"}[finding.good]
        sys.stdout.write(f"{mark} {finding.says}\n")
        good = good and finding.good is not False
    return int(not good)


def check(settings: Settings) -> Iterator[Finding]:
    """Everything that can be checked, in the order in which it is needed."""
    for name, near in strangers().items():
        maybe = f" Did you mean {' or '.join(near)}?" if near else ""
        yield Finding(good=False, says=f"Nothing reads the variable {name}.{maybe}")
    organization = None
    try:
        organization = configuration.load(settings.config)
    except (NoConfiguration, InvalidConfiguration) as error:
        yield Finding(good=False, says=str(error))
    else:
        counts = (f"{len(getattr(organization, part))} {part}" for part in ("environments", "services", "people"))
        yield Finding(good=True, says=f"{settings.config}: {', '.join(counts)}")
        yield _reader(settings, organization)
        yield from _models(settings, organization)
    yield _tried("The database", lambda: _database(settings))
    yield _redis(settings)
    if organization is not None:
        yield from _systems(settings, organization)
    yield from _slack(settings)


def _tried(what: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except ShipmateError as error:
        return Finding(good=False, says=f"{what}: {error}")
    return Finding(good=True, says=f"{what} answers")


def _reader(settings: Settings, organization: Organization) -> Finding:
    from bot.assembly import catalog_of  # noqa: PLC0415 - a faulty configuration is told without it
    from bot.language import recognizer  # noqa: PLC0415 - as above

    recognizer(settings, catalog_of(settings), organization)
    return Finding(good=True, says="The reader of messages knows the verbs and names")


def _models(settings: Settings, organization: Organization) -> Iterator[Finding]:
    """Whether Claude is connected, and whether the models that it is to use will be there for long."""
    from bot.language import claude, models_ending, models_used  # noqa: PLC0415 - as above

    if settings.anthropic_api_key is None:
        yield Finding(good=None, says="ANTHROPIC_API_KEY is not set; the local recogniser reads alone")
    else:
        connected = claude(settings, organization)
        for fault in dict.fromkeys(connected.fault(name) for name in models_used(organization)):
            yield Finding(good=not fault, says=fault or "Claude answers and knows the models")
    budgets = (organization.usage.person_per_day, organization.usage.total_per_day)
    unpriced = [model for model in models_used(organization) if price_of(organization.usage, model) is None]
    if unpriced and any(budget.cost is not None for budget in budgets):
        yield Finding(
            good=False,
            says=f"`usage.prices` has no price for {', '.join(unpriced)}, so what they cost does not count. Add them.",
        )
    for purpose, model, ends in models_ending(organization):
        yield Finding(
            good=False,
            says=f"`models.{purpose}` names {model}, which its vendor ends on {ends}. Name a newer one, or leave it out.",
        )


def _database(settings: Settings) -> None:
    from bot.stores.open import open_sql  # noqa: PLC0415 - a faulty configuration is told without it

    settings.state_dir.mkdir(parents=True, exist_ok=True)
    stores = open_sql(settings.database.get_secret_value())
    try:
        stores.ping()
    finally:
        stores.close()


def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding(good=None, says="SHIPMATE_REDIS_URL is not set; `shipmate up` brings an embedded Valkey")
    from bot.stores.open import open_redis  # noqa: PLC0415 - as above

    address = settings.redis_url.get_secret_value()

    def attempt() -> None:
        stores = open_redis(address)
        try:
            stores.ping()
        finally:
            stores.close()

    return _tried("Redis", attempt)


def _slack(settings: Settings) -> Iterator[Finding]:
    if settings.slack_bot_token is None:
        yield Finding(good=None, says="SLACK_BOT_TOKEN is not set; docs/slack.md says how to talk to Shipmate in Slack")
        return
    from bot.surfaces.slack.client import Api, Line, SlackFailed  # noqa: PLC0415 - as above

    try:
        api = Api(Line(settings.slack_api_url), settings.slack_bot_token.get_secret_value())
        found = api.call("auth.test")
    except SlackFailed as error:
        yield Finding(good=False, says=f"Slack: {error}. Compare SLACK_BOT_TOKEN with the app's page at api.slack.com.")
    else:
        yield Finding(good=True, says=f"Slack: {found.get('user', 'Shipmate')} in {found.get('team', 'the workspace')}")
    if settings.slack_signing_secret is None and settings.slack_app_token is None:
        says = "Slack cannot reach Shipmate: set SLACK_SIGNING_SECRET for HTTP, or SLACK_APP_TOKEN for Socket Mode"
        yield Finding(good=False, says=says)


class _Named(NamedTuple):
    """Something outside that the configuration names.

    Attributes:
        location: where the configuration names it.
        what: what it is.
        attempt: raises where it is not there.
    """

    location: Location
    what: str
    attempt: Callable[[], object]


def _systems(settings: Settings, organization: Organization) -> Iterator[Finding]:
    ports = outside(settings)
    yield from _system(settings, "GitLab", list(_projects(organization, ports)))
    yield from _system(settings, "Argo CD", list(_applications(organization, ports)))


def _system(settings: Settings, name: str, named: list[_Named]) -> Iterator[Finding]:
    """Look for everything that is named of one system; a failure that all of them share is told once."""
    if not named:
        yield Finding(good=None, says=f"{name}: no service names anything there")
        return
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        failures = list(threads.map(_failure, named))
    told: dict[object, tuple[_Named, ShipmateError]] = {}
    for one, failure in zip(named, failures, strict=True):
        if failure is not None:
            # That nobody answers is one fault, whatever was asked for.
            told.setdefault(Unreachable if isinstance(failure, Unreachable) else str(failure), (one, failure))
    for one, failure in told.values():
        place = configuration.place(settings.config, one.location)
        yield Finding(good=False, says=f"{name}: {place}: {one.what}: {failure}")
    if not told:
        yield Finding(good=True, says=f"{name} answers, and has all {len(named)} things that services name")


def _failure(named: _Named) -> ShipmateError | None:
    try:
        named.attempt()
    except ShipmateError as error:
        return error
    return None


def _projects(organization: Organization, ports: Mapping[type[Any], Callable[[], Any]]) -> Iterator[_Named]:
    seen: set[object] = set()
    for index, service in enumerate(organization.services):
        if service.gitlab and service.gitlab.project not in seen:
            seen.add(service.gitlab.project)
            project = service.gitlab.project

            def branch(project: str = project) -> object:
                found: Pipelines = ports[Pipelines]()
                return found.default_branch(project)

            yield _Named(("services", index, "gitlab", "project"), f"the project {project}", branch)
        if service.manifests:
            section = service.manifests
            for environment in organization.environments:
                target = ManifestTarget(
                    project=section.project,
                    branch=section.branch,
                    file=section.file.format(environment=environment.name),
                    image=section.image,
                    key=section.key,
                )

                def read(target: ManifestTarget = target) -> object:
                    found: Manifests = ports[Manifests]()
                    return found.read(target)

                yield _Named(("services", index, "manifests", "file"), f"{target.project}/{target.file}", read)


def _applications(organization: Organization, ports: Mapping[type[Any], Callable[[], Any]]) -> Iterator[_Named]:
    for index, service in enumerate(organization.services):
        if service.argocd:
            names = [service.argocd.application.format(environment=e.name) for e in organization.environments]

            def look(names: Iterable[str] = tuple(names)) -> None:
                found: Deployer = ports[Deployer]()
                missing = set(names) - set(found.applications(list(names)))
                if missing:
                    raise NoApplication(sorted(missing))

            yield _Named(("services", index, "argocd", "application"), service.name, look)


class NoApplication(ShipmateError):
    """Argo CD lacks applications that the configuration names."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"Argo CD has no application {' and no '.join(names)}.",
            remedy="Correct the name, or make sure that the token may see it.",
        )
