"""Claude's path over the real SDK against aimock: choices, answers in prose, and every way in which an answer may fail."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actions import catalog
from actions.connectors.anthropic import Claude
from actions.core.organization import Organization
from actions.core.ports.answers import Found
from actions.core.ports.language import Choice, Said, ToolResult, Unavailable, Utterance
from actions.core.request import Origin, State
from actions.gate.reads import GateReads
from bot.language import prose
from bot.testing import COMPANY, Bot
from intents.claude import ModelRecognizer
from intents.meaning import Asks, Lacks, Message, Unclear
from intents.recognizer import Recognizer
from intents.tools import reading_tools, tools
from tests.peers.claude.service import Aimock, Fixture, fixture, tool
from tests.peers.conftest import ROOT, programs

pytestmark = pytest.mark.peers

ORGANIZATION = Organization.model_validate(COMPANY)
QUESTION = "Why is checkout red on staging?"
LOOK = [tool("status", service="checkout", environment="staging"), tool("pipelines", service="checkout")]
LONG = "checkout does not become healthy on staging, since its database cannot be reached from there at all. " * 4
BOUNCE = {"toolCalls": [tool("restart", service="checkout", environment="staging")]}

FIXTURES: tuple[Fixture, ...] = (
    # reading messages
    fixture("shake checkout", BOUNCE),
    fixture("something with the catalog", {"toolCalls": [tool("restart", service="catalog", force="yes")]}),
    fixture("That was not valid", {"toolCalls": [tool("ask_back", action="restart", known=[])]}),
    fixture("a poem", {"toolCalls": [tool("nothing_to_do", hint="out_of_scope")]}),
    fixture("refuse me", {"content": "I cannot.", "finishReason": "refusal"}),
    fixture("words please", {"content": "Here you are: restart."}),
    fixture("half a tool", {**BOUNCE, "finishReason": "length"}),
    fixture("an unknown tool", {"toolCalls": [tool("rm_rf")]}),
    fixture("malformed", BOUNCE, chaos={"malformedRate": 1}),
    fixture("cut the line", BOUNCE, chaos={"disconnectRate": 1}),
    fixture(
        "too many", {"error": {"message": "later", "type": "rate_limit_error"}, "status": 429, "retryAfter": 86400}
    ),
    fixture("limited by chaos", BOUNCE, chaos={"rateLimitRate": 1}),
    fixture("overloaded", {"error": {"message": "later", "type": "overloaded_error"}, "status": 529}),
    fixture("broken inside", BOUNCE, chaos={"dropRate": 1}),
    fixture("stall", BOUNCE, chaos={"latencyMs": 20_000}),
    # answers in prose
    fixture("hm why is checkout red", {"toolCalls": [tool("look_into", question=QUESTION)]}),
    fixture(QUESTION, {"content": LONG}, match={"hasToolResult": True}),
    fixture(QUESTION, {"content": "I look.", "toolCalls": LOOK}),
    fixture(
        "Who deploys here?",
        {"toolCalls": [tool("deploy", service="checkout", version="v1.4.2")]},
        match={"hasToolResult": False},
    ),
    fixture("Who deploys here?", {"content": "I may only look."}),
    fixture("A truncated answer?", {"content": LONG}, truncateAfterChunks=4),
    fixture("A cut answer?", {"content": LONG}, latency=20, disconnectAfterMs=60),
    fixture("A slow drip?", {"content": LONG}, latency=30, chunkSize=1),
    fixture("A stalled answer?", {"content": LONG}, streamingProfile={"ttft": 20_000, "tps": 5}),
    fixture("A refused answer?", {"content": "I cannot.", "finishReason": "refusal"}),
    fixture("A long answer?", {"content": LONG, "finishReason": "length"}),
    fixture("An overloaded answer?", {"error": {"message": "later", "type": "overloaded_error"}, "status": 529}),
    fixture(
        "A limited answer?", {"error": {"message": "later", "type": "rate_limit_error"}, "status": 429, "retryAfter": 9}
    ),
)


@pytest.fixture(scope="module")
def service(package: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    home = tmp_path_factory.mktemp("aimock")
    with programs(home) as start:
        yield Aimock(package, start, home, FIXTURES)


@pytest.fixture
def aimock(service: Aimock) -> Aimock:
    service.forget()
    return service


@pytest.fixture
def claude(aimock: Aimock) -> Iterator[Claude]:
    connection = Claude("sk-test", base_url=aimock.url)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def local(learned: Path) -> Recognizer:
    return Recognizer(catalog(), ORGANIZATION, cache=learned)


@pytest.fixture
def reader(claude: Claude, local: Recognizer) -> ModelRecognizer:
    return ModelRecognizer(catalog(), ORGANIZATION, claude, local, prose=True)


def choose(claude: Claude, said: str, deadline: float = 5.0) -> Choice | Unavailable:
    return claude.choose(
        purpose="understanding",
        person="vic",
        cause="said:1",
        instructions="Choose.",
        tools=tools(catalog(), ORGANIZATION),
        conversation=[Utterance(role="person", text=said)],
        deadline=deadline,
    )


def turn(claude: Claude, said: str, *, deadline: float = 5.0, told: list[str] | None = None) -> Said | Unavailable:
    return claude.converse(
        purpose="answers",
        person="vic",
        cause="said:1",
        instructions="Answer.",
        tools=reading_tools(catalog(), ORGANIZATION),
        conversation=[Utterance(role="person", text=said)],
        may_call=True,
        deadline=deadline,
        tell=(told if told is not None else []).append,
    )


def test_a_message_is_read_by_a_forced_choice(reader: ModelRecognizer, aimock: Aimock) -> None:
    meaning = reader.recognize(Message(text="shake checkout up a bit on staging"))
    assert isinstance(meaning, Asks)
    assert (meaning.action, meaning.origin) == ("restart", Origin.MODEL)
    (asked,) = aimock.asked()
    names = {one["function"]["name"] for one in asked["tools"]}
    assert {"restart", "ask_back", "nothing_to_do", "look_into"} <= names


def test_an_invalid_choice_is_repaired_once(reader: ModelRecognizer, aimock: Aimock) -> None:
    meaning = reader.recognize(Message(text="do something with the catalog thing"))
    assert isinstance(meaning, Lacks | Unclear)
    assert len(aimock.asked()) == 2


def test_nothing_to_do_is_nothing(reader: ModelRecognizer) -> None:
    assert isinstance(reader.recognize(Message(text="write me a poem about ships")), Unclear)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("refuse me", "refused"),
        ("words please", "no action"),
        ("half a tool", "no action"),
        ("an unknown tool", "does not exist"),
        ("malformed", "Claude"),
        ("cut the line", "could not be asked"),
        ("too many", "429"),
        ("limited by chaos", "429"),
        ("overloaded", "529"),
        ("broken inside", "500"),
    ],
)
def test_what_is_no_choice_is_told_at_once(claude: Claude, aimock: Aimock, said: str, why: str) -> None:
    begun = time.perf_counter()
    got = choose(claude, said, deadline=10)
    assert time.perf_counter() - begun < 5
    assert isinstance(got, Unavailable)
    assert why in got.why
    assert len(aimock.asked()) == 1


def test_a_stall_is_not_waited_for(claude: Claude) -> None:
    choose(claude, "words please")
    begun = time.perf_counter()
    assert choose(claude, "stall", deadline=0.5) == Unavailable(why="Claude did not answer within 0.5 s")
    assert time.perf_counter() - begun < 2


def test_words_are_told_as_they_come_and_tools_are_wanted(claude: Claude) -> None:
    told: list[str] = []
    said = turn(claude, QUESTION, told=told)
    assert isinstance(said, Said)
    assert "".join(told) == said.text == "I look."
    assert [call.tool for call in said.calls] == ["status", "pipelines"]
    assert said.calls[0].fields == {"service": "checkout", "environment": "staging"}
    talk = [
        Utterance(role="person", text=QUESTION),
        Utterance(role="shipmate", text=said.text, calls=said.calls),
        Utterance(role="person", text="", results=tuple(ToolResult(call=c.id, text="{}") for c in said.calls)),
    ]
    told.clear()
    answer = claude.converse(
        purpose="answers",
        person="vic",
        cause="said:1",
        instructions="Answer.",
        tools=reading_tools(catalog(), ORGANIZATION),
        conversation=talk,
        may_call=False,
        deadline=5,
        tell=told.append,
    )
    assert isinstance(answer, Said)
    assert answer.text == LONG.strip()
    assert len(told) > 5


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("A truncated answer?", ""),
        ("A cut answer?", ""),
        ("A refused answer?", "refused"),
        ("An overloaded answer?", "529"),
        ("A limited answer?", "429"),
    ],
)
def test_what_is_no_answer_is_none(claude: Claude, said: str, why: str) -> None:
    got = turn(claude, said)
    assert isinstance(got, Unavailable)
    assert why in got.why


@pytest.mark.parametrize("said", ["A slow drip?", "A stalled answer?"])
def test_slow_answers_are_not_waited_for(claude: Claude, said: str) -> None:
    turn(claude, "A refused answer?")
    begun = time.perf_counter()
    assert turn(claude, said, deadline=0.6) == Unavailable(why="Claude did not answer within 0.6 s")
    assert time.perf_counter() - begun < 2


def test_a_long_answer_is_marked_as_cut(claude: Claude) -> None:
    got = turn(claude, "A long answer?")
    assert isinstance(got, Said)
    assert got.is_cut


def test_a_question_is_looked_into_and_answered_with_its_sources(reader: ModelRecognizer, claude: Claude) -> None:
    bot = Bot(understanding=lambda: reader, model=claude)
    answer = bot.say("vic", "hm why is checkout red on staging")
    bot.settle()
    assert bot.request(answer).state is State.DONE
    card = bot.card(answer)
    assert card.title == QUESTION
    shown = str(card.model_dump())
    assert "cannot be reached" in shown
    assert [request.action for request in (bot.request("R-2"), bot.request("R-3"))] == ["status", "pipelines"]


def test_a_tool_that_was_not_offered_does_nothing(claude: Claude) -> None:
    bot = Bot(model=claude)
    finder = prose(lambda: claude, bot.house.catalog, ORGANIZATION, GateReads(bot.house.gate))
    request = bot.request(bot.ask("dana", "whoami"))
    found = finder.answer(request, "Who deploys here?", lambda _: None)
    assert isinstance(found, Found)
    assert (found.text, found.looked) == ("I may only look.", ())
    assert not bot.cluster.commits
    assert bot.house.kept.ledger.get("R-2") is None


def test_real_processes_answer_a_question_and_count_what_it_took(
    aimock: Aimock, shipmate: Callable[..., str], tmp_path: Path
) -> None:
    environment = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": aimock.url}
    shipmate(environment)

    def run(*words: str) -> str:
        own = {**environment, "SHIPMATE_STATE_DIR": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
        command = ["env", *(f"{key}={value}" for key, value in own.items()), sys.executable, "-m", "bot", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120).stdout

    told = run("say", "hm why is checkout red on staging")
    assert QUESTION in told
    assert "its database cannot be reached" in told
    assert "Sources: status checkout staging (R-2), pipelines checkout (R-3)" in " ".join(told.split())
    used = run("usage", "--by", "purpose", "--json")
    assert {one["key"]: one["answers"] for one in json.loads(used)} == {"answers": 2, "understanding": 1}
