"""What Claude may cost: prices, budgets a day, and that people are told once when they run low."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from actions.core.organization import Organization
from actions.core.ports.language import Tokens
from bot.budgets import Budgets, cost_of, price_of
from bot.commands.doctor import of_today
from bot.commands.usage import table
from bot.stores.open import SqlStores, open_sql
from bot.testing.fakes import HandClock

PRICES = {
    "claude-haiku-5-5": {"input": 1, "output": 5, "cached": 0.1, "stored": 1.25},
    "claude-haiku-5": {"input": 9, "output": 9},
}
PEOPLE = [{"name": "sam", "roles": ["developer"]}, {"name": "ada", "roles": ["admin"]}]


@pytest.fixture
def stores() -> Iterator[SqlStores]:
    stores = open_sql("sqlite://")
    yield stores
    stores.close()


def organization(**usage: Any) -> Organization:
    return Organization.model_validate({"people": PEOPLE, "usage": {"prices": PRICES, **usage}})


def budgets(stores: SqlStores, clock: HandClock | None = None, **usage: Any) -> Budgets:
    return Budgets(stores.uses, organization(**usage), clock or HandClock())


def use(budgets: Budgets, person: str, output: int, model: str = "claude-haiku-5-5-20261001") -> None:
    budgets.record(person=person, purpose="understanding", model=model, cause="said:1", tokens=Tokens(output=output))


def test_a_model_costs_what_the_configuration_says_by_its_longest_name() -> None:
    rules = organization().usage
    price = price_of(rules, "claude-haiku-5-5-20261001")
    assert price is not None
    assert price.output == 5
    assert cost_of(price, Tokens(input=1000, output=100, cached=10_000, stored=100)) == 1000 + 500 + 1000 + 125
    assert price_of(rules, "claude-opus-5-5") is None
    plain = price_of(rules, "claude-haiku-5")
    assert plain is not None
    assert cost_of(plain, Tokens(cached=10, stored=10)) == 180


def test_a_budget_in_money_needs_prices() -> None:
    with pytest.raises(ValidationError, match="needs `prices:`"):
        Organization.model_validate({"usage": {"total_per_day": {"cost": 2}}})


def test_who_has_spent_theirs_is_refused_until_the_next_day(stores: SqlStores) -> None:
    clock = HandClock()
    by_tokens = budgets(stores, clock, person_per_day={"tokens": 1000})
    use(by_tokens, "sam", 999)
    assert by_tokens.refusal("sam", "understanding") is None
    use(by_tokens, "sam", 1)
    assert by_tokens.refusal("sam", "answers") == "sam's budget for Claude is spent for today (1,000 of 1,000 tokens)"
    assert by_tokens.refusal("ada", "answers") is None
    clock.advance(24 * 3600)
    assert by_tokens.refusal("sam", "answers") is None


def test_what_everybody_spends_counts_together(stores: SqlStores) -> None:
    by_cost = budgets(stores, total_per_day={"cost": 0.01})
    use(by_cost, "sam", 1000)
    assert by_cost.refusal("ada", "answers") is None
    use(by_cost, "ada", 1000)
    assert by_cost.refusal("ada", "answers") == "Today's budget for Claude is spent (0.01 of 0.01 USD)"


def test_without_budgets_nobody_is_refused_or_warned(stores: SqlStores) -> None:
    free = budgets(stores)
    use(free, "sam", 10**9)
    assert (free.refusal("sam", "answers"), free.warning("sam"), free.total()) == (None, "", None)


def test_one_is_told_at_four_fifths_once_a_day(stores: SqlStores) -> None:
    clock = HandClock()
    own = budgets(stores, clock, person_per_day={"tokens": 1000, "cost": 2})
    use(own, "sam", 799)
    assert own.warning("sam") == ""
    use(own, "sam", 1)
    assert own.warning("sam") == (
        "sam has used 80% of their budget for Claude today (800 of 1,000 tokens); "
        "once it is spent, the local recogniser reads alone."
    )
    assert own.warning("sam") == ""
    clock.advance(24 * 3600)
    use(own, "sam", 900)
    assert own.warning("sam").startswith("sam has used 90%")


def test_admins_are_told_of_everybodys_and_the_log_is(stores: SqlStores, caplog: pytest.LogCaptureFixture) -> None:
    shared = budgets(stores, total_per_day={"tokens": 1000})
    use(shared, "sam", 850)
    assert shared.warning("sam") == ""
    assert shared.warning("ada").startswith("85% of today's budget for Claude is used")
    assert shared.warning("ada") == ""
    assert caplog.messages == ["85% of today's budget for Claude is used (850 of 1,000 tokens)"]


def test_a_model_without_a_price_counts_by_its_tokens_alone(stores: SqlStores) -> None:
    both = budgets(stores, total_per_day={"tokens": 1000, "cost": 1})
    use(both, "sam", 900, model="claude-opus-5-5")
    level = both.total()
    assert level is not None
    assert level.says == "900 of 1,000 tokens"


@pytest.mark.parametrize(("output", "good"), [(100, True), (850, None), (1000, False)])
def test_the_doctor_says_how_far_it_is_used(stores: SqlStores, output: int, good: bool | None) -> None:
    shared = budgets(stores, total_per_day={"tokens": 1000})
    use(shared, "sam", output)
    found = of_today(shared, "USD")
    assert found.good is good
    assert f"1 answers, {output:,} tokens" in found.says
    assert f"{output / 1000:.0%} of the budget" in found.says


def test_usage_is_a_table(stores: SqlStores) -> None:
    clock = HandClock()
    free = budgets(stores, clock)
    use(free, "sam", 400_000)
    lines = table("person", stores.uses.summed("person", since=clock.now()), "EUR").splitlines()
    assert lines[1].split() == ["sam", "1", "0", "0", "400,000", "2.00", "EUR"]
    assert table("person", [], "EUR") == "Claude was not used.\n"
