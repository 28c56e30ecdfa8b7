"""Failed pipelines, as people live through them: why one failed, and what may be done about it."""

from __future__ import annotations

import pytest

from actions.core.reply import Block, Paragraph, Preformatted, Reply, Tone
from actions.core.request import State
from bot.testing import Bot

MISSING = """\
$ python3 -m unittest discover -s tests
Traceback (most recent call last):
  File "app.py", line 1, in <module>
    import lantern
ModuleNotFoundError: No module named 'lantern'
ERROR: Job failed: exit code 1
"""
TRANSIENT = """\
$ curl -fsS https://downloads.example/tool.tgz -o tool.tgz
curl: (6) Could not resolve host: downloads.example
ERROR: Job failed: exit code 6
"""
OWN = """\
$ python3 -m pytest
FAILED tests/test_totals.py::test_delivery - AssertionError: assert 2490 == 2000
========================= 1 failed, 12 passed in 0.31s =========================
ERROR: Job failed: exit code 1
"""


@pytest.fixture
def bot() -> Bot:
    return Bot()


def words(reply: Reply) -> str:
    return " ".join([reply.title, *(_words(block) for block in reply.blocks)])


def _words(block: Block) -> str:
    match block:
        case Paragraph():
            return " ".join(str(getattr(span, "text", span)) for span in block.text)
        case Preformatted():
            return block.text
        case _:
            return ""


def test_the_latest_failure_is_explained_with_its_lines_and_buttons(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    answer = bot.ask("sam", "explain_failure", service="checkout")
    bot.settle()
    card = bot.card(answer)
    assert card.tone is Tone.BAD
    assert "Pipeline #811 of checkout failed" in card.title
    assert "2  curl: (6) Could not resolve host: downloads.example" in words(card)
    assert [button.label for button in card.buttons] == ["Fix it", "Retry"]


def test_a_failure_of_the_code_itself_offers_no_fix(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=OWN)
    answer = bot.ask("sam", "explain_failure", service="checkout", pipeline="811")
    bot.settle()
    assert [button.label for button in bot.card(answer).buttons] == ["Retry"]


def test_what_has_not_failed_is_not_explained(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "success")
    answer = bot.ask("sam", "explain_failure", service="checkout", pipeline="811")
    bot.settle()
    assert "has not failed: it is success" in words(bot.card(answer))


def test_what_passes_by_itself_is_tried_again_once(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    answer = bot.ask("sam", "fix_pipeline", service="checkout")
    bot.work()
    assert bot.pipelines.get("shop/checkout", "811").status == "running"
    bot.pipelines.finish("shop/checkout", "811", "success")
    bot.settle()
    assert bot.request(answer).outcome == "green again"
    assert "green again at another try" in bot.card(answer).title


def test_what_fails_again_is_told_with_the_diagnosis(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    answer = bot.ask("sam", "fix_pipeline", service="checkout")
    bot.work()
    bot.pipelines.finish("shop/checkout", "811", "failed")
    bot.settle()
    assert (bot.request(answer).state, bot.request(answer).outcome) == (State.FAILED, "not proven")
    assert "does not pass by itself" in words(bot.card(answer))


def test_a_failure_of_the_code_itself_is_left_alone_with_advice(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=OWN)
    answer = bot.ask("sam", "fix_pipeline", service="checkout")
    bot.settle()
    assert bot.request(answer).state is State.REFUSED
    assert "No playbook mends this" in words(bot.card(answer))
    assert not bot.repositories.requests


def test_a_viewer_may_not_fix(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    assert bot.request(bot.ask("vic", "fix_pipeline", service="checkout")).state is State.REFUSED


def test_nothing_to_merge_is_told(bot: Bot) -> None:
    answer = bot.ask("sam", "merge_fix")
    bot.settle()
    assert "No fix is open here" in words(bot.card(answer))
