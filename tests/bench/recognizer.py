"""The local recogniser's growth: processor time to learn, load and answer with many verbs and many services."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from actions.core.action import Action, Risk, Sample
from actions.core.catalog import Catalog
from actions.core.context import Context
from actions.core.kinds import EnvironmentName, ServiceName
from actions.core.organization import Organization
from actions.core.people import Role
from actions.core.reply import Reply
from actions.verbs import VERBS
from intents.meaning import Message
from intents.model import Learned, Model
from intents.recognizer import Recognizer
from tests.bench.measure import line, spread, title

ACTIONS = (50, 200, 1000)
SERVICES = (10, 1000, 10_000)
TIMES = 1500
DOING = [
    "purge",
    "drain",
    "rotate",
    "snapshot",
    "archive",
    "compact",
    "rebuild",
    "reindex",
    "resync",
    "mirror",
    "scrub",
    "warm",
    "flush",
    "prune",
    "seal",
    "audit",
    "probe",
    "trace",
    "shuffle",
    "encrypt",
    "measure",
    "benchmark",
    "replay",
    "import",
    "export",
    "clone",
    "tune",
    "balance",
    "shard",
    "vacuum",
    "verify",
    "sample",
    "index",
    "stage",
    "tag",
    "label",
    "mute",
    "rank",
    "publish",
    "inspect",
]
THINGS = [
    "cache",
    "queue",
    "certificate",
    "snapshot",
    "bucket",
    "ledger",
    "index",
    "topic",
    "replica",
    "partition",
    "table",
    "schema",
    "secret",
    "dashboard",
    "endpoint",
    "gateway",
    "volume",
    "cluster",
    "mailbox",
    "feed",
    "token",
    "webhook",
    "report",
    "catalogue",
    "invoice",
    "session",
    "cookie",
    "proxy",
    "router",
    "firewall",
    "tenant",
    "tunnel",
    "widget",
    "banner",
    "badge",
    "stream",
    "journal",
    "batch",
    "digest",
    "beacon",
]
FIRST = [
    "amber",
    "brisk",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "gale",
    "harbor",
    "iris",
    "juniper",
    "kestrel",
    "lumen",
    "maple",
    "nimbus",
    "onyx",
    "pine",
    "quartz",
    "river",
    "slate",
    "tidal",
    "umber",
    "violet",
    "willow",
    "zephyr",
    "atlas",
    "basil",
    "coral",
    "dune",
    "echo",
    "flint",
]
SECOND = [
    "billing",
    "search",
    "checkout",
    "pricing",
    "identity",
    "ledger",
    "catalog",
    "shipping",
    "returns",
    "loyalty",
    "media",
    "video",
    "image",
    "session",
    "tariff",
    "invoice",
    "meter",
    "booking",
    "roster",
    "fleet",
    "weather",
    "quote",
    "claims",
    "credit",
    "fraud",
    "risk",
    "survey",
    "partner",
    "coupon",
    "reward",
]
THIRD = ["api", "worker", "gateway", "store", "engine", "proxy", "cron", "stream", "ui", "sync", "cache", "hub"]
SAID = (
    "deploy {service} 1.4.{number} to staging",
    "hey could you please bounce {service} on prod, it hangs again",
    "rol back {service} in prodction",
    "what went out to production in the last {number} days?",
    "is {typo} healthy in staging",
    "purge the cache of {service} in production",
    "please rotate the certificate of {typo} on staging when you have a moment",
    "if the tests pass, promote {service} to production",
    "thanks, that was quick!",
    "the {typo} thing broke after the release yesterday and nobody knows why, should we roll back or wait for the next build?",
)


class Done(BaseModel):
    """What a made-up verb returns."""


def made_up() -> Iterator[type[Action[Any]]]:
    """Verbs that nobody has: every doing with every thing."""
    for doing, thing in product(DOING, THINGS):
        yield _verb(doing, thing)


def _verb(doing: str, thing: str) -> type[Action[Any]]:
    def fill(space: dict[str, Any]) -> None:
        space["__module__"] = __name__
        space["__doc__"] = f"{doing} the {thing} of a service."
        space["__annotations__"] = {"service": ServiceName, "environment": EnvironmentName}
        space["sample"] = classmethod(
            lambda cls: Sample(action=cls(service="checkout", environment="staging"), result=Done())
        )
        space["reply"] = _reply

    policy = {
        "name": f"{doing}_{thing}",
        "risk": Risk.CHANGE,
        "needs": Role.DEVELOPER,
        "phrases": (f"{doing} [the] {thing} of {{service}} in {{environment}}",),
        "examples": (f"{doing} the {thing} of checkout in staging",),
        "paraphrases": (
            f"could you {doing} {{service}}'s {thing} on {{environment}}",
            f"the {thing} of {{service}} in {{environment}} should be {doing}ed",
            f"{{service}} needs its {thing} to be {doing}ed in {{environment}}",
            f"have the {{environment}} {thing} of {{service}} {doing}ed",
        ),
    }
    return types.new_class(f"{doing}{thing}".title(), (Action[Done],), policy, fill)


def _reply(_action: Action[Any], _result: Done, _context: Context) -> Reply:
    return Reply(title="Done")


def company(services: int) -> Organization:
    """A company with so many services, named as people name them."""
    names = ["-".join(words) for words in islice(product(FIRST, SECOND, THIRD), services)]
    return Organization.model_validate(
        {
            "environments": [{"name": "production", "aliases": ["prod"]}, {"name": "staging"}, {"name": "qa"}],
            "services": [{"name": name, "owners": [name.split("-")[1]]} for name in names],
            "people": [{"name": f"person-{number}", "roles": ["developer"]} for number in range(50)],
        }
    )


def sentences(organization: Organization) -> list[Message]:
    """What people say: names as they are, mistyped, and none at all."""
    names = [service.name for service in organization.services]
    found = []
    for number in range(TIMES):
        name = names[(number * 7919) % len(names)]
        typo = name[:3] + name[4] + name[3] + name[5:]
        text = SAID[number % len(SAID)].format(service=name, typo=typo, number=number % 28 + 1)
        found.append(Message(text=text))
    return found


def run() -> None:
    """Measure, for each number of verbs, learning and loading; and, for each number of services, answering."""
    title(f"Local recogniser: growth ({TIMES} sentences each; processor time, median / 99th percentile)")
    everything = list(made_up())
    for count in ACTIONS:
        catalog = Catalog([*VERBS, *everything[: count - len(VERBS)]])
        with tempfile.TemporaryDirectory() as kept:
            folder = Path(kept)
            line(f"{count} verbs: learn", f"{_seconds(Learned.of, catalog):.1f} s")
            Model.kept(catalog, folder)
            size = sum(path.stat().st_size for path in folder.iterdir())
            line(
                f"{count} verbs: load what was learned",
                f"{_seconds(Model.kept, catalog, folder) * 1000:.0f} ms",
                f"target < 150 ms ({size / 1e6:.1f} MB)",
            )
            for services in SERVICES:
                organization = company(services)
                reader = Recognizer(catalog, organization, folder)
                said = sentences(organization)
                taken = [_seconds(reader.recognize, message) for message in said]
                line(
                    f"{count} verbs, {services} services: answer", spread(taken), "target p99 < 5 ms to 1,000 services"
                )
    line("memory at the end, all of that learned and read", f"{_memory():.0f} MB")


def _seconds(work: Callable[..., object], *given: object) -> float:
    begun = time.process_time()
    work(*given)
    return time.process_time() - begun


def _memory() -> float:
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
