"""The one-time page on which a person gives a variable its value: it goes straight to GitLab and is kept nowhere here."""

from __future__ import annotations

import logging
from html import escape
from urllib.parse import parse_qs

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actions.core.context import Tools
from actions.core.errors import ShipmateError
from actions.core.ports.ledger import Ledger, Offers
from actions.core.ports.surroundings import Clock
from actions.core.ports.variables import Variables
from actions.core.request import State
from actions.core.tokens import hashed
from actions.variables import Awaited, givers
from bot.web import html
from bot.web.limits import Threads

log = logging.getLogger("shipmate.variables")

PATH = "/variables/{request}/{token}"
LONGEST = 10_000


class VariablePage:
    """The page.

    Args:
        ledger: knows which page is open.
        offers: knows whose each address is, by its hash.
        tools: to reach GitLab.
        clock: the time.
    """

    def __init__(self, ledger: Ledger, offers: Offers, tools: Tools, clock: Clock) -> None:
        self._ledger = ledger
        self._offers = offers
        self._used: set[str] = set()
        self._tools = tools
        self._clock = clock
        self._threads = Threads()

    def route(self) -> Route:
        """Where it is served."""
        return Route(PATH, self.serve, methods=["GET", "POST"])

    async def serve(self, request: Request) -> Response:
        """Show the form, or take the value."""
        number, token = request.path_params["request"], request.path_params["token"]
        found = await self._threads.call(self._open, number, token)
        if found is None:
            return html.page(
                "This page is closed", "<p>It was used, it has expired, or it never was. Ask for a new one.</p>", 404
            )
        awaited, person = found
        if request.method == "GET":
            return _form(awaited, person)
        given = parse_qs((await request.body()).decode(errors="replace")).get("value", [""])
        value = given[0]
        if not 0 < len(value) <= LONGEST:
            return _form(awaited, person, f"Give a value of at most {LONGEST} characters.", 400)
        try:
            await self._threads.call(self._tools.use(Variables).create, awaited.project, awaited.variable, value)
        except ShipmateError as error:
            return _form(awaited, person, str(error), 400)
        # The request is over at its next poll; until then this process knows, and GitLab sets no variable twice.
        self._used.add(number)
        log.info("%s gave %s of %s its value through %s", person, awaited.variable, awaited.project, number)
        return html.page(
            "Done", f"<p><code>{escape(awaited.variable)}</code> is set and masked. You can close this page.</p>"
        )

    def _open(self, number: str, token: str) -> tuple[Awaited, str] | None:
        """What an open page waits for, and from whom; None where it is closed, or the address is nobody's."""
        made = self._offers.get(hashed(token))
        if made is None or made.action != "value_page" or made.request != number or number in self._used:
            return None
        found = self._ledger.get(number)
        if found is None or found.action != "set_variable" or found.state is not State.WAITING or not found.handle:
            return None
        try:
            awaited = Awaited.model_validate(found.handle)
        except ValidationError:
            return None
        person = str(made.parameters.get("person", ""))
        # Whoever has left the configuration meanwhile gives nothing any more.
        may = person in givers(found, self._tools.organization)
        return (awaited, person) if may and self._clock.now() < awaited.until else None


def _form(awaited: Awaited, person: str, wrong: str = "", status: int = 200) -> Response:
    name, project = escape(awaited.variable), escape(awaited.project)
    says = f"<p role=alert><strong>{escape(wrong)}</strong></p>" if wrong else ""
    body = (
        f"<p>This page is for {escape(person)} alone.</p>"
        f"<p>It goes straight to GitLab as a masked CI/CD variable of <code>{project}</code>.</p>"
        f"<p>Shipmate does not keep it.</p>{says}"
        f"<form method=post autocomplete=off><label>Value of <code>{name}</code>"
        "<input type=password name=value required autofocus autocomplete=off spellcheck=false></label>"
        "<p><button>Set it</button></p></form>"
    )
    return html.page(f"Value of {awaited.variable}", body, status)
