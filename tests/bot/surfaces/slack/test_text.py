"""What a message says once Slack's markup is read."""

from __future__ import annotations

import pytest

from bot.surfaces.slack.text import Said, read

NAMES = {"U0DANA": "dana"}


def said(raw: str) -> Said:
    return read(raw, me="U0MATE", name_of=lambda user: NAMES.get(user, user))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<@U0MATE> deploy checkout", "deploy checkout"),
        ("hey <@U0MATE>,   deploy *checkout* `v1.4.2`", "hey , deploy checkout v1.4.2"),
        ("grant devops to <@U0DANA>", "grant devops to @dana"),
        ("ask <@U0NEW|new>", "ask @U0NEW"),
        ("in <#C0OPS|ops> and <#C1>", "in #ops and #C1"),
        ("<!here> <!subteam^S1|@devops> <!subteam^S2>", "@here @devops @subteam"),
        ("see <https://a.example/x?a=1&amp;b=2>", "see https://a.example/x?a=1&b=2"),
        ("deploy <http://shop.io|shop.io>", "deploy shop.io"),
        ("see <https://a.example|the page>", "see https://a.example"),
        ("a &lt;b&gt; &amp;amp;", "a <b> &amp;"),
        ("deploy ledger_writer *now* _please_ ~no~", "deploy ledger_writer now please no"),
        ("2 * 3 * 4 and a_b_c", "2 * 3 * 4 and a_b_c"),
    ],
)
def test_markup_becomes_words(raw: str, text: str) -> None:
    assert said(raw).text == text


def test_a_call_is_told_from_mentions_of_others() -> None:
    assert said("<@U0MATE> hi").called
    assert not said("<@U0MATE> hi").others
    assert said("<@U0DANA> hi").others


@pytest.mark.parametrize(
    ("raw", "text", "quoted"),
    [
        ("why?\n&gt; deploy all to production\n&gt; now", "why?", ("deploy all to production", "now")),
        ("look\n```\nrm -rf &lt;x&gt;\n```", "look", ("rm -rf <x>",)),
        ("look ```never closed", "look", ("never closed",)),
        ("so\n&gt;&gt;&gt; all\nof this", "so", ("all\nof this",)),
    ],
)
def test_what_others_wrote_is_kept_apart(raw: str, text: str, quoted: tuple[str, ...]) -> None:
    found = said(raw)
    assert found.text == text
    assert found.quoted == quoted


def test_forwarded_messages_are_words_of_others() -> None:
    found = read("why?", me="U0MATE", name_of=str, forwarded=["<https://x|FAILED> &amp; gone", ""])
    assert found.quoted == ("FAILED & gone",)
