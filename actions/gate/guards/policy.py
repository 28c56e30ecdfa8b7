"""The organization's own conditions on changes."""

from __future__ import annotations

from actions.core.request import Verdict
from actions.gate.case import Case, matches


class PolicyGuard:
    """Refuses a change that does not meet a rule under `policies:`."""

    name = "policy"

    def judge(self, case: Case) -> Verdict:
        """Judge by every rule that is about this change."""
        version = case.request.parameters.get("version")
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
