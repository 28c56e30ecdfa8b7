"""What Shipmate says, once, for every surface: a title, blocks with weights, and buttons that hold actions."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Offered(Protocol):
    """What a button can hold: a finished action."""

    @classmethod
    def called(cls) -> str:
        """The verb's name."""

    def parameters(self) -> dict[str, JsonValue]:
        """The parameters that are set, as JSON."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tone(StrEnum):
    """How a reply feels, which surfaces show as colour or icon."""

    NEUTRAL = "neutral"
    WORKING = "working"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Weight(IntEnum):
    """What goes first where room is short: the smallest weight."""

    EXTRA = 0
    NORMAL = 1
    ESSENTIAL = 2


class Strong(_Part):
    """Words that matter most."""

    kind: Literal["strong"] = "strong"
    text: str


class Code(_Part):
    """A value to be read letter by letter: a version, a command, a request id."""

    kind: Literal["code"] = "code"
    text: str


class Link(_Part):
    """Words that lead somewhere."""

    kind: Literal["link"] = "link"
    text: str
    url: str


class Mention(_Part):
    """A person, whom the surface calls by its own means."""

    kind: Literal["mention"] = "mention"
    person: str


class Moment(_Part):
    """A point in time, which the surface shows in the reader's own zone where it can."""

    kind: Literal["moment"] = "moment"
    at: datetime


Span = str | Annotated[Strong | Code | Link | Mention | Moment, Field(discriminator="kind")]
Text = tuple[Span, ...]
"""Inline text. Plain strings are data and shown as they are: no markup in them is ever obeyed."""


def link(words: str, url: str) -> Span:
    """Words that lead somewhere; the words alone where there is no address."""
    return Link(text=words, url=url) if url else words


def text(*spans: Span) -> Text:
    """Put spans together; `text("Deployed ", Code(text=version))`."""
    return spans


class Paragraph(_Part):
    """A few sentences."""

    kind: Literal["paragraph"] = "paragraph"
    text: Text
    weight: Weight = Weight.NORMAL


class FieldRow(_Part):
    """One labelled value."""

    label: str
    value: Text


class Fields(_Part):
    """Labelled values, side by side where there is room."""

    kind: Literal["fields"] = "fields"
    rows: tuple[FieldRow, ...]
    weight: Weight = Weight.NORMAL


def fields(*pairs: tuple[str, Text | Span], weight: Weight = Weight.NORMAL) -> Fields:
    """Labelled values from pairs; a pair whose value is empty is left out."""
    rows = ((label, value if isinstance(value, tuple) else (value,)) for label, value in pairs)
    return Fields(rows=tuple(FieldRow(label=lb, value=vl) for lb, vl in rows if vl not in {(), ("",)}), weight=weight)


def with_code(words: str) -> Text:
    """A sentence of ours as inline text: what stands between backticks is code."""
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return (words,)
    return tuple(Code(text=part) if at % 2 else part for at, part in enumerate(parts) if part)


class Table(_Part):
    """Rows under named columns; rows beyond a surface's room are counted, not dropped silently."""

    kind: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    weight: Weight = Weight.NORMAL


class Preformatted(_Part):
    """Text whose spacing counts: a log excerpt, a diff, YAML."""

    kind: Literal["preformatted"] = "preformatted"
    text: str
    language: str = ""
    weight: Weight = Weight.NORMAL


class StepState(StrEnum):
    """How far a step of an operation is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(_Part):
    """One step of an operation, as its card shows it."""

    name: str
    state: StepState = StepState.PENDING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""
    url: str = ""


def elapsed(span: timedelta) -> str:
    """A duration for people: "0.4 s", "12 s", "3 min 05 s", "2 h 10 min"."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 10:  # noqa: PLR2004 - below ten seconds the tenths tell something
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class Steps(_Part):
    """The steps of an operation, in order."""

    kind: Literal["steps"] = "steps"
    steps: tuple[Step, ...]
    weight: Weight = Weight.ESSENTIAL


class Note(_Part):
    """Small print: who, when, which request."""

    kind: Literal["note"] = "note"
    text: Text
    weight: Weight = Weight.EXTRA


Block = Annotated[Paragraph | Fields | Table | Preformatted | Steps | Note, Field(discriminator="kind")]


class ButtonStyle(StrEnum):
    """How much a button draws the eye."""

    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"


class Button(_Part):
    """An action one press away; a press enters the gate like a sentence.

    Attributes:
        label: what it says, in a word or three.
        action: the verb's name.
        parameters: the verb's parameters; surfaces carry an opaque id in their place.
        style: how much it draws the eye.
        asks_for: parameters that the person fills in when pressing, such as a reason.
    """

    label: str
    action: str
    parameters: dict[str, JsonValue] = {}
    style: ButtonStyle = ButtonStyle.PLAIN
    asks_for: tuple[str, ...] = ()

    @classmethod
    def of(cls, label: str, action: Offered, *, style: ButtonStyle = ButtonStyle.PLAIN) -> Button:
        """A button for a finished action."""
        return cls(label=label, action=action.called(), parameters=action.parameters(), style=style)


class Choice(_Part):
    """One of a few answers to a question that Shipmate asked."""

    label: str
    value: str


class Question(_Part):
    """What is still needed of the person, and the likely answers.

    Attributes:
        action: the verb that lacks something.
        known: what is known already.
        parameter: what is asked for.
        choices: the answers to offer; empty where anything may be typed.
    """

    action: str
    known: dict[str, JsonValue]
    parameter: str
    choices: tuple[Choice, ...] = ()


class Reply(_Part):
    """One answer or card, which each surface's renderer draws within its limits.

    Attributes:
        title: the most important words, without markup.
        tone: how it feels.
        blocks: the content, in reading order.
        buttons: the next sensible actions, most sensible first.
        question: what is asked back, where something is lacking.
        mentions: the people to call.
    """

    title: str
    tone: Tone = Tone.NEUTRAL
    blocks: tuple[Block, ...] = ()
    buttons: tuple[Button, ...] = ()
    question: Question | None = None
    mentions: tuple[str, ...] = ()
