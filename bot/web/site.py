"""Everything that the web process serves, put together once the house is built."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from actions.core.tokens import hashed
from bot import tokens
from bot.assembly import assemble
from bot.hooks.gitlab import Hook
from bot.house import House
from bot.links import Links
from bot.settings import Settings
from bot.surfaces.slack import surface as slack
from bot.surfaces.slack.door import HttpDoor
from bot.surfaces.slack.entrance import PATH
from bot.web import app
from bot.web.house import HouseDesk
from bot.web.pages import RequestPage
from bot.web.variables import VariablePage

_LOG = logging.getLogger(__name__)
_SANDBOX_LABEL = "handed out by the sandbox"


class Site(NamedTuple):
    """What is served.

    Attributes:
        application: all of it.
        house: what it asks.
    """

    application: Starlette
    house: House

    def warm(self) -> None:
        """Have the reader of messages learn the catalogue before the first message comes."""
        try:
            self.house.conversation.understanding()
        except Exception:  # noqa: BLE001 - a server without a reader still serves everything else
            _LOG.exception("the reader of messages is not ready; the first message tries again")


def build(settings: Settings, door: HttpDoor | None, *, hand_out: Path | None = None) -> Site:
    """Build the house, and the application over it.

    Args:
        settings: where everything is.
        door: Slack's door, which is open already.
        hand_out: write everybody's tokens to this file, which only the sandbox does.

    Raises:
        as `assemble` and `slack.workspaces`.
    """
    house = assemble(settings)
    try:
        if hand_out is not None:
            hand_out_tokens(house, hand_out)
        found = routes(house, settings, door)
        application = app.build(HouseDesk(house), version=version("shipmate"), routes=found, doors=(PATH,))
    except BaseException:
        house.close()
        raise
    return Site(application, house)


def routes(house: House, settings: Settings, door: HttpDoor | None) -> list[BaseRoute]:
    """What the configured surfaces and hooks serve."""
    links = Links(house.kept.offers, house.clock, house.ids, settings.address)
    pages = (
        VariablePage(house.kept.ledger, house.kept.offers, house.gate.tools, house.clock),
        RequestPage(links, house.kept.ledger, house.conversation.card),
    )
    found: list[BaseRoute] = [*slack.routes(house, settings, door), *(page.route() for page in pages)]
    if settings.gitlab_webhook_token is not None:
        token = settings.gitlab_webhook_token.get_secret_value()
        found.append(Hook(token, house.passing.inbox, house.organization, house.clock).route())
    return found


def hand_out_tokens(house: House, file: Path) -> None:
    """Write a token for everybody in the configuration to a file that only its owner reads; those that hold are kept."""
    found = _read(file)
    kept = house.kept.tokens
    handed: dict[str, str] = {}
    for person in house.organization.people:
        token = found.get(person.name, "")
        known = kept.by_hash(hashed(token)) if token else None
        if known is None or known.person != person.name:
            token = tokens.issue(kept, person.name, label=_SANDBOX_LABEL, ids=house.ids, now=house.clock.now())
        handed[person.name] = token
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(handed, out, indent=2)
    new.replace(file)
    _LOG.info("tokens of %d people handed out", len(handed))


def _read(file: Path) -> Mapping[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(token) for name, token in found.items()} if isinstance(found, dict) else {}
