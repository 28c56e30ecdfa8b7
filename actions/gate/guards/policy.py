"""The organization's own conditions on changes."""

from __future__ import annotations

from pydantic import JsonValue

from actions.core.request import Request, Verdict
from actions.gate.case import Case, matches


class PolicyGuard:
    """Refuses a change that does not meet a rule under `policies:`."""

    name = "policy"

    def judge(self, case: Case) -> Verdict:
        """Judge by every rule that is about this change."""
        version = _version(case.request)
        for rule in case.organization.policies:
            if not isinstance(version, str) or not matches(rule, case.policy, case.request):
                continue
            if not rule.versions.fullmatch(version):
                return Verdict(
                    guard=self.name,
                    rule=f"policy “{rule.name}”",
                    allowed=False,
                    message=rule.message or f"The policy “{rule.name}” does not allow version {version} here.",
                    remedy=f"It allows versions of the form {rule.versions.pattern}.",
                )
        return Verdict(guard=self.name, rule="no policy stands against it")


def _version(request: Request) -> JsonValue:
    """The version that would be brought: the one that was asked for, else the one that the plan found."""
    asked = request.parameters.get("version")
    return request.plan.target_state.get("to") if asked is None and request.plan is not None else asked
