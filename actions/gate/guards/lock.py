"""One operation at a time on a service in an environment."""

from __future__ import annotations

from actions.core.ports.ledger import LockHeld, RequestQuery
from actions.core.request import State, Verdict
from actions.gate.case import Case

_OPEN = tuple(state for state in State if state.holds_lock)


class LockGuard:
    """Refuses a second operation early and with a name; the ledger's unique index decides races."""

    name = "lock"

    def judge(self, case: Case) -> Verdict:
        """Judge by the operations that are under way there."""
        request = case.request
        if not request.takes_lock:
            return Verdict(guard=self.name, rule="needs no lock")
        query = RequestQuery(states=_OPEN, service=request.service, environment=request.environment, limit=5)
        for other in case.ledger.find(query):
            if other.takes_lock and other.id != request.id:
                return held(LockHeld(other))
        return Verdict(guard=self.name, rule=f"nothing else is under way on {request.service} in {request.environment}")


def held(found: LockHeld) -> Verdict:
    """The refusal that names who holds the lock."""
    return Verdict(
        guard=LockGuard.name,
        rule=f"one operation at a time on {found.holder.service} in {found.holder.environment}",
        allowed=False,
        message=found.message,
        remedy=found.remedy,
    )
