"""Calls Slack's Web API for a workspace, and tells its failures apart by what can be done about them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http.client import HTTPException
from threading import Lock
from typing import Any, Protocol

log = logging.getLogger("shipmate.slack")

TIMEOUT = 10
"""Seconds that one call may take."""
LONGEST_PAUSE = 60.0
"""Seconds; a longer Retry-After is taken for this."""

_GONE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "thread_not_found",
        "cannot_reply_to_message",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "user_not_in_channel",
    }
)
_LOCKED = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
        "org_login_required",
        "team_access_not_granted",
    }
)
_DOWN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_READS = frozenset(
    {
        "users.info",
        "usergroups.users.list",
        "conversations.replies",
        "conversations.history",
        "conversations.members",
        "chat.getPermalink",
        "auth.test",
    }
)


class SlackFailed(Exception):
    """Slack did not do what it was asked.

    Args:
        method: what was asked.
        code: Slack's own word for what went wrong.
    """

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"{method}: {code}")
        self.method = method
        self.code = code


class Gone(SlackFailed):
    """The message or channel is not there, or not for us."""


class Locked(SlackFailed):
    """The token does not open what was asked."""


class Down(SlackFailed):
    """Slack did not answer, or not sensibly; what was asked may have happened."""


class Limited(SlackFailed):
    """Too many calls.

    Args:
        method: what was asked.
        after: seconds to wait.
    """

    def __init__(self, method: str, after: float) -> None:
        super().__init__(method, "ratelimited")
        self.after = min(max(after, 1.0), LONGEST_PAUSE)


class Declined(SlackFailed):
    """Slack would not do it as asked; asking again will not help."""


class Transport(Protocol):
    """What slack_sdk's `WebClient` is to us."""

    def api_call(
        self, api_method: str, *, http_verb: str = ..., params: Any = ..., json: Any = ..., data: Any = ...
    ) -> Any:
        """Call a method; raises slack_sdk's errors."""


class Api:
    """The Web API of one workspace.

    Args:
        transport: slack_sdk's client.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._lock = Lock()
        self._me: Mapping[str, str] | None = None

    def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Call a method.

        Raises:
            SlackFailed: one of the failures above.
        """
        from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415 - imported where Slack is used

        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            if method.startswith("oauth."):
                # In the body, never in the address: these are secrets.
                answer = self._transport.api_call(method, data=given)
            elif method in _READS:
                answer = self._transport.api_call(method, http_verb="GET", params=given)
            else:
                answer = self._transport.api_call(method, json=given)
        except SlackApiError as error:
            raise _failure(method, error.response) from error
        except (SlackClientError, HTTPException, OSError, ValueError) as error:
            raise Down(method, type(error).__name__) from error
        found: Mapping[str, Any] = answer.data if hasattr(answer, "data") else answer
        return found

    @property
    def me(self) -> str:
        """Shipmate's own user in this workspace; asked once."""
        return self._identity()["user_id"]

    @property
    def team(self) -> str:
        """The workspace's id; asked once."""
        return self._identity()["team_id"]

    def _identity(self) -> Mapping[str, str]:
        with self._lock:
            if self._me is None:
                found = self.call("auth.test")
                self._me = {"user_id": str(found.get("user_id", "")), "team_id": str(found.get("team_id", ""))}
            return self._me


class Workspaces(Protocol):
    """The workspaces that Shipmate is installed in."""

    def api(self, team: str) -> Api:
        """The Web API of a workspace.

        Raises:
            Locked: Shipmate is not installed there.
        """


class OneWorkspace:
    """The workspace of `SLACK_BOT_TOKEN`; an empty id means it too, for what no delivery of Slack's caused.

    Args:
        api: its Web API.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def api(self, team: str) -> Api:
        """The Web API, if the workspace is this one."""
        if team and team != self._api.team:
            raise Locked("api", "not_installed")
        return self._api


def connect(token: str, base_url: str) -> Api:
    """The Web API by a token; nothing is sent yet."""
    from slack_sdk import WebClient  # noqa: PLC0415 - imported where Slack is used

    quiet = logging.getLogger("shipmate.slack.sdk")
    # No retries below us: after a connection that broke it is not known whether a message was posted, and the
    # SDK's own rate limit handler sleeps as long as it is told to.
    return Api(WebClient(token=token or None, base_url=base_url, timeout=TIMEOUT, retry_handlers=[], logger=quiet))


def respond(response_url: str, message: Mapping[str, Any]) -> bool:
    """Post to the response address of a click or command; False where it was not taken."""
    from slack_sdk.webhook import WebhookClient  # noqa: PLC0415 - imported where Slack is used

    try:
        answer = WebhookClient(response_url, timeout=5, retry_handlers=[]).send_dict(dict(message))
    except (HTTPException, OSError, ValueError) as error:
        log.info("a response address did not answer: %s", type(error).__name__)
        return False
    return answer.status_code == 200  # noqa: PLR2004 - OK


def _failure(method: str, response: Any) -> SlackFailed:
    data = getattr(response, "data", response)
    code = str(data.get("error", "unknown")) if isinstance(data, Mapping) else "unknown"
    status = int(getattr(response, "status_code", 200))
    if code == "ratelimited" or status == 429:  # noqa: PLR2004 - Too Many Requests
        after = str((getattr(response, "headers", None) or {}).get("Retry-After", "1"))
        return Limited(method, float(after) if after.replace(".", "", 1).isdigit() else 1.0)
    if status >= 500 or code in _DOWN:  # noqa: PLR2004 - the server's own fault
        return Down(method, code if code != "unknown" else str(status))
    for kind, codes in ((Gone, _GONE), (Locked, _LOCKED)):
        if code in codes:
            return kind(method, code)
    return Declined(method, code)
