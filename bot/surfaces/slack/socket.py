"""Socket Mode: Slack's deliveries over a connection that Shipmate opens, for where nothing may come in from outside."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from actions.core.errors import ShipmateError
from bot.surfaces.slack.client import TIMEOUT
from bot.surfaces.slack.door import Door

if TYPE_CHECKING:
    from slack_sdk.socket_mode import SocketModeClient
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

log = logging.getLogger("shipmate.slack")

RETRY = 5.0
"""Seconds between two tries to connect for the first time."""


class Socket:
    """One connection; Slack shares deliveries out among those of all listeners.

    Args:
        door: where payloads go; what it cannot store is not acknowledged, and Slack delivers it again.
        app_token: the app-level token.
        base_url: where the Web API is.
    """

    def __init__(self, door: Door, app_token: str, base_url: str) -> None:
        self._door = door
        self._token = app_token
        self._base_url = base_url
        self._ending = Event()
        self._client: SocketModeClient | None = None
        self._thread = Thread(target=self._connect, name="slack-socket", daemon=True)

    def start(self) -> None:
        """Connect, from a thread; where it fails, again and again."""
        self._thread.start()

    def close(self) -> None:
        """Disconnect."""
        self._ending.set()
        self._thread.join(TIMEOUT)
        if self._client is not None:
            self._client.close()

    def _connect(self) -> None:
        from slack_sdk import WebClient  # noqa: PLC0415 - imported where Slack is used
        from slack_sdk.errors import SlackClientError  # noqa: PLC0415 - as above
        from slack_sdk.socket_mode import SocketModeClient  # noqa: PLC0415 - as above

        quiet = logging.getLogger("shipmate.slack.sdk")
        web = WebClient(token=self._token, base_url=self._base_url, timeout=TIMEOUT, logger=quiet)
        self._client = SocketModeClient(app_token=self._token, web_client=web, logger=quiet)
        self._client.socket_mode_request_listeners.append(self._take)
        while not self._ending.is_set():
            try:
                self._client.connect()
            except (SlackClientError, OSError, ValueError) as error:
                log.warning("Socket Mode does not connect, and is tried again: %s", type(error).__name__)
                self._ending.wait(RETRY)
            else:
                log.info("connected by Socket Mode")
                return

    def _take(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        from slack_sdk.socket_mode.response import SocketModeResponse  # noqa: PLC0415 - imported where Slack is used

        payload: Any = request.payload
        try:
            answer = self._door.take(payload)
        except ShipmateError as error:
            log.warning("a delivery of Slack's was not taken in: %s", error)
            return
        client.send_socket_mode_response(
            SocketModeResponse(envelope_id=request.envelope_id, payload=dict(answer) if answer else None)
        )
