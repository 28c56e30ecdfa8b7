"""A running Shipmate of cardboard, for the terminal to talk to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from actions.core.reply import Button, Choice, Question, Reply, Step, Steps, StepState, Tone
from actions.core.request import State
from bot.surfaces.terminal.talk import Talk, Voices
from bot.wire import Answer, Standing, VerbWords, Words

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
WORDS = Words(
    person="dana",
    verbs=(
        VerbWords(
            name="deploy",
            description="Deploy a version.",
            phrases=("deploy {service} {version} to {environment} [with {strategy}]", "roll out {service}"),
            parameters={"service": "service", "version": "version", "environment": "environment", "strategy": "text"},
            choices={"strategy": ("rolling", "canary")},
        ),
        VerbWords(name="help", description="Help.", phrases=("help [{topic}]",), parameters={"topic": "topic"}),
    ),
    names={"service": ("checkout", "catalog"), "environment": ("staging", "production")},
)


def answer(
    title: str,
    state: State | None = State.DONE,
    *,
    request: str = "R-1",
    version: int = 1,
    buttons: Sequence[str] = (),
    asks_for: tuple[str, ...] = (),
    choices: Sequence[str] = (),
    follow: str | None = None,
) -> Answer:
    """An answer, with whatever a test needs of it."""
    standing = None
    if state is not None:
        standing = Standing(
            id=request, action="deploy", state=state, version=version, settled=state.is_settled, outcome="so"
        )
    question = None
    if choices:
        offered = tuple(Choice(label=choice.upper(), value=choice) for choice in choices)
        question = Question(action="deploy", known={}, parameter="environment", choices=offered)
    reply = Reply(
        title=title,
        tone=Tone.WORKING,
        blocks=(Steps(steps=(Step(name="Sync", state=StepState.RUNNING, started_at=NOW),)),) if state else (),
        buttons=tuple(Button(label=label, action="cancel", asks_for=asks_for) for label in buttons),
        question=question,
    )
    offers = tuple(f"offer-{request}-{label}" for label in buttons)
    kind = "request" if state else "question" if choices else "unclear"
    return Answer(thread="t", kind=kind, reply=reply, offers=offers, request=standing, follow=follow)


class Cardboard:
    """Answers what a test put down, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.answers: list[Answer | Exception] = []
        self.later: dict[str, list[Answer]] = {}

    def say(self, token: str, say: str, thread: str) -> Answer:
        self.told.append((token, say, thread))
        return self._next()

    def press(self, token: str, offer: str, fields: dict[str, JsonValue], thread: str) -> Answer:
        self.told.append((token, offer, fields, thread))
        return self._next()

    def request(
        self, token: str, request_id: str, *, after_version: int = 0, after_draft: int = 0, wait: float = 0
    ) -> Answer:
        self.told.append((token, request_id, after_version, wait > 0))
        later = self.later[request_id]
        return later.pop(0) if len(later) > 1 else later[0]

    def words(self, token: str) -> Words:
        return WORDS.model_copy(update={"person": token.removeprefix("token-of-")})

    def _next(self) -> Answer:
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def house() -> Cardboard:
    return Cardboard()


@pytest.fixture
def talk(house: Cardboard) -> Talk:
    tokens = {name: f"token-of-{name}" for name in ("dana", "erin")}
    return Talk(house, Voices("dana", tokens), "t")


@pytest.fixture
def now() -> Callable[[], datetime]:
    return lambda: NOW
