"""The only place that builds: what stands behind each port, and how the house hangs together.

`assemble` builds it from the settings for a process; `compose` puts given parts together, for that and for the test kit.
Nothing here connects before it is used, and nothing is used before a worker has forked.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from actions import catalog as every_verb
from actions import installed
from actions.core.catalog import Catalog, Verb
from actions.core.context import Tools
from actions.core.errors import NotConnected
from actions.core.organization import Organization
from actions.core.ports.answers import Answers, Drafts, Found, Reads
from actions.core.ports.autonomy import Autonomy
from actions.core.ports.delivery import Deployer, Manifests, Pipelines, VersionRegistry
from actions.core.ports.desk import Desk
from actions.core.ports.language import LanguageModel, Unavailable, Usage
from actions.core.ports.ledger import (
    AuditTrail,
    Deliveries,
    Deployments,
    Freezes,
    Grants,
    Installations,
    Ledger,
    Offers,
    Tokens,
)
from actions.core.ports.messaging import Bus, Inbox, Queue, Sessions
from actions.core.ports.opinions import Opinions
from actions.core.ports.packages import Packages
from actions.core.ports.playbooks import Playbooks
from actions.core.ports.repositories import Repositories
from actions.core.ports.surroundings import Clock, Ids
from actions.core.ports.usage import Uses
from actions.core.ports.variables import ValuePages, Variables
from actions.core.request import Request
from actions.gate.desk import GateDesk
from actions.gate.gate import Gate, Heartbeat
from actions.gate.reads import GateReads
from actions.second_reader import SecondReader
from bot.announcing import Announcing
from bot.aside import Aside
from bot.budgets import Budgets
from bot.cards import Cards
from bot.colleagues import Colleagues, SandboxColleagues
from bot.conversation import Conversation
from bot.feedback import Feedback
from bot.playing import Playing
from bot.secret import Secret
from bot.settings import Settings
from bot.surroundings import RandomIds, SystemClock
from intents.meaning import Understanding
from playbooks.autonomy import EarnedAutonomy
from playbooks.loader import load as load_playbooks
from playbooks.playbook import Playbook

if TYPE_CHECKING:
    from actions.connectors.anthropic import Claude

T = TypeVar("T")

DRAWN = frozenset({"slack"})
"""The surfaces whose cards a listener draws."""


class WebPages:
    """The addresses of the pages on which a person gives a value; `bot.web.variables` serves them.

    Args:
        address: where the web process is, without a slash at the end.
        new_token: makes a token that nobody can guess.
    """

    def __init__(self, address: str, new_token: Callable[[], str]) -> None:
        self._address = address
        self._new_token = new_token

    def address(self, request_id: str, token: str) -> str:
        """Where the page for a request is."""
        return f"{self._address}/variables/{request_id}/{token}"

    def token(self) -> str:
        """A fresh token."""
        return self._new_token()


class NoAnswers:
    """Stands where no language model is connected that could put answers into words."""

    def answer(self, request: Request, question: str, tell: Callable[[str], None]) -> Found | Unavailable:
        """No answer."""
        del request, question, tell
        return Unavailable(why="No language model is connected")


class Kept(Protocol):
    """What is kept for good; `bot.stores.open_sql` opens one."""

    def migrate(self) -> None:
        """Bring the database to the newest schema."""

    @property
    def ledger(self) -> Ledger:
        """Requests."""

    @property
    def grants(self) -> Grants:
        """Roles given by people."""

    @property
    def freezes(self) -> Freezes:
        """The kill switch."""

    @property
    def deployments(self) -> Deployments:
        """What was brought where."""

    @property
    def audit(self) -> AuditTrail:
        """Who did what."""

    @property
    def offers(self) -> Offers:
        """What buttons hold."""

    @property
    def deliveries(self) -> Deliveries:
        """Which cards stand where."""

    @property
    def tokens(self) -> Tokens:
        """Personal tokens."""

    @property
    def installations(self) -> Installations:
        """Where Shipmate is installed."""

    @property
    def uses(self) -> Uses:
        """What language models were used for."""

    @property
    def opinions(self) -> Opinions:
        """What people thought of how they were understood."""

    def together(self) -> AbstractContextManager[None]:
        """Have what this thread reads within share one connection."""

    def ping(self) -> None:
        """Raise `Unreachable` where it does not answer."""

    def close(self) -> None:
        """Close every connection."""


class Passing(Protocol):
    """What passes through; `bot.stores.open_redis` opens one."""

    @property
    def drafts(self) -> Drafts:
        """What is being written of answers."""

    @property
    def sessions(self) -> Sessions:
        """The last turns of each thread."""

    @property
    def inbox(self) -> Inbox:
        """What doors took in."""

    @property
    def bus(self) -> Bus:
        """Tells who listens that a request changed."""

    @property
    def queue(self) -> Queue:
        """Jobs for the workers."""

    def ping(self) -> None:
        """Raise `Unreachable` where it does not answer."""

    def tended(self) -> None:
        """Raise `Unreachable` where no worker listens to a queue."""

    def close(self) -> None:
        """Close every connection."""


class Ports(Mapping[type[Any], Any]):
    """Ports by type; what stands behind one is built when it is first used, once.

    Args:
        factories: port → what builds it. A factory may raise `NotConnected`, and is then asked again the next time.
    """

    def __init__(self, factories: Mapping[type[Any], Callable[[], Any]]) -> None:
        self._factories = dict(factories)
        self._built: dict[type[Any], Any] = {}
        self._lock = threading.RLock()

    def __getitem__(self, port: type[Any]) -> Any:
        with self._lock:
            if port not in self._built:
                self._built[port] = self._factories[port]()
            return self._built[port]

    def __iter__(self) -> Iterator[type[Any]]:
        return iter(self._factories)

    def __len__(self) -> int:
        return len(self._factories)

    def get(self, port: type[Any], default: Any = None) -> Any:
        """What stands behind a port; the default where nothing does."""
        return self[port] if port in self._factories else default


@dataclass(frozen=True)
class House:
    """Shipmate, put together.

    Attributes:
        organization: the configuration.
        catalog: every verb.
        kept: the SQL stores.
        passing: the Redis stores.
        gate: where every request goes.
        desk: what people do to requests.
        cards: draws cards.
        conversation: the two ways in for a person.
        playing: has playbooks act.
        clock: the time.
        ids: identifiers.
        aside: does beside the work what nobody waits for.
    """

    organization: Organization
    catalog: Catalog
    kept: Kept
    passing: Passing
    gate: Gate
    desk: GateDesk
    cards: Cards
    conversation: Conversation
    playing: Playing
    clock: Clock
    ids: Ids
    aside: Aside

    def close(self) -> None:
        """Close every connection."""
        self.kept.close()
        self.passing.close()


def compose(
    *,
    organization: Organization,
    catalog: Catalog,
    kept: Kept,
    passing: Passing,
    outside: Mapping[type[Any], Callable[[], Any]],
    understanding: Callable[[], Understanding],
    clock: Clock,
    ids: Ids,
    worker: Callable[[], str],
    heartbeat: Heartbeat = lambda _: nullcontext(),
    answers: Callable[[Reads], Answers] = lambda _: NoAnswers(),
    model: Callable[[], LanguageModel] | None = None,
    playbooks: Callable[[], Mapping[str, Playbook]] | None = None,
) -> House:
    """Put the house together from its parts.

    Args:
        organization: the configuration.
        catalog: every verb.
        kept: the SQL stores.
        passing: the Redis stores.
        outside: port → what builds the connector behind it.
        understanding: what builds the reader of messages.
        clock: the time.
        ids: identifiers.
        worker: names this process, for leases.
        heartbeat: keeps a lease while work is done.
        answers: what builds the finder of answers in prose.
        model: what builds the language model that reads logs of which the rules are not sure; none reads none.
        playbooks: gives every playbook by name; the library's by default.
    """
    library = playbooks or _once(load_playbooks)
    aside = Aside()
    inside: dict[type[Any], Callable[[], Any]] = {
        Catalog: lambda: catalog,
        Ledger: lambda: kept.ledger,
        Grants: lambda: kept.grants,
        Freezes: lambda: kept.freezes,
        Deployments: lambda: kept.deployments,
        AuditTrail: lambda: kept.audit,
        Autonomy: lambda: EarnedAutonomy(kept.ledger, library, organization.autonomy),
        Desk: lambda: desk,
        Reads: lambda: reads,
        Drafts: lambda: passing.drafts,
        Answers: lambda: answers(reads),
        Playbooks: lambda: playing,
        **({SecondReader: lambda: SecondReader(model())} if model else {}),
        Offers: lambda: kept.offers,
    }
    tools = Tools(organization, Ports({**outside, **inside}))
    gate = Gate(
        catalog=catalog,
        tools=tools,
        ledger=kept.ledger,
        grants=kept.grants,
        freezes=kept.freezes,
        queue=passing.queue,
        bus=Announcing(passing.bus, passing.inbox, DRAWN),
        clock=clock,
        worker=worker,
        heartbeat=heartbeat,
        aside=aside,
    )
    desk = GateDesk(gate)
    reads = GateReads(gate)
    playing = Playing(desk, library)
    cards = Cards(catalog, tools, desk, clock)
    feedback = Feedback(kept.opinions, passing.sessions, gate, clock)
    conversation = Conversation(gate, cards, understanding, passing.sessions, kept.offers, feedback)
    return House(organization, catalog, kept, passing, gate, desk, cards, conversation, playing, clock, ids, aside)


def assemble(
    settings: Settings,
    *,
    organization: Organization | None = None,
) -> House:
    """Build the house for a process from its settings, with its database at the newest schema.

    Raises:
        NoConfiguration: there is no shipmate.yaml where the settings say.
        InvalidConfiguration: it has faults; all of them.
        Unreachable: the database does not answer.
        NewerDatabase: a newer Shipmate has changed its schema.
    """
    house = build(settings, organization=organization)
    try:
        house.kept.migrate()
    except BaseException:
        house.close()
        raise
    return house


def build(
    settings: Settings,
    *,
    organization: Organization | None = None,
    heartbeat: Heartbeat = lambda _: nullcontext(),
) -> House:
    """Build the house from the settings; nothing is connected yet, so whoever has one may fork.

    Args:
        settings: where things are.
        organization: the configuration, where the process has read it already.
        heartbeat: keeps a lease while work is done; for workers.

    Raises:
        NoConfiguration: there is no shipmate.yaml where the settings say.
        InvalidConfiguration: it has faults; all of them.
    """
    from bot.configuration import load  # noqa: PLC0415 - a process that was handed it need not read YAML
    from bot.stores.open import open_redis, sql_stores  # noqa: PLC0415 - `compose` is used without them

    known = organization or load(settings.config)
    catalog = every_verb([*installed(), *_sandbox_verbs()] if settings.sandbox else None)
    kept = sql_stores(settings.database.get_secret_value())
    machine = socket.gethostname()
    budgets = Budgets(kept.uses, known, SystemClock())
    model = _once(lambda: claude(settings, known, budgets))
    return compose(
        organization=known,
        catalog=catalog,
        kept=kept,
        passing=open_redis(settings.redis.get_secret_value()),
        outside=outside(settings),
        understanding=_once(lambda: recognizer(settings, catalog, known, model=model)),
        clock=SystemClock(),
        ids=RandomIds(),
        worker=lambda: f"{machine}:{os.getpid()}",
        heartbeat=heartbeat,
        answers=lambda reads: prose(model, catalog, known, reads),
        model=model,
        playbooks=_once(lambda: load_playbooks(settings.playbooks, catalog)),
    )


def _sandbox_verbs() -> Iterable[Verb]:
    """The verbs that there are in the sandbox alone."""
    from bot.colleagues import BreakPipeline  # noqa: PLC0415 - nobody else has them

    return (BreakPipeline,)


def outside(settings: Settings) -> Mapping[type[Any], Callable[[], Any]]:
    """Port → what builds the connector behind it; each says which setting it lacks."""

    def gitlab() -> Any:
        from actions.connectors.gitlab import GitLab  # noqa: PLC0415 - python-gitlab is imported where it is used

        return GitLab(
            _needed(settings.gitlab_url, "GITLAB_URL"),
            _secret(settings.gitlab_token, "GITLAB_TOKEN"),
        )

    one_gitlab = _once(gitlab)

    def versions() -> VersionRegistry:
        from actions.connectors.gitlab import GitLabVersions  # noqa: PLC0415 - as above

        return GitLabVersions(one_gitlab())

    def pipelines() -> Pipelines:
        from actions.connectors.gitlab import GitLabPipelines  # noqa: PLC0415 - as above

        return GitLabPipelines(one_gitlab())

    def repositories() -> Repositories:
        from actions.connectors.gitlab_repositories import GitLabRepositories  # noqa: PLC0415 - as above

        return GitLabRepositories(one_gitlab())

    def variables() -> Variables:
        from actions.connectors.gitlab_variables import GitLabVariables  # noqa: PLC0415 - as above

        return GitLabVariables(one_gitlab())

    def packages() -> Packages:
        from actions.connectors.packages import PackageManagers  # noqa: PLC0415 - as above

        return PackageManagers(shutil.which("npm"))

    def manifests() -> Manifests:
        from actions.connectors.gitlab_manifests import GitLabManifests  # noqa: PLC0415 - as above

        return GitLabManifests(one_gitlab())

    def deployer() -> Deployer:
        from actions.connectors.argocd import ArgoCD  # noqa: PLC0415 - httpx is imported where it is used

        return ArgoCD(
            _needed(settings.argocd_url, "ARGOCD_URL"),
            _secret(settings.argocd_token, "ARGOCD_TOKEN"),
        )

    def colleagues() -> Colleagues:
        return SandboxColleagues(_needed(settings.gitlab_url, "GITLAB_URL").removesuffix("/gitlab"))

    return {
        **({Colleagues: colleagues} if settings.sandbox else {}),
        VersionRegistry: versions,
        Pipelines: pipelines,
        Repositories: repositories,
        Packages: packages,
        Variables: variables,
        ValuePages: lambda: WebPages(settings.address, RandomIds().new),
        Manifests: manifests,
        Deployer: deployer,
    }


def _needed(value: str | None, variable: str) -> str:
    if not value:
        raise NotConnected(
            f"{variable} is not set, and this needs it.", remedy=f"Set {variable} and start Shipmate again."
        )
    return value


def _secret(value: Secret | None, variable: str) -> str:
    return _needed(value.get_secret_value() if value else None, variable)


def _once(build: Callable[[], T]) -> Callable[[], T]:
    """The same thing every time, built when it is first asked for."""
    lock, built = threading.Lock(), list[T]()

    def get() -> T:
        with lock:
            if not built:
                built.append(build())
            return built[0]

    return get


def claude(settings: Settings, organization: Organization, usage: Usage | None = None) -> Claude:
    """The language model, with the models that the organization named for each purpose.

    Args:
        settings: where it is.
        organization: names the models.
        usage: counts, and knows the budgets; nothing is counted without.

    Raises:
        NotConnected: there is no key.
    """
    from actions.connectors.anthropic import Claude  # noqa: PLC0415 - only where there is a key

    key = _secret(settings.anthropic_api_key, "ANTHROPIC_API_KEY")
    return Claude(key, base_url=settings.anthropic_base_url, models=organization.models, usage=usage)


def models_used(organization: Organization) -> tuple[str, ...]:
    """The models that serve the purposes, by the configuration and by default."""
    from actions.connectors.anthropic import DEFAULT_MODELS  # noqa: PLC0415 - as above

    return tuple(dict.fromkeys({**DEFAULT_MODELS, **organization.models}.values()))


def models_ending(organization: Organization) -> Iterator[tuple[str, str, str]]:
    """The purposes for which a model is configured that its vendor ends: purpose, model and when."""
    from actions.connectors.anthropic import ENDING_MODELS  # noqa: PLC0415 - as above

    for purpose, model in organization.models.items():
        for ending, when in ENDING_MODELS.items():
            if model.startswith(ending):
                yield purpose, model, when


def recognizer(
    settings: Settings,
    catalog: Catalog,
    organization: Organization,
    *,
    model: Callable[[], LanguageModel] | None = None,
) -> Understanding:
    """The reader of messages; what the local one learns of a catalogue is kept in the state directory.

    Args:
        settings: where things are.
        catalog: the verbs.
        organization: the names.
        model: builds the language model that reads what the plain grammar does not; none, or one that is not
            connected, leaves all to the local recogniser.
    """
    from intents.claude import ModelRecognizer  # noqa: PLC0415 - only who hears pays for it
    from intents.nearest import Nearest  # noqa: PLC0415 - as above
    from intents.recognizer import Recognizer  # noqa: PLC0415 - as above

    local = Recognizer(catalog, organization, cache=settings.state_dir / "understanding")
    try:
        connected = model() if model else None
    except NotConnected:
        connected = None
    if connected is None:
        return Nearest(local, catalog)
    return ModelRecognizer(catalog, organization, connected, local, prose=True)


def prose(model: Callable[[], LanguageModel], catalog: Catalog, organization: Organization, reads: Reads) -> Answers:
    """The finder of answers in prose; one that finds none where no model is connected."""
    from intents.prose import ProseAnswers  # noqa: PLC0415 - only a worker that is asked pays for it

    try:
        connected = model()
    except NotConnected:
        return NoAnswers()
    rules = organization.answers
    return ProseAnswers(
        catalog,
        organization,
        connected,
        reads,
        most_reads=rules.reads,
        within=rules.within.total_seconds(),
        clock=time.monotonic,
    )
