"""Calls Slack's Web API for a workspace, and tells its failures apart by what can be done about them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http.client import HTTPException
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("shipmate.slack")

TIMEOUT = 10
"""Seconds that one call may take."""
AT_ONCE = 2.0
"""Seconds that a call may take while Slack waits for an answer, which it does for three."""
KEPT_OPEN = 50.0
"""Seconds for which a connection that nobody uses stays open; less than Slack's side keeps it."""
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
_LIMITED = frozenset({"ratelimited", "rate_limited"})
"""Too many calls of a method; too many messages."""
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
    """The way to the Web API: `Line`, or a stand-in for it."""

    def ask(self, method: str, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method with a token, and answer with what Slack says; raises `SlackFailed`."""


class Line:
    """HTTP connections to the Web API that stay open, for every workspace and every thread of a process.

    slack_sdk's `WebClient` opens one for each call. That is a TLS handshake before every card, and more work for both
    sides than the call.

    Args:
        base_url: where the Web API is; nothing is connected before the first call.
        timeout: seconds that one call may take.
        transport: what carries requests, in place of the network.
    """

    def __init__(
        self, base_url: str, *, timeout: float = TIMEOUT, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._base_url = base_url
        self._timeout = timeout
        self._transport = transport
        self._lock = Lock()
        self._http: httpx.Client | None = None

    def ask(self, method: str, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method with a token.

        There are no retries below: after a connection that broke it is not known whether a message was posted.

        Args:
            method: such as "chat.postMessage".
            token: the workspace's; empty where the method wants none.
            arguments: as the method names them.

        Raises:
            SlackFailed: one of the failures above.
        """
        import httpx  # noqa: PLC0415 - imported where Slack is used

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        http = self._client()
        try:
            if method.startswith("oauth."):
                # In the body, never in the address: these are secrets.
                answer = http.post(method, headers=headers, data=dict(arguments))
            elif method in _READS:
                answer = http.get(method, headers=headers, params=dict(arguments))
            else:
                headers["Content-Type"] = "application/json; charset=utf-8"
                answer = http.post(method, headers=headers, content=json.dumps(arguments))
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise Down(method, type(error).__name__) from error
        found = _said(answer)
        if found is None or not found.get("ok") or not answer.is_success:
            raise failure(method, answer.status_code, found, answer.headers)
        return found

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                import httpx  # noqa: PLC0415 - imported where Slack is used

                # Unbounded but for what is kept: who calls is bounded already, and a call must not wait for a connection.
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=KEPT_OPEN)
                self._http = httpx.Client(
                    base_url=self._base_url, timeout=self._timeout, limits=limits, transport=self._transport
                )
            return self._http


class Api:
    """The Web API of one workspace.

    Args:
        transport: the way there.
        token: the workspace's.
    """

    def __init__(self, transport: Transport, token: str = "") -> None:
        self._transport = transport
        self._token = token
        self._lock = Lock()
        self._me: Mapping[str, str] | None = None

    def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Call a method; what is None is left out.

        Raises:
            SlackFailed: one of the failures above.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._transport.ask(method, self._token, given)

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


def respond(response_url: str, message: Mapping[str, Any]) -> bool:
    """Post to the response address of a click or command; False where it was not taken."""
    from slack_sdk.webhook import WebhookClient  # noqa: PLC0415 - imported where Slack is used

    try:
        answer = WebhookClient(response_url, timeout=5, retry_handlers=[]).send_dict(dict(message))
    except (HTTPException, OSError, ValueError) as error:
        log.info("a response address did not answer: %s", type(error).__name__)
        return False
    return answer.status_code == 200  # noqa: PLR2004 - OK


def _said(answer: httpx.Response) -> Mapping[str, Any] | None:
    """What Slack says; None where that is not JSON, as in a proxy's page."""
    try:
        said = json.loads(answer.content)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def failure(method: str, status: int, said: Mapping[str, Any] | None, headers: Mapping[str, str]) -> SlackFailed:
    """What went wrong, by what Slack answered.

    Args:
        method: what was asked.
        status: HTTP's.
        said: the answer's body; None where it could not be read.
        headers: the answer's.
    """
    code = "unknown" if said is None else str(said.get("error", "unknown"))
    if code in _LIMITED or status == 429:  # noqa: PLR2004 - Too Many Requests
        after = headers.get("Retry-After", "1")
        return Limited(method, float(after) if after.replace(".", "", 1).isdigit() else 1.0)
    if said is None or status >= 500 or code in _DOWN:  # noqa: PLR2004 - the server's own fault
        return Down(method, code if code != "unknown" else str(status))
    for kind, codes in ((Gone, _GONE), (Locked, _LOCKED)):
        if code in codes:
            return kind(method, code)
    return Declined(method, code)
