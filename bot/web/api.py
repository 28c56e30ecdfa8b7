"""The HTTP API: say, press, ask for an action, follow a request; every call with a person's own token."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actions.core.kinds import Kind
from actions.core.places import Place
from bot.tokens import UnknownToken
from bot.web.desk import Desk, Heard
from bot.web.errors import Unusable, in_words
from bot.web.limits import Threads
from bot.web.metrics import Metrics
from bot.web.openapi import describe
from bot.web.watch import Watch
from bot.wire import Answer, Do, Press, Say, Standing, VerbWords, Words

_LOG = logging.getLogger(__name__)
M = TypeVar("M", bound=BaseModel)

MAX_WAIT = 60.0
"""The longest wait for a change, in seconds."""
MAX_KEY = 200


class Api:
    """The calls of the API.

    Args:
        desk: the house.
        threads: where calls into it run.
        watch: who tells of changes.
        metrics: where what came in is counted.
        version: Shipmate's version, for the description.
    """

    def __init__(self, desk: Desk, threads: Threads, watch: Watch, metrics: Metrics, *, version: str) -> None:
        self._desk = desk
        self._threads = threads
        self._watch = watch
        self._metrics = metrics
        self._description = describe(desk.catalog, version=version)

    def routes(self) -> list[BaseRoute]:
        """Where each call is."""
        return [
            Route("/api/v1/chat", self.chat, methods=["POST"]),
            Route("/api/v1/press", self.press, methods=["POST"]),
            Route("/api/v1/actions/{verb}", self.action, methods=["POST"]),
            Route("/api/v1/requests/{id}", self.request, methods=["GET"]),
            Route("/api/v1/vocabulary", self.vocabulary, methods=["GET"]),
            Route("/api/v1/openapi.json", self.openapi, methods=["GET"]),
        ]

    async def chat(self, request: Request) -> Response:
        """Something said."""
        person = await self._person(request)
        said = await _body(request, Say)
        place, cause = self._place(said.surface, said.thread), self._cause(request, person)
        heard = await self._threads.call(self._desk.hear, person, said.say, place, cause)
        return self._taken_in(cause, place, heard)

    async def press(self, request: Request) -> Response:
        """A button pressed."""
        person = await self._person(request)
        pressed = await _body(request, Press)
        place, cause = self._place(pressed.surface, pressed.thread), self._cause(request, person)
        heard = await self._threads.call(self._desk.press, person, pressed.offer, pressed.fields, place, cause)
        return self._taken_in(cause, place, heard)

    async def action(self, request: Request) -> Response:
        """An action asked for by its name."""
        person = await self._person(request)
        verb = self._desk.catalog[request.path_params["verb"]].policy.name
        asked = await _body(request, Do)
        place, cause = self._place(asked.surface, asked.thread), self._cause(request, person)
        heard = await self._threads.call(self._desk.ask, person, verb, asked.parameters, place, cause)
        if heard.request is None:
            # A person reads on in the reply; a program is told by the status that nothing was done.
            raise Unusable(in_words(heard.reply))
        return self._taken_in(cause, place, heard)

    async def request(self, request: Request) -> Response:
        """A request as it stands, or at its next change."""
        person = await self._person(request)
        request_id = request.path_params["id"].upper()
        after = int(_number(request, "after_version", default=0, most=2**62))
        drafted = int(_number(request, "after_draft", default=2**62, most=2**62))
        until = time.monotonic() + _number(request, "wait", default=0, most=MAX_WAIT)
        while True:
            with self._watch.on(request_id) as changed:
                heard = await self._threads.call(self._desk.look, person, request_id)
                left = until - time.monotonic()
                if left <= 0 or self._watch.closing or _news(heard, after, drafted):
                    return self._answer(heard.request.place if heard.request else Place(surface="api"), heard)
                try:
                    await asyncio.wait_for(changed.wait(), left)
                except TimeoutError:
                    until = 0.0

    async def vocabulary(self, request: Request) -> Response:
        """What can be typed."""
        person = await self._person(request)
        verbs = tuple(
            VerbWords(
                name=verb.policy.name,
                description=verb.description(),
                phrases=verb.policy.phrases,
                parameters={name: verb.kind_of(name) for name in verb.model_fields},
                choices={name: found for name in verb.model_fields if (found := verb.choices_of(name))},
            )
            for verb in self._desk.catalog
            if verb.policy.public
        )
        kinds = (Kind.SERVICE, Kind.ENVIRONMENT, Kind.PERSON, Kind.ROLE, Kind.TEAM)
        names = {str(kind): tuple(self._desk.organization.names(kind)) for kind in kinds}
        return _json(Words(person=person, verbs=verbs, names={**names, str(Kind.VERB): self._desk.catalog.names}))

    async def openapi(self, _: Request) -> Response:
        """The API's description."""
        return JSONResponse(self._description)

    async def _person(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "bearer" or not token:
            raise UnknownToken
        return await self._threads.call(self._desk.person, token.strip())

    def _place(self, surface: str, thread: str) -> Place:
        return Place(surface=surface, channel="api", thread=thread or f"t{self._desk.new_id()}")

    def _cause(self, request: Request, person: str) -> str:
        key = request.headers.get("idempotency-key") or self._desk.new_id()
        if len(key) > MAX_KEY:
            raise Unusable(f"An Idempotency-Key has at most {MAX_KEY} characters.")
        door = request.scope["route"].path.split("/")[3]
        self._metrics.accepted.labels(door).inc()
        return f"api/{person}/{door}/{key}"

    def _taken_in(self, cause: str, place: Place, heard: Heard) -> Response:
        request = heard.request
        _LOG.info("%s: %s", cause, request.state if request else heard.kind, extra={"request": request and request.id})
        return self._answer(place, heard)

    def _answer(self, place: Place, heard: Heard) -> Response:
        standing = Standing.of(heard.request) if heard.request else None
        return _json(
            Answer(
                thread=place.thread,
                kind=heard.kind,
                reply=heard.reply,
                offers=heard.offers,
                request=standing,
                follow=heard.follow,
                draft=heard.draft,
            )
        )


def _news(heard: Heard, after: int, drafted: int) -> bool:
    """Whether there is something to tell, or nothing more will come."""
    if heard.request is None or len(heard.draft) > drafted:
        return True
    return heard.request.version > after or heard.request.state.is_final


async def _body(request: Request, model: type[M]) -> M:
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise Unusable.body(error) from None


def _number(request: Request, name: str, *, default: float, most: float) -> float:
    given = request.query_params.get(name, "")
    try:
        value = float(given) if given else default
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise Unusable(f"`{name}` must be a number from 0 to {most:g}.")
    return value


def _json(model: BaseModel) -> Response:
    return Response(model.model_dump_json(), media_type="application/json")
