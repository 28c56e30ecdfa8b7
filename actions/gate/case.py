"""What the guards judge: a request, who asks with which roles, and what the ledger knows of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from actions.core.action import Action, Need, Policy
from actions.core.organization import ApprovalRule, Organization, PermissionRule, PolicyRule
from actions.core.ports.ledger import Freeze, Freezes, Ledger
from actions.core.request import Request, Verdict


@dataclass(frozen=True)
class Case:
    """One request before the guards.

    Attributes:
        request: the request; at the desk it has no id yet.
        action: its validated action.
        roles: every role the requester holds now.
        organization: the configuration.
        ledger: to ask what else is under way.
        freezes: to ask what is frozen.
        now: the time.
    """

    request: Request
    action: Action[Any]
    roles: tuple[str, ...]
    organization: Organization
    ledger: Ledger
    freezes: Freezes
    now: datetime

    @property
    def policy(self) -> Policy:
        """The verb's policy."""
        return self.action.policy

    @cached_property
    def freezes_in_force(self) -> Sequence[Freeze]:
        """The freezes in force now."""
        return self.freezes.in_force(self.now)


class Guard(Protocol):
    """Decides one thing about a request, without network: what it needs of the outside is in the plan."""

    name: str

    def judge(self, case: Case) -> Verdict:
        """Whether the request may go on, and by which rule."""


def matches(rule: PermissionRule | ApprovalRule | PolicyRule, policy: Policy, request: Request) -> bool:
    """Whether a configured rule is about this request; what the rule leaves out matches anything that it may be about."""
    if rule.actions:
        if policy.name not in rule.actions:
            return False
    elif policy.needs is not Need.BY_ENVIRONMENT:
        return False
    return (not rule.environments or request.environment in rule.environments) and (
        not rule.services or request.service in rule.services
    )
