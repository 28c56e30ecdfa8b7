"""The whole bot in memory, to test conversations with: `say`, `press`, `settle`. For our tests and those of plug-in authors.

    bot = Bot()
    card = bot.say("dana", "deploy checkout v1.4.2 to staging")
    bot.settle()
    assert bot.card(card).title == "checkout v1.4.2 runs in staging"

Everything is the real thing (gate, ledger on SQLite in memory, cards, understanding) but for the outside and the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import count
from typing import Any

from pydantic import JsonValue

from actions.core.catalog import Catalog, Verb
from actions.core.errors import NotConnected
from actions.core.organization import Organization
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.ports.delivery import Deployer, Manifests, Pipelines, VersionRegistry
from actions.core.ports.language import LanguageModel
from actions.core.ports.ledger import RequestQuery
from actions.core.ports.repositories import Repositories
from actions.core.reply import Reply
from actions.core.request import Origin, Proposal, Request, State
from actions.gate.polling import poll_due
from actions.gate.sweep import poll_all_due, sweep
from actions.verbs import VERBS
from bot.conversation import Answer, Heard
from bot.house import House, compose
from bot.language import prose
from bot.stores.open import SqlStores, open_sql
from bot.stores.sql.database import Database, open_engine
from bot.stores.sql.migrate import migrate
from bot.testing.fakes import CountingIds, FakeCluster, FakePipelines, FakeRepositories, HandClock, MemoryPassing
from intents.meaning import Understanding
from playbooks.playbook import Playbook

COMPANY: dict[str, Any] = {
    "environments": [
        {"name": "development", "aliases": ["dev"]},
        {"name": "staging", "aliases": ["stage"]},
        {"name": "production", "aliases": ["prod", "live"]},
    ],
    "services": [
        {
            "name": name,
            "aliases": aliases,
            "owners": owners,
            "gitlab": {"project": f"shop/{name}"},
            "argocd": {"application": f"{name}-{{environment}}", "healthy_within": "60s", "healthy_for": "15s"},
            "manifests": {"project": "shop/manifests", "file": f"apps/{name}/{{environment}}/kustomization.yaml"},
        }
        for name, aliases, owners in (
            ("checkout", ["checkout-service"], ["payments"]),
            ("ledger-writer", ["ledger"], ["payments"]),
            ("catalog", ["catalogue"], ["discovery"]),
        )
    ],
    "people": [
        {"name": "vic", "roles": ["viewer"]},
        {"name": "sam", "roles": ["developer"]},
        {"name": "lena", "roles": ["senior_dev"]},
        {"name": "dana", "slack": "U0DANA", "roles": ["devops"]},
        {"name": "erin", "slack": "U0ERIN", "roles": ["devops"]},
        {"name": "ada", "roles": ["admin"]},
    ],
    "teams": [{"name": "payments"}, {"name": "discovery"}],
}
"""A small company; copy and change it for a test's own rules."""

VERSIONS = ("v1.5.1-stuck", "v1.5.0-bad", "v1.4.2", "v1.4.1", "v1.4.0")


@cache
def _newest() -> bytes:
    """A database in memory at the newest schema; bringing each test's own there would take longer than most tests."""
    engine = open_engine("sqlite://")
    migrate(engine)
    with engine.connect() as connection:
        found: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
    engine.dispose()
    return found


def _opened(database: str) -> SqlStores:
    if database != "sqlite://":
        return open_sql(database)
    engine = open_engine(database)
    with engine.connect() as connection:
        connection.connection.driver_connection.deserialize(_newest())  # type: ignore[union-attr]
    return SqlStores(Database(engine))


class Bot:
    """Shipmate in memory.

    Args:
        company: the configuration, as shipmate.yaml would hold it.
        verbs: verbs beside ours, such as a plug-in's.
        outside: ports beside the usual ones, such as a plug-in's.
        understanding: what builds the reader of messages; the local recogniser by default.
        playbooks: gives every playbook by name; the library by default.
        model: the language model that answers questions in prose and reads logs; none by default.
        database: the address of the database; one in memory by default.
    """

    def __init__(
        self,
        company: Mapping[str, Any] | None = None,
        *,
        verbs: Iterable[Verb] = (),
        outside: Mapping[type[Any], Callable[[], Any]] | None = None,
        understanding: Callable[[], Understanding] | None = None,
        model: LanguageModel | None = None,
        playbooks: Callable[[], Mapping[str, Playbook]] | None = None,
        database: str = "sqlite://",
    ) -> None:
        self.clock = HandClock()
        self.organization = Organization.model_validate(company or COMPANY)
        self.cluster = FakeCluster(self.clock, {f"shop/{s.name}": VERSIONS for s in self.organization.services})
        self.pipelines = FakePipelines()
        self.repositories = FakeRepositories(self.pipelines)
        self.passing = MemoryPassing()
        self._causes = count(1)
        catalog = Catalog((*VERBS, *verbs))
        for service in self.organization.services:
            for environment in self.organization.environments:
                self._place(service.name, environment.name)
        ports: dict[type[Any], Callable[[], Any]] = {
            Deployer: lambda: self.cluster,
            Manifests: lambda: self.cluster,
            VersionRegistry: lambda: self.cluster,
            Pipelines: lambda: self.pipelines,
            Repositories: lambda: self.repositories,
        }
        self.house: House = compose(
            organization=self.organization,
            catalog=catalog,
            kept=_opened(database),
            passing=self.passing,
            outside={**ports, **(outside or {})},
            understanding=understanding or _nothing,
            clock=self.clock,
            ids=CountingIds(),
            worker=lambda: "test",
            playbooks=playbooks,
            answers=lambda reads: prose(lambda: model or _none_connected(), catalog, self.organization, reads),
            model=lambda: model or _none_connected(),
        )

    def _place(self, service: str, environment: str) -> None:
        found = self.organization.service(service)
        if found.argocd and found.manifests:
            application = found.argocd.application.format(environment=environment)
            file = found.manifests.file.format(environment=environment)
            self.cluster.place(application, file, "v1.4.1")

    def person(self, name: str, standing: Standing = Standing.KNOWN) -> Requester:
        """Somebody who asks; a stranger where the configuration does not know them."""
        if standing is Standing.KNOWN and self.organization.person(name) is None:
            standing = Standing.STRANGER
        return Requester(name=name, standing=standing)

    def say(self, who: str | Requester, text: str, *, thread: str = "t1", cause: str = "") -> Answer:
        """Somebody says something in a thread."""
        by = self.person(who) if isinstance(who, str) else who
        place = Place(surface="terminal", channel="c1", thread=thread)
        return self.house.conversation.hear(Heard(text=text, by=by, place=place, cause=cause or self._cause("said")))

    def ask(
        self,
        who: str | Requester,
        action: str,
        *,
        thread: str = "t1",
        cause: str = "",
        origin: Origin = Origin.API,
        **parameters: JsonValue,
    ) -> Answer:
        """Somebody, or a program, asks for an action."""
        by = self.person(who) if isinstance(who, str) else who
        proposal = self._proposal(by, action, parameters, thread)
        named = {"origin": origin, "cause": cause or proposal.cause}
        return self.house.conversation.ask(proposal.model_copy(update=named))

    def _proposal(self, by: Requester, action: str, parameters: dict[str, JsonValue], thread: str) -> Proposal:
        return Proposal(
            action=action,
            parameters=parameters,
            requester=by,
            place=Place(surface="terminal", channel="c1", thread=thread),
            cause=self._cause("asked"),
            origin=Origin.BUTTON,
        )

    def press(self, who: str, answer: Answer | Reply, label: str, *, thread: str = "t1", **filled: JsonValue) -> Answer:
        """Somebody presses the button of that label on a card."""
        reply = answer.reply if isinstance(answer, Answer) else answer
        button = next(b for b in reply.buttons if b.label == label)
        parameters = {**filled, **button.parameters}
        return self.house.conversation.ask(self._proposal(self.person(who), button.action, parameters, thread))

    def request(self, answer: Answer | str) -> Request:
        """A request as the ledger has it now."""
        request_id = answer if isinstance(answer, str) else answer.request.id if answer.request else ""
        found = self.house.kept.ledger.get(request_id)
        assert found is not None, f"there is no request {request_id!r}"  # noqa: S101 - the test kit asserts as tests do
        return found

    def card(self, answer: Answer | str) -> Reply:
        """A request's card as it looks now."""
        return self.house.cards.card(self.request(answer))

    def work(self) -> None:
        """Let the workers do what is in the queue, without letting time pass."""
        while self.passing.queue.jobs:
            kind, subject = self.passing.queue.jobs.popleft()
            if kind == "perform":
                self.house.gate.perform(subject)
            else:
                poll_due(self.house.gate, subject)

    def tick(self, seconds: float = 1) -> None:
        """Let time pass, and the clock, the sweep and the workers do their part."""
        self.clock.advance(seconds)
        sweep(self.house.gate)
        poll_all_due(self.house.gate)
        self.work()

    def settle(self, seconds: float = 300) -> None:
        """Let time pass until every request is settled, at most so many seconds.

        Raises:
            AssertionError: one is not settled by then.
        """
        self.work()
        for _ in range(int(seconds)):
            if not self.open():
                return
            self.tick()
        left = [f"{r.id} is {r.state}: {r.message}" for r in self.open()]
        assert not left, left  # noqa: S101 - the test kit asserts as tests do

    def open(self) -> list[Request]:
        """The requests that are not settled."""
        states = tuple(state for state in State if not state.is_settled)
        return list(self.house.kept.ledger.find(RequestQuery(states=states, limit=1000)))

    def _cause(self, kind: str) -> str:
        return f"test:{kind}:{next(self._causes)}"


def _none_connected() -> LanguageModel:
    raise NotConnected("no language model in this test")


def _nothing() -> Understanding:
    raise AssertionError("give the bot an `understanding` to say something to it")
