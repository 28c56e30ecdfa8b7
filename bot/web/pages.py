"""The page of one request, for whoever holds its link: the whole card, where a thread has room for a part of it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from actions.core.ports.ledger import Ledger
from actions.core.reply import Reply
from actions.core.request import Request
from bot.links import HOLDS, PATH, Links
from bot.web import html
from bot.web.limits import Threads

AGAIN = 5
"""Seconds after which the page of what is under way is loaded anew."""


class RequestPage:
    """The page.

    Args:
        links: what leads where.
        ledger: the requests.
        card: draws one.
    """

    def __init__(self, links: Links, ledger: Ledger, card: Callable[[Request], Reply]) -> None:
        self._links = links
        self._ledger = ledger
        self._card = card
        self._threads = Threads()

    def route(self) -> Route:
        """Where it is served."""
        return Route(f"{PATH}{{token}}", self.serve, methods=["GET"])

    async def serve(self, request: HttpRequest) -> Response:
        """Show the request as it stands."""
        found = await self._threads.call(self._drawn, request.path_params["token"])
        if found is None:
            says = (
                f"A link holds for {HOLDS.days} days. Ask again in the thread, and a new one stands under the answer."
            )
            return html.page("This link leads nowhere", html.paragraphs(says), 404)
        reply, ended = found
        return html.page(reply.title, html.draw(reply), tone=reply.tone, again=None if ended else AGAIN)

    def _drawn(self, token: str) -> tuple[Reply, bool] | None:
        number = self._links.leads_to(token)
        request = self._ledger.get(number) if number else None
        return (self._card(request), request.state.is_final) if request else None
