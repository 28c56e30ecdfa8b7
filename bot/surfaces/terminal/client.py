"""Speaks to a running Shipmate over its HTTP API, with a person's own token."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from actions.core.errors import Refused, ShipmateError, Unreachable
from bot.wire import Answer, Failed, Press, Say, Words

M = TypeVar("M", bound=BaseModel)

PATIENCE = 20.0
"""How long a call is tried again while nobody answers, in seconds."""
WAIT = 20.0
"""How long one call waits for the next change of a request, in seconds."""
_PAUSE = 0.2


class NobodyAnswers(Unreachable):
    """No Shipmate answers at the address."""

    def __init__(self, url: str) -> None:
        super().__init__(
            "Shipmate",
            f"No Shipmate answers at {url}.",
            remedy="Start one with `shipmate up`, try the sandbox with `shipmate demo`, or set SHIPMATE_URL.",
        )


class NotShipmate(Refused):
    """Something else than Shipmate answers at the address."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(
            f"What answers at {url} (status {status}) is not this version of Shipmate.", remedy="Look at SHIPMATE_URL."
        )


class Client:
    """Calls of the API. A call that got no answer is sent again under the same key, so that it is done once.

    Args:
        url: where `web` is.
        sleep: waits so many seconds.
        clock: seconds that only grow.
        transport: how to reach it; over the network by default.
    """

    def __init__(
        self,
        url: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._sleep = sleep
        self._clock = clock
        timeout = httpx.Timeout(WAIT + 10, connect=2)
        # The environment's proxies are for the world outside; a Shipmate on this machine is reached directly.
        self._http = httpx.Client(base_url=url, timeout=timeout, transport=transport, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def say(self, token: str, say: str, thread: str) -> Answer:
        """Say something in a thread of this terminal."""
        return self._post(token, "chat", Say(say=say, thread=thread, surface="terminal"))

    def press(self, token: str, offer: str, fields: dict[str, JsonValue], thread: str) -> Answer:
        """Press a button."""
        return self._post(token, "press", Press(offer=offer, fields=fields, thread=thread, surface="terminal"))

    def request(
        self, token: str, request_id: str, *, after_version: int = 0, after_draft: int = 0, wait: float = 0
    ) -> Answer:
        """A request as it stands, at its next change, or as soon as more is written of its answer."""
        parameters = {"after_version": str(after_version), "after_draft": str(after_draft), "wait": str(wait)}
        return self._call(Answer, "GET", f"requests/{request_id}", token, parameters=parameters)

    def words(self, token: str) -> Words:
        """What can be typed."""
        return self._call(Words, "GET", "vocabulary", token)

    def _post(self, token: str, path: str, body: Say | Press) -> Answer:
        return self._call(Answer, "POST", path, token, body=body, key=secrets.token_urlsafe(12))

    def _call(
        self,
        answer: type[M],
        method: str,
        path: str,
        token: str,
        *,
        body: BaseModel | None = None,
        parameters: dict[str, str] | None = None,
        key: str = "",
    ) -> M:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        content = body.model_dump_json() if body else None
        until = self._clock() + PATIENCE
        while True:
            try:
                got = self._http.request(method, f"/api/v1/{path}", headers=headers, content=content, params=parameters)
            except (httpx.TransportError, RuntimeError) as error:
                # A chat that ends closes the connections under the threads that wait for news; for them nobody answers.
                if self._http.is_closed or self._clock() >= until:
                    raise NobodyAnswers(self._url) from None
                if isinstance(error, RuntimeError):
                    raise
            else:
                if got.status_code != httpx.codes.SERVICE_UNAVAILABLE or self._clock() >= until:
                    return self._understood(answer, got)
            self._sleep(_PAUSE)

    def _understood(self, answer: type[M], got: httpx.Response) -> M:
        try:
            if got.is_success:
                return answer.model_validate_json(got.content)
            trouble = Failed.model_validate_json(got.content).error
        except ValidationError:
            raise NotShipmate(self._url, got.status_code) from None
        if got.is_server_error:
            raise Unreachable("Shipmate", trouble.message, remedy=trouble.remedy)
        raise ShipmateError(trouble.message, remedy=trouble.remedy)
