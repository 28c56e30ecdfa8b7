"""Takes in what Slack sends: verified, stored in the inbox, then acknowledged; by HTTP and by Socket Mode alike."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

from actions.core.errors import ShipmateError
from actions.core.ports.surroundings import Clock
from bot.surfaces.slack import starting
from bot.surfaces.slack.intake import AtOnce, Taken, sort
from bot.surfaces.slack.storing import Storing
from bot.web.busy import Busy, Starting
from bot.web.later import Later

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

log = logging.getLogger("shipmate.slack")

FRESH = 300
"""Seconds for which a signature counts; an older one may be a replay."""
LARGEST = 1024 * 1024
"""The largest body that is read, in bytes: a long message comes twice, and each letter beyond ASCII as six of them."""
AT_ONCE = 2.0
"""Seconds for which what cannot wait for the inbox waits for the house; after three Slack tells the person that it failed."""

Answer = Mapping[str, Any] | None
"""The response's body; None for an empty one."""


Answering = Callable[[AtOnce], Awaitable[Answer]]
"""Answers from the loop what cannot wait for the inbox; raises `ShipmateError`s."""


class Immediate(Protocol):
    """Answers what cannot wait for the inbox, from reads only."""

    def answer(self, found: AtOnce) -> Answer:
        """What the response says."""


class Inbox(Protocol):
    """What a door needs of the inbox."""

    def put(self, *, key: str, order: str, kind: str, body: dict[str, Any], at: datetime) -> bool:
        """Store a delivery; False where what happened is known already."""


def signed(secret: bytes, timestamp: str, body: bytes, signature: str, now: float) -> bool:
    """Whether Slack signed a request, and lately.

    Args:
        secret: the app's signing secret.
        timestamp: the header `X-Slack-Request-Timestamp`.
        body: the body as it came.
        signature: the header `X-Slack-Signature`.
        now: the time, in seconds since 1970.
    """
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > FRESH:
        return False
    expected = "v0=" + hmac.digest(secret, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hex()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


class Store:
    """Stores what was taken in.

    Args:
        inbox: where.
        clock: the time.
    """

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock

    def __call__(self, found: Taken) -> None:
        """Store it; once this returns it is safe.

        Raises:
            Unreachable: it could not be stored, and is not to be acknowledged.
        """
        self._inbox.put(key=found.key, order=found.order, kind=found.kind, body=found.body, at=self._clock.now())


class Door:
    """The way in for payloads that were verified already: a payload in, a response out.

    Args:
        inbox: where deliveries are stored.
        immediate: answers what cannot wait.
        clock: the time.
    """

    def __init__(self, inbox: Inbox, immediate: Immediate, clock: Clock) -> None:
        self._store = Store(inbox, clock)
        self._immediate = immediate

    def take(self, payload: Mapping[str, Any]) -> Answer:
        """Take in a payload; once this returns it is safe.

        Raises:
            Unreachable: it could not be stored, and is not to be acknowledged.
        """
        found = sort(payload)
        if isinstance(found, Taken):
            self._store(found)
            return None
        return None if found is None else self._immediate.answer(found)


class HttpDoor:
    """The ASGI application behind `POST /slack/events`.

    It takes deliveries in from the moment on at which the process listens. What wants its answer in the response
    waits for the house.

    Attributes:
        answering: what answers at once, as soon as the house stands.

    Args:
        store: stores one delivery.
        secret: the app's signing secret.
        now: the time, in seconds since 1970.
    """

    def __init__(self, store: Callable[[Taken], object], secret: str, *, now: Callable[[], float] = time.time) -> None:
        self.answering: Later[Answering] = Later()
        self._secret = secret.encode()
        self._storing = Storing(store)
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify, store, acknowledge."""
        body = await _body(receive)
        if body is None:
            await _respond(send, 413)
            return
        headers = dict(scope["headers"])
        timestamp = headers.get(b"x-slack-request-timestamp", b"").decode("latin-1")
        signature = headers.get(b"x-slack-signature", b"").decode("latin-1")
        if not signed(self._secret, timestamp, body, signature, self._now()):
            log.warning("a request to /slack/events was not signed by Slack, or too long ago; it was refused")
            await _respond(send, 401)
            return
        payload = _payload(headers.get(b"content-type", b""), body)
        if payload is None:
            await _respond(send, 400)
            return
        if payload.get("type") == "url_verification":
            await _respond(send, 200, {"challenge": payload.get("challenge")})
            return
        found = sort(payload)
        if found is None:
            await _respond(send, 200)
            return
        try:
            answer = await self._taken_in(found)
        except ShipmateError as error:
            # Not acknowledged: Slack delivers it again.
            log.warning("a delivery of Slack's was not taken in: %s", error)
            await _respond(send, 503)
            return
        await _respond(send, 200, answer)

    async def _taken_in(self, found: Taken | AtOnce) -> Answer:
        if isinstance(found, Taken):
            await self._storing.put(found)
            return None
        try:
            answering = await self.answering.get(within=AT_ONCE)
        except (Starting, Busy):
            # Slack delivers none of these again: who has a place for words is told in words.
            if (told := starting.words(found)) is None:
                raise
            return told
        return await answering(found)


async def _body(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    room = LARGEST
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        room -= len(chunk)
        if room < 0:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _payload(content_type: bytes, body: bytes) -> Mapping[str, Any] | None:
    """The payload of a verified body; None where it is none."""
    try:
        if content_type.startswith(b"application/json"):
            found: Any = json.loads(body)
        else:
            form = {key: values[-1] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            found = json.loads(form["payload"]) if "payload" in form else form
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


_LENGTH_ZERO = [(b"content-length", b"0")]


async def _respond(send: Send, status: int, answer: Answer = None) -> None:
    body = b"" if answer is None else json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers if body else _LENGTH_ZERO})
    await send({"type": "http.response.body", "body": body})
