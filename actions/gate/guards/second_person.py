"""Where somebody else has to agree."""

from __future__ import annotations

from datetime import timedelta

from actions.core.action import Need
from actions.core.organization import EnvironmentKind
from actions.core.request import Verdict
from actions.gate.case import Case, matches
from actions.gate.guards.permission import only_asks

DEFAULT_WAIT = timedelta(minutes=15)
"""How long a request waits for approval where the configuration does not say."""
PLAYBOOKS_WAIT = timedelta(days=1)
"""How long one of a playbook does: nobody sits waiting for it."""


class SecondPersonGuard:
    """Never refuses; says how many others must approve, and who may."""

    name = "second person"

    def judge(self, case: Case) -> Verdict:
        """Judge by the first rule under `approvals:` that matches, by the environment's kind, and by what the plan found."""
        verdict = self._by_rules(case)
        why = _owed(case)
        if not why or verdict.approvals:
            return verdict
        return Verdict(guard=self.name, rule=why, approvals=1, wait_seconds=int(_wait(case).total_seconds()))

    def _by_rules(self, case: Case) -> Verdict:
        request = case.request
        for rule in case.organization.approvals:
            if matches(rule, case.policy, request):
                return Verdict(
                    guard=self.name,
                    rule=f"shipmate.yaml: {case.policy.name} here needs {rule.count} approval(s)",
                    approvals=rule.count,
                    approver_roles=rule.roles,
                    wait_seconds=int(rule.within.total_seconds()),
                )
        if case.policy.needs is Need.BY_ENVIRONMENT:
            # An environment that is not known is treated as the one that is owed the most care.
            name = request.environment
            kind = case.organization.environment(name).kind if name else EnvironmentKind.PRODUCTION
            if kind is EnvironmentKind.PRODUCTION:
                kind_of = "" if name == kind else f" ({kind})"
                where = f"{name}{kind_of}" if name else "an environment that is not named"
                return Verdict(
                    guard=self.name,
                    rule=f"a change in {where} needs a second person who may make it",
                    approvals=1,
                    wait_seconds=int(DEFAULT_WAIT.total_seconds()),
                )
        return Verdict(guard=self.name, rule="needs no second person")


def _owed(case: Case) -> str:
    """Why a second person is owed whatever the rules say; empty where none is."""
    if case.request.plan is not None and case.request.plan.second_person:
        return case.request.plan.second_person
    return "a playbook without the role for it needs the approval of somebody who has it" if only_asks(case) else ""


def _wait(case: Case) -> timedelta:
    return PLAYBOOKS_WAIT if case.request.requester.is_machine else DEFAULT_WAIT
