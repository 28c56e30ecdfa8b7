"""The gate: from a proposal to an accepted request, on SQLite in a file; and what of that is the gate's own."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from actions.core.catalog import Catalog
from actions.core.organization import Organization
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.ports.ledger import Draft
from actions.core.request import Origin, Proposal, State
from actions.verbs import VERBS
from bot.conversation import Heard
from bot.house import House, compose
from bot.stores.open import open_sql
from bot.surroundings import SystemClock
from bot.testing import COMPANY
from bot.testing.fakes import CountingIds, MemoryPassing
from intents.meaning import Understanding
from tests.bench.measure import each, line, spread, title

TIMES = 2000
SERVICES = 4000
PEOPLE = 200
LIMITS = {"changes_per_minute": 100, "open_operations": 100}
"""Generous for people, and far from what a machine could ask for."""


def company() -> Organization:
    """A company with a service for every request, so that no lock is in the way."""
    services: list[dict[str, Any]] = [
        {
            "name": f"svc-{number}",
            "argocd": {"application": f"svc-{number}-{{environment}}"},
            "manifests": {"project": "shop/manifests", "file": f"apps/svc-{number}/{{environment}}/kustomization.yaml"},
            "gitlab": {"project": f"shop/svc-{number}"},
        }
        for number in range(SERVICES)
    ]
    people = [{"name": f"person-{number}", "roles": ["devops"]} for number in range(PEOPLE)]
    return Organization.model_validate({**COMPANY, "services": services, "people": people, "limits": LIMITS})


def house(folder: Path) -> House:
    """The house on SQLite in a file, with the queue in memory."""
    organization = company()
    catalog = Catalog(VERBS)

    def recognizer() -> Understanding:
        from intents.recognizer import Recognizer  # noqa: PLC0415 - fitted once, outside the measurement

        found: Understanding = Recognizer(catalog, organization, cache=folder)
        return found

    reader = recognizer()
    return compose(
        organization=organization,
        catalog=catalog,
        kept=open_sql(f"sqlite:///{folder / 'bench.db'}"),
        passing=MemoryPassing(),
        outside={},
        understanding=lambda: reader,
        clock=SystemClock(),
        ids=CountingIds(),
        worker=lambda: "bench",
    )


def run() -> None:
    """Measure sentences, proposals and bare ledger rows in turn, in one run."""
    title(f"Gate and ledger on SQLite ({TIMES} requests each; median / 99th percentile)")
    with tempfile.TemporaryDirectory() as folder:
        built = house(Path(folder))
        people = [Requester(name=f"person-{number}") for number in range(PEOPLE)]
        place = Place(surface="terminal", channel="bench", thread="1")

        def say(number: int) -> None:
            text = f"deploy svc-{number} v1.4.2 to development"
            heard = Heard(
                text=text,
                by=people[number % PEOPLE],
                place=place.model_copy(update={"thread": f"s{number}"}),
                cause=f"said:{number}",
            )
            answer = built.conversation.hear(heard)
            assert answer.request is not None
            assert answer.request.state is State.ACCEPTED

        def propose(number: int) -> None:
            parameters = {"service": f"svc-{number}", "version": "v1.4.2", "environment": "staging"}
            built.gate.submit(
                Proposal(
                    action="deploy",
                    parameters=parameters,
                    requester=people[number % PEOPLE],
                    place=place,
                    cause=f"proposed:{number}",
                    origin=Origin.API,
                )
            )

        template = None

        def accept(number: int) -> None:
            assert template is not None
            draft = template.model_copy(
                update={"cause": f"bare:{number}", "service": f"svc-{number}", "environment": "x"}
            )
            built.kept.ledger.accept(Draft(request=draft, by="dana"), now=built.clock.now())

        for warm in range(SERVICES - 20, SERVICES):
            say(warm)
            propose(warm)
        template = built.kept.ledger.get("R-1")
        said = each(say, TIMES)
        begun = time.perf_counter()
        proposed = each(propose, TIMES)
        rate = TIMES / (time.perf_counter() - begun)
        bare = each(accept, TIMES)
        own = [a - b for a, b in zip(sorted(proposed), sorted(bare), strict=True)]
        line("sentence -> accepted request, answered", spread(said))
        line("proposal -> accepted request (gate and ledger)", spread(proposed))
        line("one bare ledger row with its audit row", spread(bare))
        line("the gate's own part, every guard", spread(own), "target p99 < 5 ms")
        ratio = statistics.median(said) / statistics.median(bare)
        line("sentence against bare ledger row", f"{ratio:.2f} x")
        line("requests a second through the gate, one process", f"{rate:.0f}")
        built.close()
