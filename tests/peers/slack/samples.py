"""Every card worth looking at: those of a deployment's life, and the sample of every verb."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from actions import catalog
from actions.core.context import Context
from actions.core.organization import Organization
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.request import Origin, Request, State
from bot.surfaces.slack import forms
from bot.surfaces.slack.render import Look, draw
from bot.testing import COMPANY
from tests.bot.surfaces.slack.workspace import DANA, ERIN, ME, TEAM, Office, company

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
Cards = Mapping[str, list[dict[str, Any]]]
"""What was seen, as messages."""


def cards() -> Cards:
    """Everything there is to see in a channel."""
    return {**life(), **samples()}


def samples() -> Cards:
    """The finished example of every verb."""
    return {f"verb {verb.policy.name}": [_sample(verb)] for verb in catalog()}


def views() -> Mapping[str, dict[str, Any]]:
    """Every modal."""
    organization = Organization.model_validate(COMPANY)
    verbs = [verb for verb in catalog() if verb.policy.public]
    drawn = {f"form {verb.policy.name}": forms.form(verb, organization, {"channel": "C1"}) for verb in verbs}
    house = Office(company()).bot.house
    return {**drawn, "menu": forms.menu(house.catalog, {}), "question": forms.question("FAILED", {})}


def homes() -> Mapping[str, dict[str, Any]]:
    """App Home on a busy day, and on the first."""
    quiet = Office(company())
    office = Office(company())
    office.say(DANA, f"<@{ME}> deploy catalog v1.4.2 to staging")
    office.pass_time(60)
    office.say(ERIN, f"<@{ME}> deploy checkout v1.5.0-bad to staging")
    office.pass_time(100)
    office.bot.ask("erin", "freeze", environment="production", service="catalog", reason="the sale")
    office.say(DANA, f"<@{ME}> deploy checkout v1.4.2 to production")
    office.pass_time(3)
    return {"home busy": _home(office, ERIN), "home quiet": _home(quiet, DANA)}


def _home(office: Office, user: str) -> dict[str, Any]:
    event = {"type": "app_home_opened", "tab": "home", "user": user, "event_ts": "1"}
    office.deliver({"type": "event_callback", "team_id": TEAM, "event_id": "Ev", "event": event})
    office.listen()
    return office.workspace.homes[user]


def life() -> Cards:
    """What becomes of deployments, and of questions."""
    seen: dict[str, list[dict[str, Any]]] = {}

    def see(name: str, office: Office) -> None:
        seen[name] = deepcopy(office.posted())

    office = Office(company())
    office.say(DANA, f"<@{ME}> deploy checkout v1.4.2 to staging")
    see("1 accepted", office)
    office.pass_time(3)
    see("2 under way", office)
    office.pass_time(60)
    see("3 done", office)
    office = Office(company())
    office.say(DANA, f"<@{ME}> deploy checkout v1.4.2 to production")
    office.pass_time(3)
    see("4 waits for approval", office)
    office.press(ERIN, office.posted()[0], "Approve")
    office.pass_time(60)
    see("5 approved and done", office)
    office = Office(company())
    office.say(DANA, f"<@{ME}> deploy checkout v1.5.0-bad to staging")
    office.pass_time(100)
    see("6 taken back", office)
    office = Office(company())
    office.say(DANA, f"<@{ME}> deploy checkout v1.4.2")
    see("7 a question", office)
    office = Office(company())
    office.say("U0SAM", f"<@{ME}> deploy checkout v1.4.2 to production")
    see("8 refused", office)
    office = Office(company())
    office.say(DANA, f"<@{ME}> help")
    office.pass_time(3)
    see("9 help", office)
    return seen


def _sample(verb: Any) -> dict[str, Any]:
    sample = verb.sample()
    request = Request(
        id="R-12",
        action=verb.policy.name,
        parameters=sample.action.parameters(),
        requester=Requester(name="dana"),
        place=Place(surface="slack"),
        cause="sample",
        origin=Origin.GRAMMAR,
        state=State.DONE,
        created_at=NOW,
        updated_at=NOW,
    )
    reply = sample.action.reply(sample.result, Context(Organization(), {}, request, NOW))
    users = {"dana": DANA, "erin": ERIN}
    rated = "R-12" if verb.policy.only_looks else ""
    message = draw(reply, Look(users=users.get, hold=lambda action, _: f"offer-{action}", feedback=rated))
    return {"text": message.text, "blocks": list(message.blocks)}
