"""The end of a failed job's log: what is shown of it, and what never is."""

from __future__ import annotations

from actions.core.reply import Preformatted, Reply
from bot.testing import Bot


def shown(reply: Reply) -> str:
    return "".join(block.text for block in reply.blocks if isinstance(block, Preformatted))


def card(trace: str, status: str = "failed") -> Reply:
    bot = Bot()
    bot.pipelines.add("shop/checkout", status, trace=trace)
    answer = bot.ask("sam", "show_log", service="checkout")
    bot.settle()
    return bot.card(answer)


def test_the_last_lines_are_shown_and_how_many_stand_above() -> None:
    reply = card("\n".join(f"line {number}" for number in range(1, 201)))
    assert shown(reply).endswith("line 199\nline 200")
    assert shown(reply).startswith("line 141\n")
    assert "140 lines stand above" in str(reply.blocks)
    assert [button.label for button in reply.buttons] == ["Why?"]


def test_no_secret_and_no_colour_is_shown() -> None:
    reply = card("\x1b[31mfailed\x1b[0m with token glpat-aaaaaaaaaaaaaaaaaaaa")
    assert "failed with token" in shown(reply)
    assert "glpat-aaaa" not in shown(reply)


def test_of_one_endless_line_the_end_is_shown() -> None:
    assert len(shown(card("x" * 100_000 + " the end"))) <= 2_600


def test_an_empty_log_says_so() -> None:
    assert card("").title.endswith("is empty")


def test_what_has_not_failed_has_no_log_to_show() -> None:
    assert "has no failed pipeline" in str(card("", status="success"))


def test_a_failure_offers_its_log() -> None:
    bot = Bot()
    bot.pipelines.add("shop/checkout", "failed", trace="ModuleNotFoundError: No module named 'requests'")
    answer = bot.ask("sam", "explain_failure", service="checkout")
    bot.settle()
    assert "Show log" in [button.label for button in bot.card(answer).buttons]
