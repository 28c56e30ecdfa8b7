"""What Claude may cost a person and everybody a day: prices, budgets, and who is told when they run low."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

from actions.core.organization import Budget, ModelPrice, Organization, UsageRules
from actions.core.people import Role
from actions.core.ports.language import Tokens
from actions.core.ports.surroundings import Clock
from actions.core.ports.usage import Spent, Use, Uses

log = logging.getLogger("shipmate.usage")

WARN_AT = 0.8
"""The share of a budget from which on people are told."""
_PERSON, _TOTAL = "person", "total"


class Level(NamedTuple):
    """How far a budget is used.

    Attributes:
        share: 1 is all of it.
        says: the same in words, such as "1.66 of 2 USD".
    """

    share: float
    says: str


class Budgets:
    """Counts what language models are used for, by the organization's prices and budgets.

    Args:
        uses: where uses are recorded.
        organization: the prices, the budgets, and who is an admin.
        clock: the time; a day begins at midnight UTC.
    """

    def __init__(self, uses: Uses, organization: Organization, clock: Clock) -> None:
        self._uses = uses
        self._organization = organization
        self._rules = organization.usage
        self._clock = clock

    def refusal(self, person: str, purpose: str) -> str | None:
        """Why a person's question may not be asked now; None where it may."""
        del purpose
        own = self._own(person)
        if own is not None and own.share >= 1:
            return f"{person}'s budget for Claude is spent for today ({own.says})"
        everybody = self.total()
        if everybody is not None and everybody.share >= 1:
            return f"Today's budget for Claude is spent ({everybody.says})"
        return None

    def record(self, *, person: str, purpose: str, model: str, cause: str, tokens: Tokens) -> None:
        """Count an answer."""
        price = price_of(self._rules, model)
        use = Use(
            at=self._clock.now(),
            person=person,
            purpose=purpose,
            model=model,
            cause=cause,
            tokens=tokens,
            cost=None if price is None else cost_of(price, tokens),
        )
        self._uses.add(use)

    def warning(self, person: str) -> str:
        """What this person should be told of the budgets, once a day; empty where nothing is to be told."""
        return " ".join(self._warnings(person))

    def total(self) -> Level | None:
        """How far today's budget for everybody is used; None where there is none."""
        rules = self._rules.total_per_day
        return _level(rules, self.today(), self._rules) if _is_set(rules) else None

    def today(self) -> Spent:
        """What everybody has used today."""
        return self._uses.spent(self._clock.now().date())

    def _own(self, person: str) -> Level | None:
        rules = self._rules.person_per_day
        if not _is_set(rules):
            return None
        return _level(rules, self._uses.spent(self._clock.now().date(), person), self._rules)

    def _warnings(self, person: str) -> Iterator[str]:
        today = self._clock.now().date()
        own = self._own(person)
        if own is not None and own.share >= WARN_AT and self._uses.claim(today, person, _PERSON):
            yield (
                f"{person} has used {own.share:.0%} of their budget for Claude today ({own.says}); "
                "once it is spent, the local recogniser reads alone."
            )
        everybody = self.total()
        if everybody is None or everybody.share < WARN_AT:
            return
        says = f"{everybody.share:.0%} of today's budget for Claude is used ({everybody.says})"
        if self._uses.claim(today, "", _TOTAL):
            log.warning("%s", says)
        if self._is_admin(person) and self._uses.claim(today, person, _TOTAL):
            yield f"{says}; once it is spent, the local recogniser reads alone."

    def _is_admin(self, person: str) -> bool:
        known = self._organization.person(person)
        return known is not None and any(self._organization.rank(role) >= Role.ADMIN.rank for role in known.roles)


def price_of(rules: UsageRules, model: str) -> ModelPrice | None:
    """The price of a model, whose name may go on with the date of its version."""
    named = [name for name in rules.prices if model == name or model.startswith(f"{name}-")]
    return rules.prices[max(named, key=len)] if named else None


def cost_of(price: ModelPrice, tokens: Tokens) -> int:
    """What an answer costs, in millionths: prices are for a million tokens."""
    cached = price.input if price.cached is None else price.cached
    stored = price.input if price.stored is None else price.stored
    return round(
        tokens.input * price.input + tokens.output * price.output + tokens.cached * cached + tokens.stored * stored
    )


def money(millionths: int, currency: str) -> str:
    """A cost for people."""
    return f"{millionths / 1e6:.2f} {currency}"


def _is_set(budget: Budget) -> bool:
    return budget.cost is not None or budget.tokens is not None


def _level(budget: Budget, spent: Spent, rules: UsageRules) -> Level:
    """How far a budget is used, by the one of its limits that is nearer."""
    levels = []
    if budget.cost is not None:
        says = f"{spent.cost / 1e6:.2f} of {budget.cost:g} {rules.currency}"
        levels.append(Level(spent.cost / (budget.cost * 1e6), says))
    if budget.tokens is not None:
        says = f"{spent.tokens.total:,} of {budget.tokens:,} tokens"
        levels.append(Level(spent.tokens.total / budget.tokens, says))
    return max(levels, key=lambda level: level.share)
