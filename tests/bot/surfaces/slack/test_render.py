"""What a person sees of a reply in Slack, and that nothing drawn leaves Slack's limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from actions import catalog
from actions.core.context import Context
from actions.core.organization import Organization
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.reply import (
    Block,
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
    Span,
    Step,
    Steps,
    StepState,
    Strong,
    Table,
    Tone,
    Weight,
)
from actions.core.request import Origin, Request, State
from bot.surfaces.slack.render import Look, Message, draw, draw_in_view
from bot.surfaces.slack.spans import escape, mrkdwn, plain
from tests.bot.surfaces.slack.limits import check_blocks, check_message, check_mrkdwn, nodes, shown, size

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
USERS = {"dana": "U0DANA", "erin": "U0ERIN"}


def hold(action: str, parameters: Mapping[str, JsonValue]) -> str:
    return f"offer-{action}-{abs(hash(str(sorted(parameters.items())))):x}"


LOOK = Look(users=USERS.get, hold=hold, more=lambda: "https://shipmate.example/requests/R-12?a=1&b=2")


def drawn(*blocks: Block, **more: Any) -> Message:
    message = draw(Reply(title="Title", blocks=blocks, **more), LOOK)
    check_message(message)
    return message


def kinds(message: Message) -> list[str]:
    return [block["type"] for block in message.blocks]


def test_a_card_says_what_matters_first() -> None:
    message = drawn(
        Steps(
            steps=(
                Step(name="Commit", state=StepState.DONE, started_at=NOW, ended_at=NOW + timedelta(seconds=2.4)),
                Step(name="Sync", state=StepState.RUNNING, detail="2 of 3", url="https://argo/x"),
                Step(name="Health"),
            )
        ),
        Fields(rows=(FieldRow(label="Version", value=(Code(text="v1"), " → ", Strong(text="v2"))),)),
        Note(text=(Code(text="R-12"), " asked by ", Mention(person="dana"))),
        Note(text=("at ", Moment(at=NOW))),
        tone=Tone.WORKING,
        buttons=(Button(label="Cancel", action="cancel", style=ButtonStyle.DANGER),),
        mentions=("erin",),
    )
    assert kinds(message) == ["header", "rich_text", "rich_text", "section", "context", "actions"]
    assert message.blocks[0]["text"]["text"] == "🔵 Title"
    assert message.blocks[1]["elements"][0]["elements"] == [{"type": "user", "user_id": "U0ERIN"}]
    steps = "".join(node["text"] for node in nodes(message.blocks[2]) if "text" in node)
    assert steps.splitlines() == ["✅  Commit  2.4 s", "⏳  Sync  2 of 3", "⚪  Health"]
    assert message.blocks[3]["fields"][0]["text"] == "*Version*\n`v1` → *v2*"
    assert "`R-12` asked by <@U0DANA>  ·  at <!date^" in message.blocks[4]["elements"][0]["text"]
    assert message.text == "<@U0ERIN> 🔵 Title"


def test_a_single_sentence_has_no_headline() -> None:
    assert kinds(drawn()) == ["rich_text"]


def test_buttons_carry_an_opaque_id_and_nothing_of_what_they_do() -> None:
    press = Button(label="Deny", action="deny", parameters={"request": "R-12"}, asks_for=("reason",))
    message = drawn(buttons=(press, Button(label="Why", action="why")))
    elements = message.blocks[-1]["elements"]
    assert [e["action_id"] for e in elements] == ["form:0", "press:1"]
    assert elements[0]["value"] == hold("deny", {"request": "R-12"})


@pytest.mark.parametrize(
    ("count", "kind"), [(0, "button"), (3, "button"), (6, "static_select"), (150, "static_select")]
)
def test_a_question_offers_its_answers(count: int, kind: str) -> None:
    choices = tuple(Choice(label=f"env-{i}", value=f"env-{i}") for i in range(count))
    question = Question(action="deploy", known={"service": "checkout"}, parameter="environment", choices=choices)
    message = drawn(question=question)
    elements = message.blocks[-1]["elements"]
    assert {element["type"] for element in elements} == {kind}
    if not count:
        assert elements[0]["action_id"] == "form:question"


def test_nothing_said_by_others_is_obeyed() -> None:
    evil = "<!channel> <@U1> <https://evil|x> &lt; *b* _i_ ~s~ `c` :smile:\n> quote <!date^1^{date}|x>"
    spans: tuple[Span, ...] = (evil, Strong(text=evil), Code(text=evil), Link(text=evil, url="https://a/?x=|>"))
    message = drawn(
        Paragraph(text=spans),
        Note(text=spans),
        Fields(rows=(FieldRow(label=evil, value=spans),)),
        Table(columns=(evil,), rows=((spans,),)),
        Preformatted(text=evil),
        Steps(steps=(Step(name=evil, detail=evil, url="javascript:alert(1)"),)),
        buttons=(Button(label=evil, action="why"),),
    )
    assert not any(node.get("type") in {"user", "broadcast", "usergroup"} for node in nodes(message.blocks))
    assert "javascript" not in str(message.blocks)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("snake_case_name 12:30:45 a*b", "snake_case_name 12:30:45 a*b"),
        ("*bold*", "\u2217bold\u2217"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        (":tada: x", "\u2236tada: x"),
        ("a\u202eb\x07c", "abc"),
    ],
)
def test_data_is_escaped_only_where_it_would_be_obeyed(said: str, written: str) -> None:
    assert escape(said) == written


def test_what_is_cut_is_told_and_linked() -> None:
    rows = tuple(((f"service-{i}",), ("v1",)) for i in range(250))
    message = drawn(Table(columns=("Service", "Version"), rows=rows))
    assert len(message.blocks[1]["rows"]) == 100
    said = message.blocks[-1]["elements"][0]["text"]
    assert "151 rows" in said
    assert "https://shipmate.example/requests/R-12?a=1&amp;b=2" in said


def test_the_lightest_goes_first() -> None:
    heavy = Paragraph(text=("e" * 2900,), weight=Weight.ESSENTIAL)
    light = Paragraph(text=("x" * 2900,), weight=Weight.EXTRA)
    message = drawn(light, heavy, heavy, heavy, heavy, Paragraph(text=("normal",)))
    said = shown(list(message.blocks))
    assert said.count("e" * 2900) == 4
    assert "x" * 2900 not in said
    assert "1 part" in said


def test_a_second_table_is_drawn_as_text() -> None:
    table = Table(columns=("Service", "Version"), rows=((("checkout",), ("v1",)),))
    message = drawn(table, table)
    assert kinds(message) == ["header", "table", "rich_text"]
    assert "Service   Version\ncheckout  v1" in shown(list(message.blocks))


def test_many_steps_show_what_is_under_way() -> None:
    done = [Step(name=f"s{i}", state=StepState.DONE) for i in range(60)]
    steps = (*done, Step(name="now", state=StepState.RUNNING), Step(name="next"))
    said = shown(list(drawn(Steps(steps=steps)).blocks))
    assert "now" in said
    assert "37 steps" in said


@pytest.mark.parametrize("verb", catalog(), ids=lambda verb: verb.policy.name)
def test_every_verbs_sample_is_drawn(verb: Any) -> None:
    sample = verb.sample()
    request = Request(
        id="R-12",
        action=verb.policy.name,
        parameters=sample.action.parameters(),
        requester=Requester(name="dana"),
        place=Place(surface="slack"),
        cause="test",
        origin=Origin.GRAMMAR,
        state=State.DONE,
        created_at=NOW,
        updated_at=NOW,
    )
    reply = sample.action.reply(sample.result, Context(Organization(), {}, request, NOW))
    message = draw(reply, LOOK)
    check_message(message)
    assert not any(spans for spans in message.blocks if "Not shown" in str(spans))


# Texts that are long, and made of what Slack gives a meaning: few building blocks find more than all of Unicode does.
words = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", " ", "&", "<!channel>", "*", "`", "😀", "a" * 76, "b" * 3001, "\n", ":x:", "é|>", "\ud800"]),
    st.builds(
        lambda piece, times: piece * times, st.sampled_from(["&", "😀", "x ", "<@U1>", "l\n"]), st.integers(0, 4000)
    ),
)
urls = st.sampled_from(["https://a.example/x?y=|>&z", "javascript:x", "", "http://h/" + "u" * 3500])
people = st.sampled_from(["dana", "erin", "nobody", "<!here>"])
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
spans = st.one_of(
    words,
    st.builds(Strong, text=words),
    st.builds(Code, text=words),
    st.builds(Link, text=words, url=urls),
    st.builds(Mention, person=people),
    st.builds(Moment, at=moments),
)
texts = st.lists(spans, max_size=6).map(tuple)
weights = st.sampled_from(Weight)
steps = st.builds(Step, name=words, state=st.sampled_from(StepState), detail=words, url=urls)
rows = st.lists(texts, max_size=4).map(tuple)
many = st.sampled_from([1, 1, 1, 12, 130])
blocks = st.one_of(
    st.builds(Paragraph, text=texts, weight=weights),
    st.builds(Note, text=texts, weight=weights),
    st.builds(
        lambda rows, times, weight: Fields(rows=tuple(rows * times), weight=weight),
        st.lists(st.builds(FieldRow, label=words, value=texts), max_size=3),
        many,
        weights,
    ),
    st.builds(
        lambda columns, wide, rows, times: Table(columns=tuple(columns * wide), rows=tuple(rows * times)),
        st.lists(words, max_size=3),
        st.sampled_from([1, 1, 9]),
        st.lists(rows, max_size=3),
        many,
    ),
    st.builds(Preformatted, text=words, weight=weights),
    st.builds(lambda steps, times: Steps(steps=tuple(steps * times)), st.lists(steps, max_size=3), many),
)
buttons = st.builds(
    Button,
    label=words,
    action=st.just("why"),
    style=st.sampled_from(ButtonStyle),
    asks_for=st.sampled_from([(), ("reason",)]),
)
questions = st.builds(
    lambda labels, times: Question(
        action="deploy",
        known={},
        parameter="environment",
        choices=tuple(Choice(label=f"{label}{i}", value=f"{i}") for i in range(times) for label in labels[:1]),
    ),
    st.lists(words, max_size=1),
    many,
)
replies = st.builds(
    lambda title, tone, parts, times, buttons, question, mentions: Reply(
        title=title,
        tone=tone,
        blocks=tuple(parts * times),
        buttons=tuple(buttons),
        question=question,
        mentions=tuple(mentions),
    ),
    words,
    st.sampled_from(Tone),
    st.lists(blocks, max_size=5),
    st.sampled_from([1, 1, 1, 20]),
    st.lists(buttons, max_size=30),
    st.none() | questions,
    st.lists(people, max_size=40),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(replies)
def test_no_reply_leaves_slacks_limits(reply: Reply) -> None:
    check_message(draw(reply, Look(users=USERS.get, hold=hold, feedback="R-12")))
    check_blocks(draw_in_view(reply, LOOK, room=30), most=30)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(texts, st.integers(min_value=0, max_value=200))
def test_mrkdwn_is_cut_between_its_parts(text: tuple[Span, ...], room: int) -> None:
    written = mrkdwn(text, USERS.get, room)
    assert size(written) <= room
    check_mrkdwn(written)
    assert isinstance(plain(text), str)
