"""How much one requester may have done at a time.

A playbook or another machine acts for many teams under one name, so it is counted by service: one team's bad day neither
silences it for the others nor lets it run away with what it does to one service.
"""

from __future__ import annotations

from datetime import timedelta

from actions.core.action import Risk
from actions.core.ports.ledger import RequestQuery
from actions.core.request import State, Verdict
from actions.gate.case import Case

_OPEN = tuple(state for state in State if state.holds_lock)
_TAKEN_IN = tuple(state for state in State if state is not State.REFUSED)


class BudgetGuard:
    """Refuses changes beyond the limits of the configuration; decisions and reads are not counted."""

    name = "budget"

    def judge(self, case: Case) -> Verdict:
        """Judge by what the requester asked for in the last minute and has under way."""
        if case.policy.risk is Risk.READ or case.policy.control:
            return Verdict(guard=self.name, rule="reads and decisions are not limited")
        limits, requester = case.organization.limits, case.request.requester
        service = case.request.service if requester.is_machine else None
        if case.request.id:
            # In the worker the request is among those counted; what let it in at the desk need not be judged again.
            return Verdict(guard=self.name, rule="was within the limits of shipmate.yaml when it was asked for")
        lately = RequestQuery(
            requester=requester.name,
            service=service,
            states=_TAKEN_IN,
            since=case.now - timedelta(minutes=1),
            limit=limits.changes_per_minute,
            changes=True,
        )
        if case.ledger.count(lately) >= limits.changes_per_minute:
            return self._refusal(f"{limits.changes_per_minute} changes a minute", "Wait a minute.", service)
        query = RequestQuery(
            requester=requester.name, service=service, states=_OPEN, limit=limits.open_operations, changes=True
        )
        if case.ledger.count(query) >= limits.open_operations:
            limit = f"{limits.open_operations} operations at once"
            return self._refusal(limit, "Wait for one of them, or cancel it.", service)
        return Verdict(guard=self.name, rule="within the limits of shipmate.yaml")

    def _refusal(self, limit: str, remedy: str, service: str | None) -> Verdict:
        whom = f"one machine and {service}" if service else "one person"
        return Verdict(
            guard=self.name,
            rule=f"at most {limit} for {whom}",
            allowed=False,
            message=f"The limit of {limit} for {whom} is reached."
            if service
            else f"You have reached the limit of {limit}.",
            remedy=remedy,
        )
