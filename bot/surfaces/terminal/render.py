"""Draws a reply for a terminal: colours and links where there are any, plain text everywhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from io import StringIO
from typing import Literal, assert_never

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table as Grid
from rich.text import Text as Line

from actions.core.reply import (
    Block,
    ButtonStyle,
    Code,
    Fields,
    Link,
    Mention,
    Moment,
    Note,
    Paragraph,
    Preformatted,
    Question,
    Reply,
    Span,
    Steps,
    StepState,
    Strong,
    Table,
    Text,
    Tone,
    elapsed,
)
from bot.surfaces.unseen import UNSEEN

PLAIN_WIDTH = 1000
"""Wide enough that nothing wraps where there is no terminal to wrap for."""

_TONES = {
    Tone.NEUTRAL: ("●", "blue"),
    Tone.WORKING: ("◐", "cyan"),
    Tone.GOOD: ("✔", "green"),
    Tone.WARNING: ("▲", "yellow"),
    Tone.BAD: ("✖", "red"),
}
_STEPS = {
    StepState.PENDING: ("·", "dim"),
    StepState.RUNNING: ("▸", "cyan"),
    StepState.DONE: ("✔", "green"),
    StepState.FAILED: ("✖", "red"),
    StepState.SKIPPED: ("-", "dim"),
}
_BUTTONS = {ButtonStyle.PLAIN: "", ButtonStyle.PRIMARY: "green", ButtonStyle.DANGER: "red"}

# A terminal obeys escape sequences too, whole.
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|" + UNSEEN)


@dataclass(frozen=True)
class Look:
    """What the terminal can show, and when and where it is.

    Attributes:
        now: the time, for what is still under way.
        zone: the reader's time zone; the system's where it is None.
        width: columns.
        colour: whether there are colours and other styles.
        links: whether words are links, or have their address written beside them, or go without.
    """

    now: datetime
    zone: tzinfo | None = None
    width: int = 80
    colour: bool = True
    links: Literal["words", "written", "none"] = "words"


def plain(now: datetime, zone: tzinfo | None = UTC) -> Look:
    """How to draw where there is no terminal."""
    return Look(now=now, zone=zone, width=PLAIN_WIDTH, colour=False, links="written")


def draw(reply: Reply, look: Look, *, keys: Sequence[str] | None = None, brief: bool = False) -> str:
    """The reply as text for a terminal, without a line feed at the end.

    Args:
        reply: what to draw.
        look: what the terminal can show.
        keys: the key beside each button, "" for one without; none shows no buttons, since nothing would press them.
        brief: only title, steps and buttons, for a card that is drawn again and again.
    """
    out = StringIO()
    console = Console(
        file=out,
        width=look.width,
        force_terminal=look.colour,
        no_color=not look.colour,
        color_system="standard" if look.colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    console.print(_Renderer(look).reply(reply, keys=keys, brief=brief))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).rstrip("\n")


def clean(text: str) -> str:
    """Text without anything that a terminal would obey."""
    return _CONTROL.sub("", text)


class _Renderer:
    """Draws the parts of one reply with one look."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def reply(self, reply: Reply, *, keys: Sequence[str] | None, brief: bool) -> Group:
        symbol, colour = _TONES[reply.tone]
        title = Line.assemble((f"{symbol} ", colour), (clean(reply.title), "bold"))
        shown = [block for block in reply.blocks if not brief or isinstance(block, Steps)]
        parts: list[RenderableType] = [title, *(Padding(self.block(block), (0, 0, 0, 2)) for block in shown)]
        if reply.mentions and not brief:
            called = Line(" ").join(self._line([Mention(person=name)]) for name in reply.mentions)
            parts.append(Padding(called, (0, 0, 0, 2)))
        if reply.question and reply.question.choices:
            parts.append(Padding(self._choices(reply.question), (0, 0, 0, 2)))
        elif reply.buttons and keys:
            parts.append(Padding(self._buttons(reply, keys), (0, 0, 0, 2)))
        return Group(*parts)

    def block(self, block: Block) -> RenderableType:
        match block:
            case Paragraph():
                return self._line(block.text)
            case Note():
                line = self._line(block.text)
                line.stylize("dim")
                return line
            case Fields():
                return self._fields(block)
            case Table():
                return self._table(block)
            case Preformatted():
                return Line(clean(block.text).rstrip("\n"), style="dim", overflow="fold")
            case Steps():
                return self._steps(block)
            case _:
                assert_never(block)

    def _span(self, span: Span) -> tuple[str, str | Style]:
        match span:
            case str():
                return clean(span), ""
            case Strong():
                return clean(span.text), "bold"
            case Code():
                return clean(span.text), "bright_cyan"
            case Link():
                return self._linked(span)
            case Mention():
                return f"@{clean(span.person)}", "magenta"
            case Moment():
                return self._moment(span.at), ""
            case _:
                assert_never(span)

    def _linked(self, link: Link) -> tuple[str, str | Style]:
        text, url = clean(link.text), clean(link.url)
        if self._look.links == "words":
            return text, Style(link=url, underline=True)
        if self._look.links == "none":
            return text, ""
        return (url if text in {"", url} else f"{text} ({url})"), ""

    def _in_a_column(self, span: Span) -> Span:
        """A span for a table, in which addresses written out would leave no room for anything else."""
        return span.text if isinstance(span, Link) and self._look.links == "written" else span

    def _moment(self, at: datetime) -> str:
        here, now = at.astimezone(self._look.zone), self._look.now.astimezone(self._look.zone)
        clock = f"{here:%H:%M}"
        if here.date() == now.date():
            return clock
        return f"{here.day} {here:%b} {clock}" if here.year == now.year else f"{here.day} {here:%b %Y} {clock}"

    def _line(self, spans: Text | Iterable[Span]) -> Line:
        return Line.assemble(*(self._span(span) for span in spans), overflow="fold")

    def _fields(self, fields: Fields) -> Grid:
        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for row in fields.rows:
            grid.add_row(Line(clean(row.label)), self._line(row.value))
        return grid

    def _table(self, table: Table) -> Grid:
        grid = Grid(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 1))
        for column in table.columns:
            grid.add_column(clean(column), overflow="fold")
        for row in table.rows:
            grid.add_row(*(self._line(map(self._in_a_column, cell)) for cell in row))
        return grid

    def _steps(self, steps: Steps) -> Grid:
        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=1)
        grid.add_column(overflow="fold")
        grid.add_column(justify="right", style="dim", no_wrap=True)
        grid.add_column(overflow="fold", style="dim")
        for step in steps.steps:
            symbol, colour = _STEPS[step.state]
            name = self._line([self._in_a_column(Link(text=step.name, url=step.url)) if step.url else step.name])
            since = step.started_at
            took = elapsed((step.ended_at or self._look.now) - since) if since else ""
            grid.add_row(Line(symbol, style=colour), name, took, Line(clean(step.detail)))
        return grid

    def _buttons(self, reply: Reply, keys: Sequence[str]) -> Line:
        line = Line()
        for key, button in zip(keys, reply.buttons, strict=True):
            line.append(f"[{key}] " if key else "", style=f"bold {_BUTTONS[button.style]}".strip())
            line.append(f"{clean(button.label)}   ")
        return line

    def _choices(self, question: Question) -> Line:
        line = Line()
        for number, choice in enumerate(question.choices, start=1):
            line.append(f"[{number}]", style="bold")
            line.append(f" {clean(choice.label)}   ")
        return line
