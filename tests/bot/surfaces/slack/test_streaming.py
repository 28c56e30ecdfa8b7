"""Answers that are streamed while they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.core.ports.messaging import Turn
from actions.core.request import Origin
from bot.surfaces.slack.streaming import markdown, whole
from bot.testing import Bot
from bot.testing.models import ScriptedModel, said
from intents.meaning import Asks, Meaning, Message
from tests.bot.surfaces.slack.streams import StreamingWorkspace
from tests.bot.surfaces.slack.workspace import CHANNEL, DANA, ME, Office, company, refused, says

QUESTION = "Why is checkout red on staging?"
FIRST = "checkout **v1.4.1** is `Degraded`. Call <!channel> and look at [this](https://evil.example/x) now.\n\n"
THEN = "Its pipeline failed in the job unit, and nobody has deployed since.\n"


class Asking:
    """Takes everything for a question to look into."""

    def recognize(self, message: Message, thread: Sequence[Turn] = ()) -> Meaning:
        return Asks(action="look_into", parameters={"question": QUESTION}, origin=Origin.MODEL)


class Writing(ScriptedModel):
    """Writes an answer piece by piece; what happens between two pieces is told to it."""

    def __init__(self, *pieces: str, answer: str = "") -> None:
        super().__init__(said(answer or "".join(pieces)))
        self.pieces = pieces
        self.meanwhile: Callable[[], None] = lambda: None

    def converse(self, **asked: Any) -> Any:
        tell = asked.pop("tell")
        self.meanwhile()
        for piece in self.pieces:
            tell(piece)
            self.meanwhile()
        return super().converse(**asked, tell=lambda _: None)


class Newsroom(Office):
    """An office whose Slack streams, and where answers are written while one looks on.

    Attributes:
        shown: what the message said, from one moment to the next.
    """

    def __init__(self, *pieces: str, answer: str = "") -> None:
        model = Writing(*pieces, answer=answer)
        bot = Bot(company(), understanding=Asking, model=model)
        super().__init__(bot=bot, workspace=StreamingWorkspace())
        self.shown: list[str] = []
        model.meanwhile = self.look

    def look(self) -> None:
        """A second passes."""
        for _ in range(2):
            self.bot.clock.advance(0.6)
            self.listen()
        self.shown += [says(message) for message in self.posted()[-1:]]

    def ask(self, channel: str = CHANNEL, thread: str = "") -> None:
        self.say(DANA, f"<@{ME}> why is checkout red", channel=channel, thread=thread)
        self.pass_time(5)

    @property
    def streams(self) -> StreamingWorkspace:
        assert isinstance(self.workspace, StreamingWorkspace)
        return self.workspace


def test_an_answer_is_streamed_and_ends_as_the_card_of_the_ledger() -> None:
    office = Newsroom(FIRST, THEN, THEN)
    office.ask()
    began, first, second, third = office.shown
    assert began == ""
    assert first.startswith("checkout **v1.4.1** is `Degraded`.")
    assert second.startswith(first)
    assert third.startswith(second)
    assert "Sources" in says(office.card())
    assert QUESTION in says(office.card())
    assert not office.streams.open
    assert office.workspace.count("chat.postMessage") == 0
    started = next(arguments for method, arguments in office.workspace.calls if method == "chat.startStream")
    assert (started["recipient_user_id"], started["recipient_team_id"]) == (DANA, "T0SHOP")
    assert started["chunks"][0]["title"] == QUESTION


def test_what_is_streamed_calls_nobody_and_links_nowhere() -> None:
    office = Newsroom(FIRST, THEN)
    office.ask()
    assert "&lt;!channel&gt;" in office.shown[-1]
    assert "](" not in office.shown[-1]
    assert "`https://evil.example/x" in office.shown[-1]


def test_words_that_are_taken_back_are_not_streamed_and_the_card_says_what_counts() -> None:
    office = Newsroom(FIRST, THEN, answer="All is well.")
    office.ask()
    assert "All is well." in says(office.card())
    assert "Degraded" not in says(office.card())


@pytest.mark.parametrize(
    ("method", "trouble"),
    [
        ("chat.startStream", refused("channel_type_not_supported")),
        ("chat.startStream", refused("ratelimited", 429, {"Retry-After": "30"})),
        ("chat.startStream", ConnectionResetError()),
        ("chat.appendStream", refused("stopped_by_user")),
        ("chat.appendStream", refused("message_not_in_streaming_state")),
        ("chat.appendStream", refused("ratelimited", 429, {"Retry-After": "1"})),
        ("chat.appendStream", ConnectionResetError()),
        ("chat.stopStream", refused("message_not_in_streaming_state")),
        ("chat.stopStream", ConnectionResetError()),
    ],
    ids=lambda trouble: str(trouble).partition("\n")[0],
)
def test_the_answer_arrives_whatever_becomes_of_the_stream(method: str, trouble: Exception) -> None:
    office = Newsroom(FIRST, THEN, THEN)
    office.workspace.fail[method] = [trouble]
    if "message_not_in_streaming_state" in str(trouble):
        office.streams.open = _Ended()
    office.ask()
    office.pass_time(10)
    assert "Sources" in says(office.card())


class _Ended(set[tuple[str, str]]):
    """Streams that Slack ends as soon as they began."""

    def add(self, stream: tuple[str, str]) -> None:
        del stream


def test_where_slack_does_not_stream_the_card_is_edited_and_it_is_not_asked_again() -> None:
    office = Newsroom(FIRST, THEN)
    office.workspace.fail["chat.startStream"] = [refused("channel_type_not_supported")]
    office.ask()
    office.ask()
    assert office.workspace.count("chat.startStream") == 1
    assert "Degraded" in office.shown[1]


def test_a_conversation_without_threads_has_an_ordinary_card() -> None:
    office = Newsroom(FIRST, THEN)
    office.ask(channel="D0DANA")
    assert office.workspace.count("chat.startStream") == 0
    assert "Sources" in says(office.card("D0DANA"))


def test_where_a_card_may_stand_already_no_stream_is_begun_beside_it() -> None:
    office = Newsroom(FIRST, THEN)
    office.say(DANA, f"<@{ME}> why is checkout red")
    office.bot.clock.advance(3)
    office.listen()
    office.pass_time(10)
    assert office.workspace.count("chat.startStream") == 0
    assert "Sources" in says(office.card())


def test_another_listener_ends_the_stream_of_one_that_died() -> None:
    office = Newsroom(FIRST, THEN)
    office.say(DANA, f"<@{ME}> why is checkout red")
    office.bot.clock.advance(1.1)
    office.listen()
    assert office.streams.open
    office.slack = office.another_listener()
    office.pass_time(10)
    assert not office.streams.open
    assert "Sources" in says(office.card())


@given(st.text(alphabet="ab*`<>[]()!&: \n.", max_size=60), st.integers(0, 60))
def test_more_words_change_nothing_of_what_stands(draft: str, cut: int) -> None:
    before, after = whole(draft[:cut]), whole(draft)
    assert after.startswith(before) or before.startswith(after)
    assert "<" not in markdown(draft)
    outside_code = re.sub(r"`[^`]*`", "`", markdown(draft))
    assert not any(mark in outside_code for mark in ("](", "][", "]:"))


@pytest.mark.parametrize("draft", ["[log](HTTPS://evil.example)", "[log][1]\n\n[1]: HTTPS://evil.example"])
def test_nothing_that_a_model_writes_becomes_a_link(draft: str) -> None:
    shown = markdown(draft)
    assert "`HTTPS://evil.example" in shown
    assert not any(mark in shown for mark in ("](", "][", "]:"))
