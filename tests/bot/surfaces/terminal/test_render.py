"""What a person sees of a reply in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from actions.core.reply import (
    Button,
    ButtonStyle,
    Choice,
    Code,
    FieldRow,
    Fields,
    Link,
    Mention,
    Moment,
    Note,
    Paragraph,
    Preformatted,
    Question,
    Reply,
    Step,
    Steps,
    StepState,
    Strong,
    Table,
    Tone,
    elapsed,
)
from bot.surfaces.terminal.render import Look, clean, draw, plain

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
AGO = NOW - timedelta(seconds=42)

CARD = Reply(
    title="Deploying checkout v1.4.2 to staging",
    tone=Tone.WORKING,
    blocks=(
        Paragraph(text=("Asked by ", Mention(person="dana"), " at ", Moment(at=AGO), ": ", Strong(text="go"), ".")),
        Fields(rows=(FieldRow(label="From", value=(Code(text="v1.4.1"),)),)),
        Steps(
            steps=(
                Step(name="Commit", state=StepState.DONE, started_at=AGO, ended_at=AGO + timedelta(seconds=0.4)),
                Step(name="Sync", state=StepState.RUNNING, started_at=AGO, detail="2 of 3", url="https://argo/x"),
                Step(name="Health"),
            )
        ),
        Table(columns=("Service", "Version"), rows=((("checkout",), (Code(text="v1"),)), (("cart",), ("v2",)))),
        Preformatted(text="FAIL  42\n  at x\n"),
        Note(text=("R-12 · ", Link(text="pipeline", url="https://gitlab/p/1"))),
    ),
    buttons=(
        Button(label="Cancel", action="cancel", style=ButtonStyle.DANGER),
        Button(label="Why?", action="why"),
    ),
    mentions=("erin", "ada"),
)


def test_a_card_as_plain_text() -> None:
    assert draw(CARD, plain(NOW), keys=("1", "2")).splitlines() == [
        "◐ Deploying checkout v1.4.2 to staging",
        "  Asked by @dana at 12:29: go.",
        "  From  v1.4.1",
        "  ✔  Commit  0.4 s",
        "  ▸  Sync     42 s  2 of 3",
        "  ·  Health",
        "  Service    Version",
        "  ──────────────────",
        "  checkout   v1",
        "  cart       v2",
        "  FAIL  42",
        "    at x",
        "  R-12 · pipeline (https://gitlab/p/1)",
        "  @erin @ada",
        "  [1] Cancel   [2] Why?",
    ]


def test_a_brief_card_is_title_steps_and_buttons() -> None:
    lines = draw(CARD, plain(NOW), keys="12", brief=True).splitlines()
    assert [line.split()[0] for line in lines] == ["◐", "✔", "▸", "·", "[1]"]


def test_where_there_are_links_words_carry_them() -> None:
    drawn = draw(CARD, Look(now=NOW, zone=UTC))
    assert "https://gitlab/p/1\x1b\\" in drawn
    assert "pipeline (" not in drawn


def test_a_question_shows_its_choices_with_keys() -> None:
    choices = (Choice(label="staging", value="staging"), Choice(label="production", value="production"))
    question = Question(action="deploy", known={}, parameter="environment", choices=choices)
    assert draw(Reply(title="Where to?", question=question), plain(NOW)).endswith("[1] staging   [2] production")


def test_text_from_others_is_never_obeyed() -> None:
    """Control characters, escape sequences, rich's markup and marks of writing direction are data."""
    evil = "a\x1b]8;;https://evil\x1b\\b\x1b[2Jc\x07\rd\u202ee [bold]f[/bold] :smile:"
    drawn = draw(Reply(title=evil, blocks=(Paragraph(text=(evil,)), Preformatted(text=evil))), plain(NOW))
    assert {line.strip("● ") for line in drawn.splitlines()} == {"abcde [bold]f[/bold] :smile:"}


@given(st.text(max_size=200), st.integers(min_value=20, max_value=120))
def test_no_line_is_wider_than_the_terminal(text: str, width: int) -> None:
    reply = Reply(
        title=text,
        blocks=(
            Paragraph(text=(text,)),
            Preformatted(text=text),
            Table(columns=("One", "Two"), rows=(((text,), (Code(text=text),)),)),
        ),
    )
    drawn = draw(reply, Look(now=NOW, width=width, colour=False))
    assert all(cell_len(line) <= width for line in drawn.splitlines())


@given(st.text())
def test_cleaned_text_has_no_control_characters(text: str) -> None:
    assert not any(ord(c) < 32 and c not in "\n\t" for c in clean(text))


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.42, "0.4 s"), (12.9, "12 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (-3, "0.0 s")]
)
def test_elapsed_time_is_told_for_people(seconds: float, shown: str) -> None:
    assert elapsed(timedelta(seconds=seconds)) == shown


def test_a_moment_of_another_day_or_year_has_its_date() -> None:
    days = (NOW - timedelta(days=2), NOW - timedelta(days=400))
    drawn = draw(Reply(title="t", blocks=tuple(Paragraph(text=(Moment(at=d),)) for d in days)), plain(NOW))
    assert drawn.splitlines()[1:] == ["  18 Nov 12:30", "  16 Oct 2025 12:30"]
