"""Who may do what where."""

from __future__ import annotations

from actions.core.action import Need, Policy
from actions.core.organization import EnvironmentKind, Organization
from actions.core.people import TO_OUTSIDERS, Requester, Role, Standing
from actions.core.request import Request, Verdict
from actions.gate.case import Case, matches

BY_KIND = {
    EnvironmentKind.DEVELOPMENT: Role.DEVELOPER,
    EnvironmentKind.STAGING: Role.SENIOR_DEV,
    EnvironmentKind.PRODUCTION: Role.DEVOPS,
}
"""The lowest role that may change an environment, where the configuration has no rule for it."""


class PermissionGuard:
    """Lets through whom the configuration's rules, else the defaults, allow."""

    name = "permission"

    def judge(self, case: Case) -> Verdict:
        """Judge by the requester's roles."""
        verdict = may(case.policy, case.request, case.request.requester, case.roles, case.organization)
        if only_asks(case):
            return _yes(f"playbooks may ask to {_verb(case.policy)}; somebody who may do it has to approve")
        return verdict


def only_asks(case: Case) -> bool:
    """Whether a playbook asks for what it has no role for, so that a person who has has to approve."""
    if not (case.policy.playbooks_ask and case.request.requester.is_machine):
        return False
    return not may(case.policy, case.request, case.request.requester, case.roles, case.organization).allowed


def may(
    policy: Policy, request: Request, requester: Requester, roles: tuple[str, ...], organization: Organization
) -> Verdict:
    """Whether somebody may do what a request asks for, be they its requester or a possible approver.

    Args:
        policy: the verb's policy.
        request: what would be done where.
        requester: the one in question.
        roles: every role they hold.
        organization: the configuration.
    """
    if requester.standing is Standing.OUTSIDER:
        return _no("guests and people of other tenants may do nothing", TO_OUTSIDERS)
    for rule in organization.permissions:
        if matches(rule, policy, request):
            named = ", ".join((*rule.roles, *rule.people)) or "nobody"
            says = f"shipmate.yaml: {_what(policy, request)} is for {named}"
            if requester.name in rule.people or _reaches(organization, roles, rule.roles):
                return _yes(says)
            return _no(says, f"You are {_are(roles)}, and {_what(policy, request)} is for {named}.")
    if free := _free_of_roles(policy, requester):
        return _yes(free)
    match policy.needs:
        case Need.BY_ENVIRONMENT:
            # An environment that is not known is treated as the one that is owed the most care.
            kind = (
                organization.environment(request.environment).kind
                if request.environment
                else EnvironmentKind.PRODUCTION
            )
            needed, where = BY_KIND[kind], f" in a {kind.value} environment"
        case Role() as role:
            needed, where = role, ""
    says = f"{policy.name}{where} needs {needed.value} or above"
    if _reaches(organization, roles, (needed,)):
        return _yes(says)
    target = f" in {request.environment}" if request.environment else ""
    return _no(says, f"You are {_are(roles)}, and {_verb(policy)}{target} needs {needed.value} or above.")


def _free_of_roles(policy: Policy, requester: Requester) -> str:
    """By which rule this needs no role; empty where it does."""
    if policy.needs is Need.OWN_RULE:
        return f"{policy.name} decides by a rule of its own"
    if policy.for_playbooks and requester.is_machine:
        return f"playbooks may {_verb(policy)}: what it changes stands on a branch of its own"
    return ""


def _reaches(organization: Organization, roles: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether one of the roles is one of those wanted, or ranks at or above one; own roles count by what they are like."""
    if set(roles) & set(wanted):
        return True
    highest = max((organization.rank(role) for role in roles), default=-1)
    return any(0 <= organization.rank(want) <= highest for want in wanted if want in set(Role))


def _what(policy: Policy, request: Request) -> str:
    of = f" {request.service}" if request.service else ""
    where = f" in {request.environment}" if request.environment else ""
    return f"{_verb(policy)}{of}{where}"


def _verb(policy: Policy) -> str:
    return policy.name.replace("_", " ")


def _are(roles: tuple[str, ...]) -> str:
    return " and ".join(roles) if roles else "without a role"


def _yes(rule: str) -> Verdict:
    return Verdict(guard=PermissionGuard.name, rule=rule)


def _no(rule: str, message: str) -> Verdict:
    return Verdict(
        guard=PermissionGuard.name,
        rule=rule,
        allowed=False,
        message=message,
        remedy="Ask somebody who holds it, or an admin for a role; `whoami` shows yours.",
    )
