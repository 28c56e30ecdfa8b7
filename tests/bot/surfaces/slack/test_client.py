"""The line to the Web API: how methods are called, and how its failures are told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from bot.surfaces.slack.client import AT_ONCE, Api, Declined, Down, Gone, Limited, Line, Locked, SlackFailed


def api(answer: Callable[[httpx.Request], httpx.Response]) -> Api:
    return Api(Line("https://slack.example/api/", transport=httpx.MockTransport(answer)), "xoxb-1")


def test_a_method_is_called_by_json_with_the_token_in_the_header() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"ok": True, "ts": "1.1"})

    assert api(answer).call("chat.postMessage", channel="C1", text="é", thread_ts=None)["ts"] == "1.1"
    (request,) = asked
    assert str(request.url) == "https://slack.example/api/chat.postMessage"
    assert request.headers["authorization"] == "Bearer xoxb-1"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(request.content) == {"channel": "C1", "text": "é"}


def test_what_only_reads_is_asked_by_get() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.params["user"]) == ("GET", "U1")
        return httpx.Response(200, json={"ok": True})

    api(answer).call("users.info", user="U1")


def test_secrets_of_an_installation_stand_in_the_body() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert not request.url.query
        assert parse_qs(request.content.decode()) == {"client_secret": ["hush"]}
        return httpx.Response(200, json={"ok": True})

    api(answer).call("oauth.v2.access", client_secret="hush")


def test_while_slack_waits_for_an_answer_a_call_ends_before_it() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["read"] == AT_ONCE < 3
        return httpx.Response(200, json={"ok": True})

    line = Line("https://slack.example/api/", timeout=AT_ONCE, transport=httpx.MockTransport(answer))
    Api(line, "xoxb-1").call("views.open", trigger_id="t", view={})


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (httpx.Response(200, json={"ok": False, "error": "is_archived"}), Gone),
        (httpx.Response(200, json={"ok": False, "error": "token_revoked"}), Locked),
        (httpx.Response(200, json={"ok": False, "error": "invalid_blocks"}), Declined),
        (httpx.Response(200, json={"ok": False, "error": "internal_error"}), Down),
        (httpx.Response(503, text="<html>try later</html>"), Down),
        (httpx.Response(200, text="<html>a proxy's page</html>"), Down),
        (httpx.Response(429, json={"ok": False, "error": "ratelimited"}, headers={"Retry-After": "7"}), Limited),
        (httpx.Response(429, text="slow down"), Limited),
    ],
)
def test_failures_are_told_apart(response: httpx.Response, failure: type[SlackFailed]) -> None:
    with pytest.raises(failure):
        api(lambda _: response).call("chat.postMessage")


def test_a_pause_is_bounded() -> None:
    limited = httpx.Response(429, json={}, headers={"Retry-After": "86400"})
    with pytest.raises(Limited) as found:
        api(lambda _: limited).call("chat.postMessage")
    assert found.value.after == 60


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError])
def test_of_a_broken_connection_it_is_not_known_what_happened(error: type[httpx.TransportError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("gone", request=request)

    with pytest.raises(Down):
        api(answer).call("chat.postMessage")
