"""Calls over HTTP: sent again under the same key while nobody answers, and told in words when they fail."""

from __future__ import annotations

import httpx
import pytest

from actions.core.errors import ShipmateError, Unreachable
from bot.surfaces.terminal.client import PATIENCE, Client, NobodyAnswers, NotShipmate
from bot.wire import Failed, Trouble

from .conftest import WORDS, answer


class Wire(httpx.BaseTransport):
    """Answers what a test put down; the last of it for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


def client(wire: Wire) -> Client:
    passed = [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    return Client("http://here", sleep=sleep, clock=lambda: passed[0], transport=wire)


def good() -> httpx.Response:
    return httpx.Response(200, text=answer("Runs").model_dump_json())


def failed(status: int) -> httpx.Response:
    return httpx.Response(status, text=Failed(error=Trouble(message="No.", remedy="Ask.")).model_dump_json())


def test_a_sentence_is_said_with_its_token_and_key() -> None:
    wire = Wire(good())
    assert client(wire).say("shm_x", "deploy", "thread-that-nobody-guesses").reply.title == "Runs"
    (sent,) = wire.seen
    assert sent.url == "http://here/api/v1/chat"
    assert sent.headers["authorization"] == "Bearer shm_x"
    assert b'"surface":"terminal"' in sent.content


def test_what_got_no_answer_is_sent_again_under_the_same_key() -> None:
    wire = Wire(httpx.ReadError("cut"), httpx.ConnectError("refused"), failed(503), good())
    client(wire).press("shm_x", "offer", {}, "")
    assert len({sent.headers["idempotency-key"] for sent in wire.seen}) == 1
    assert len(wire.seen) == 4


def test_after_a_while_it_is_told_that_nobody_answers() -> None:
    wire = Wire(httpx.ConnectError("refused"))
    with pytest.raises(NobodyAnswers, match=r"No Shipmate answers at http://here\..*shipmate demo"):
        client(wire).say("shm_x", "deploy", "")
    assert len(wire.seen) > PATIENCE


def test_a_thread_that_still_waits_when_the_chat_ends_is_told_that_nobody_answers() -> None:
    wire = Wire(good())
    closed = client(wire)
    closed.close()
    with pytest.raises(NobodyAnswers):
        closed.request("shm_x", "R-1")
    assert not wire.seen


@pytest.mark.parametrize(("status", "error"), [(401, ShipmateError), (422, ShipmateError), (500, Unreachable)])
def test_a_failure_is_told_in_the_words_of_the_house(status: int, error: type[ShipmateError]) -> None:
    with pytest.raises(error, match=r"No\. Ask\."):
        client(Wire(failed(status))).words("shm_x")


def test_something_else_at_the_address_is_told() -> None:
    with pytest.raises(NotShipmate, match="status 200"):
        client(Wire(httpx.Response(200, text="<html>"))).words("shm_x")
    with pytest.raises(NotShipmate, match="status 404"):
        client(Wire(httpx.Response(404, text="nginx"))).words("shm_x")


def test_words_and_requests_are_read() -> None:
    assert client(Wire(httpx.Response(200, text=WORDS.model_dump_json()))).words("t").person == "dana"
    wire = Wire(good())
    client(wire).request("t", "R-1", after_version=3, wait=20)
    assert str(wire.seen[0].url) == "http://here/api/v1/requests/R-1?after_version=3&after_draft=0&wait=20"
