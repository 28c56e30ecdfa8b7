"""Draws a reply as Block Kit within Slack's limits; what does not fit is cut by weight, and the card says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, assert_never

from pydantic import JsonValue

from actions.core.reply import (
    Block,
    Button,
    ButtonStyle,
    FieldRow,
    Fields,
    Mention,
    Note,
    Paragraph,
    Preformatted,
    Question,
    Reply,
    Span,
    Step,
    Steps,
    StepState,
    Table,
    Text,
    Tone,
    Weight,
    elapsed,
)
from bot.surfaces.slack.spans import Users, address, clean, escape, mentioned, mrkdwn, plain, rich, shorten, size

# https://docs.slack.dev/reference/block-kit/blocks and, for what is not written there, PLATFORM facts tried out.
BLOCKS_IN_MESSAGE = 50
BLOCKS_IN_VIEW = 100
HEADER = 150
SECTION = 3000
FIELD = 2000
FIELDS_IN_SECTION = 10
ELEMENTS_IN_CONTEXT = 10
BUTTONS = 25
BUTTON_TEXT = 75
OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
TABLE_ROWS = 100
TABLE_COLUMNS = 20
TABLE_TEXT = 10_000
MESSAGE_TEXT = 40_000

# Where a limit of Slack's is more than a person reads in a thread, the card stops earlier.
CARD_TEXT = 12_000
CELL = 500
SHORT_CELL = 24
FALLBACK = 2_000
FIELD_ROWS = 40
STEPS = 25
BUTTONS_SHOWN = 8
CHOICES_AS_BUTTONS = 5

_TONES = {Tone.NEUTRAL: "", Tone.WORKING: "🔵 ", Tone.GOOD: "🟢 ", Tone.WARNING: "🟡 ", Tone.BAD: "🔴 "}
_STEPS = {
    StepState.PENDING: "⚪",
    StepState.RUNNING: "⏳",
    StepState.DONE: "✅",
    StepState.FAILED: "❌",
    StepState.SKIPPED: "\N{HEAVY MINUS SIGN}",
}
_STYLES = {ButtonStyle.PRIMARY: "primary", ButtonStyle.DANGER: "danger"}

Json = dict[str, Any]


class Hold(Protocol):
    """Keeps an action and answers with the opaque id that a button may carry."""

    def __call__(self, action: str, parameters: Mapping[str, JsonValue]) -> str:
        """The id of the offer."""


@dataclass(frozen=True)
class Message:
    """A message as the Web API takes it.

    Attributes:
        text: what notifications and screen readers say.
        blocks: what is shown.
    """

    text: str
    blocks: tuple[Json, ...]


@dataclass(frozen=True)
class Look:
    """What a drawing needs to know beside the reply.

    Attributes:
        users: the Slack user of a person.
        hold: keeps the actions behind buttons.
        more: makes the address at which all of it can be read; empty where there is none.
        feedback: the request whose answer may be rated; empty where none is.
    """

    users: Users
    hold: Hold
    more: Callable[[], str] = str
    feedback: str = ""


@dataclass
class _Part:
    """What one block of the reply became.

    Attributes:
        weight: what goes first has the smallest.
        blocks: the Block Kit blocks.
        left_out: what was cut within it, in words such as "12 rows".
    """

    weight: Weight
    blocks: list[Json]
    left_out: list[str] = field(default_factory=list)

    @property
    def text(self) -> int:
        return sum(map(_text_of, self.blocks))


def draw(reply: Reply, look: Look) -> Message:
    """A reply as a message."""
    renderer = _Renderer(look, tables=True)
    blocks = renderer.blocks(reply, BLOCKS_IN_MESSAGE)
    return Message(text=_fallback(reply, look.users), blocks=tuple(blocks))


def draw_in_view(reply: Reply, look: Look, *, room: int) -> list[Json]:
    """A reply as at most so many blocks of a modal or of App Home, where there are no tables."""
    return _Renderer(look, tables=False).blocks(reply, room)


def plain_text(text: str, room: int) -> Json:
    """A plain text object; never empty, since Slack refuses that."""
    return {"type": "plain_text", "text": shorten(clean(text).strip(), room) or "—", "emoji": False}


def options(choices: Iterable[tuple[str, str]]) -> list[Json]:
    """Options of a select, as many as it may have, from labels and values."""
    fit = [(label, value) for label, value in choices if 0 < len(value) <= OPTION_VALUE]
    return [{"text": plain_text(label, OPTION_TEXT), "value": value} for label, value in fit[:OPTIONS]]


class _Renderer:
    """Draws the parts of one reply.

    Args:
        look: what the drawing needs to know.
        tables: whether table blocks may stand there.
    """

    def __init__(self, look: Look, *, tables: bool) -> None:
        self._look = look
        self._table_left = tables

    def blocks(self, reply: Reply, room: int) -> list[Json]:
        head, tail = self._head(reply), self._tail(reply)
        parts = [part for block in _merged(reply.blocks) if (part := self._part(block)) and part.blocks]
        left_out = _fit(parts, room - len(head) - len(tail) - 1)
        body = [block for part in parts for block in part.blocks]
        if left_out:
            body.append(self._shortened(left_out))
        return [*head, *body, *tail]

    def _part(self, block: Block) -> _Part:
        match block:
            case Paragraph():
                return _Part(block.weight, self._rich(rich(block.text, self._look.users, SECTION)))
            case Note():
                return self._note(block)
            case Fields():
                return self._fields(block)
            case Table():
                return self._table(block) if self._table_left else self._grid(block)
            case Preformatted():
                return self._preformatted(block)
            case Steps():
                return self._steps(block)
            case _:
                assert_never(block)

    def _head(self, reply: Reply) -> list[Json]:
        title = _TONES[reply.tone] + " ".join(clean(reply.title).split())
        head: list[Json]
        if not title.strip() and reply.blocks:
            head = []
        elif reply.blocks and size(title) <= HEADER:
            head = [{"type": "header", "text": plain_text(title, HEADER)}]
        else:
            head = self._rich([{"type": "text", "text": shorten(title, SECTION) or "—", "style": {"bold": True}}])
        called = {person for block in reply.blocks for text in _texts(block) for person in mentioned(text)}
        uncalled = [person for person in reply.mentions if person not in called and self._look.users(person)]
        if uncalled:
            spans: list[Span] = [part for person in uncalled for part in (Mention(person=person), " ")]
            head += self._rich(rich(spans[:-1], self._look.users, SECTION))
        return head

    def _tail(self, reply: Reply) -> list[Json]:
        tail = self._question(reply.question) if reply.question else []
        buttons = [self._button(index, button) for index, button in enumerate(reply.buttons[:BUTTONS_SHOWN])]
        if buttons:
            tail.append({"type": "actions", "elements": buttons})
        if self._look.feedback:
            tail.append({**_FEEDBACK, "block_id": f"feedback:{self._look.feedback}"})
        return tail

    def _button(self, index: int, button: Button) -> Json:
        kind = "form" if button.asks_for else "press"
        return self._click(f"{kind}:{index}", button.label, button.action, button.parameters, button.style)

    def _click(
        self,
        action_id: str,
        label: str,
        action: str,
        parameters: Mapping[str, JsonValue],
        style: ButtonStyle = ButtonStyle.PLAIN,
    ) -> Json:
        drawn = {
            "type": "button",
            "action_id": action_id,
            "text": plain_text(label, BUTTON_TEXT),
            "value": self._look.hold(action, parameters),
        }
        return drawn | ({"style": _STYLES[style]} if style in _STYLES else {})

    def _question(self, question: Question) -> list[Json]:
        answers = [(c.label, {**question.known, question.parameter: c.value}) for c in question.choices[:OPTIONS]]
        elements: list[Json]
        if not answers:
            elements = [self._click("form:question", "Fill in the form", question.action, question.known)]
        elif len(answers) <= CHOICES_AS_BUTTONS:
            elements = [
                self._click(f"answer:{index}", label, question.action, parameters)
                for index, (label, parameters) in enumerate(answers)
            ]
        else:
            held = [(label, self._look.hold(question.action, parameters)) for label, parameters in answers]
            asks = f"Choose the {question.parameter.replace('_', ' ')}"
            select = {"action_id": "answer", "placeholder": plain_text(asks, OPTION_TEXT * 2), "options": options(held)}
            elements = [{"type": "static_select", **select}]
        return [{"type": "actions", "elements": elements}]

    def _rich(self, elements: list[Json]) -> list[Json]:
        if not elements:
            return []
        return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]

    def _note(self, note: Note) -> _Part:
        text = mrkdwn(note.text, self._look.users, FIELD)
        return _Part(note.weight, [{"type": "context", "elements": [_mrkdwn(text)]}] if text.strip() else [])

    def _fields(self, block: Fields) -> _Part:
        shown = block.rows[:FIELD_ROWS]
        rest = len(block.rows) - len(shown)
        left_out = [f"{rest} value{'s' if rest > 1 else ''}"] if rest else []
        drawn = [_mrkdwn(self._field(row)) for row in shown]
        chunks = [drawn[at : at + FIELDS_IN_SECTION] for at in range(0, len(drawn), FIELDS_IN_SECTION)]
        return _Part(block.weight, [{"type": "section", "fields": chunk} for chunk in chunks], left_out)

    def _field(self, row: FieldRow) -> str:
        label = escape(shorten(" ".join(row.label.split()), HEADER))
        label = f"*{label}*\n" if label else ""
        return (label + mrkdwn(row.value, self._look.users, FIELD - size(label))) or "—"

    def _table(self, table: Table) -> _Part:
        rows: list[list[Json]] = []
        room = TABLE_TEXT
        for row in [tuple((column,) for column in table.columns), *table.rows][:TABLE_ROWS]:
            cells = [self._cell(cell) for cell in row[:TABLE_COLUMNS]]
            # Every row as wide as the first: a table with holes is refused.
            cells += [_EMPTY_CELL] * (len(rows[0]) - len(cells) if rows else 0)
            room -= sum(map(_text_of, cells))
            if room < 0:
                break
            rows.append(cells[: len(rows[0])] if rows else cells)
        if not rows or not rows[0]:
            return self._grid(table)
        self._table_left = False
        # A time or a version reads badly on four lines; only what is long gives way where there is little room.
        widths = [max(map(_text_of, column)) for column in zip(*rows, strict=True)]
        settings = [{"is_wrapped": width > SHORT_CELL} for width in widths]
        drawn = {"type": "table", "rows": rows, "column_settings": settings}
        return _Part(table.weight, [drawn], _rows_left(table, len(rows) - 1))

    def _cell(self, cell: Text) -> Json:
        elements = rich(cell, self._look.users, CELL)
        if not elements:
            return _EMPTY_CELL
        return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}

    def _grid(self, table: Table) -> _Part:
        """A table as evenly spaced text, where there may be no table block."""
        rows = [table.columns, *(tuple(plain(cell) for cell in row) for row in table.rows)]
        rows = [tuple(shorten(" ".join(cell.split()), 60) for cell in row) for row in rows]
        widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip() for row in rows]
        kept = _lines_within(lines, SECTION)
        if not any(line.strip() for line in kept):
            return _Part(table.weight, [])
        return _Part(table.weight, _block_of_code("\n".join(kept)), _rows_left(table, len(kept) - 1))

    def _preformatted(self, block: Preformatted) -> _Part:
        lines = clean(block.text).strip("\n").split("\n")
        kept = _lines_within(lines, SECTION)
        text = "\n".join(kept) or shorten(lines[0], SECTION)
        rest = len(lines) - max(len(kept), 1)
        left_out = [f"{rest} line{'s' if rest > 1 else ''}"] if rest else []
        return _Part(block.weight, _block_of_code(text) if text.strip() else [], left_out)

    def _steps(self, steps: Steps) -> _Part:
        hidden, shown = _window(steps.steps)
        left_out = [f"{hidden} step{'s' if hidden > 1 else ''}"] if hidden else []
        # One section with line feeds: Slack draws several sections without any space between them.
        elements: list[Json] = []
        for step in shown:
            elements += ([{"type": "text", "text": "\n"}] if elements else []) + self._step(step)
        return _Part(steps.weight, self._rich(elements), left_out)

    def _step(self, step: Step) -> list[Json]:
        name = shorten(clean(step.name), HEADER) or "—"
        url = address(step.url)
        label: Json = {"type": "link", "url": url, "text": name} if url else {"type": "text", "text": name}
        if step.state in {StepState.RUNNING, StepState.FAILED}:
            label["style"] = {"bold": True}
        told = [clean(step.detail), _took(step)]
        aside = " · ".join(shorten(" ".join(words.split()), HEADER) for words in told if words)
        elements: list[Json] = [{"type": "text", "text": f"{_STEPS[step.state]}  "}, label]
        if aside:
            elements.append({"type": "text", "text": f"  {aside}", "style": {"italic": True}})
        return elements

    def _shortened(self, left_out: Sequence[str]) -> Json:
        url = address(self._look.more())
        told = escape(", ".join(left_out[:6]) + (" and more" if len(left_out) > 6 else ""))  # noqa: PLR2004 - a line
        link = f" <{url.replace('&', '&amp;')}|See all of it>" if url else ""
        return {"type": "context", "elements": [_mrkdwn(f"Not shown for lack of room: {told}.{link}")]}


_EMPTY_CELL: Json = {"type": "raw_text", "text": "—"}
_FEEDBACK: Json = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": plain_text("Helpful", BUTTON_TEXT), "value": "up"},
            "negative_button": {"text": plain_text("Not helpful", BUTTON_TEXT), "value": "down"},
        }
    ],
}


def _mrkdwn(text: str) -> Json:
    # Verbatim: Slack is not to look for links and channel names of its own in data.
    return {"type": "mrkdwn", "text": text or "—", "verbatim": True}


def _block_of_code(text: str) -> list[Json]:
    inner = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return [{"type": "rich_text", "elements": [inner]}]


def _merged(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks; notes of one weight that follow each other become one line of small print."""
    held: Note | None = None
    for block in blocks:
        if isinstance(block, Note) and held is not None and held.weight is block.weight:
            held = held.model_copy(update={"text": (*held.text, "  ·  ", *block.text)})
            continue
        if held is not None:
            yield held
            held = None
        if isinstance(block, Note):
            held = block
        else:
            yield block
    if held is not None:
        yield held


def _fit(parts: list[_Part], room: int) -> list[str]:
    """Take out whole parts, the lightest and then the last first, until the rest fits; what is missing, in words."""
    missing = 0
    while parts and (sum(len(p.blocks) for p in parts) > room or sum(p.text for p in parts) > CARD_TEXT):
        parts.pop(min(range(len(parts)), key=lambda index: (parts[index].weight, -index)))
        missing += 1
    told = [words for part in parts for words in part.left_out]
    return [*told, f"{missing} part{'s' if missing > 1 else ''}"] if missing else told


def _text_of(block: Any) -> int:
    """How much text a block shows, in units."""
    if isinstance(block, list):
        return sum(map(_text_of, block))
    if isinstance(block, dict):
        return sum(size(v) if k == "text" and isinstance(v, str) else _text_of(v) for k, v in block.items())
    return 0


def _texts(block: Block) -> Iterator[Text]:
    """The inline texts of a block that are always shown."""
    match block:
        case Paragraph() | Note():
            yield block.text
        case Fields():
            yield from (row.value for row in block.rows)
        case _:
            return


def _lines_within(lines: Sequence[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def _rows_left(table: Table, shown: int) -> list[str]:
    rest = len(table.rows) - max(shown, 0)
    columns = len(table.columns) - TABLE_COLUMNS
    told = [f"{rest} row{'s' if rest > 1 else ''}"] if rest > 0 else []
    return [*told, f"{columns} column{'s' if columns > 1 else ''}"] if columns > 0 else told


def _window(steps: Sequence[Step]) -> tuple[int, Sequence[Step]]:
    """How many steps are hidden, and the rest: what is done already gives way first, then what comes last."""
    if len(steps) <= STEPS:
        return 0, steps
    begun = next((i for i, s in enumerate(steps) if s.state not in {StepState.DONE, StepState.SKIPPED}), len(steps))
    start = min(max(begun - 1, 0), len(steps) - STEPS)
    return len(steps) - STEPS, steps[start : start + STEPS]


def _took(step: Step) -> str:
    if step.started_at is None or step.ended_at is None:
        return ""
    took = step.ended_at - step.started_at
    # What was done at once needs no figure.
    return elapsed(took) if took >= timedelta(seconds=1) else ""


def _fallback(reply: Reply, users: Users) -> str:
    """The title, whom it calls, and the first sentence: what a notification has room for."""
    called = " ".join(f"<@{user}>" for person in reply.mentions[:20] if (user := users(person)))
    first = next((block.text for block in reply.blocks if isinstance(block, Paragraph)), ())
    told = mrkdwn(first, users, FALLBACK // 4)
    title = mrkdwn((_TONES[reply.tone] + reply.title,), users, FALLBACK // 2)
    return " ".join(filter(None, (called, title, told))).strip() or "—"
