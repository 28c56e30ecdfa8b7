"""The kill switch: what is frozen is not changed."""

from __future__ import annotations

from actions.core.action import Risk
from actions.core.ports.ledger import Freeze
from actions.core.request import Origin, Verdict
from actions.gate.case import Case


class FreezeGuard:
    """Refuses changes that a freeze in force covers; reads go on, and decisions by anybody who is not frozen."""

    name = "freeze"

    def judge(self, case: Case) -> Verdict:
        """Judge by the freezes in force."""
        if case.policy.risk is Risk.READ:
            return Verdict(guard=self.name, rule="reads go on during a freeze")
        for freeze in case.freezes_in_force:
            # A freeze of a person, whose account may be somebody else's by now, stops their decisions too.
            if _covers(freeze, case) and (freeze.person is not None or not case.policy.control):
                return self._refusal(freeze)
        if case.policy.control:
            return Verdict(guard=self.name, rule="decisions go on during a freeze")
        return Verdict(guard=self.name, rule="nothing that this changes is frozen")

    def _refusal(self, freeze: Freeze) -> Verdict:
        scope = " ".join(filter(None, (freeze.verb, freeze.service, freeze.environment, freeze.person, freeze.only)))
        until = f" until {freeze.until:%Y-%m-%d %H:%M} UTC" if freeze.until else ""
        reason = f": {freeze.reason}" if freeze.reason else ""
        return Verdict(
            guard=self.name,
            rule=f"freeze {freeze.request} of {scope or 'everything'} by {freeze.by}",
            allowed=False,
            message=f"{freeze.by} froze {scope or 'everything'}{until}{reason}.",
            remedy="Wait, or ask a devops to thaw it.",
        )


def _covers(freeze: Freeze, case: Case) -> bool:
    request = case.request
    if freeze.only == "playbooks" and not request.requester.is_machine:
        return False
    if freeze.only == "model" and request.origin not in {Origin.MODEL, Origin.STATISTICAL}:
        return False
    # A change without a service or environment of its own is covered only by freezes that name none.
    return (
        freeze.service in {None, request.service}
        and freeze.environment in {None, request.environment}
        and freeze.verb in {None, request.action}
        and freeze.person in {None, request.requester.name, request.requester.on_behalf_of}
    )
