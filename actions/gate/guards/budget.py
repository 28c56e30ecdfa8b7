"""How much one requester may have done at a time."""

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
        limits, name = case.organization.limits, case.request.requester.name
        if case.request.id:
            # In the worker the request is among those counted; what let it in at the desk need not be judged again.
            return Verdict(guard=self.name, rule="was within the limits of shipmate.yaml when it was asked for")
        lately = RequestQuery(
            requester=name,
            states=_TAKEN_IN,
            since=case.now - timedelta(minutes=1),
            limit=limits.changes_per_minute,
            changes=True,
        )
        if case.ledger.count(lately) >= limits.changes_per_minute:
            return self._refusal(f"{limits.changes_per_minute} changes a minute", "Wait a minute.")
        query = RequestQuery(requester=name, states=_OPEN, limit=limits.open_operations, changes=True)
        if case.ledger.count(query) >= limits.open_operations:
            return self._refusal(f"{limits.open_operations} operations at once", "Wait for one of them, or cancel it.")
        return Verdict(guard=self.name, rule="within the limits of shipmate.yaml")

    def _refusal(self, limit: str, remedy: str) -> Verdict:
        return Verdict(
            guard=self.name,
            rule=f"at most {limit} for one person",
            allowed=False,
            message=f"You have reached the limit of {limit}.",
            remedy=remedy,
        )
