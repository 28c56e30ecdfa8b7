"""Which roles somebody holds now, and who else may decide about a request."""

from __future__ import annotations

from datetime import datetime

from actions.core.catalog import Catalog
from actions.core.organization import Organization
from actions.core.people import Requester, Role, Standing
from actions.core.ports.ledger import Grants
from actions.core.request import Request, Verdict
from actions.gate.guards.permission import may


def roles_of(requester: Requester, organization: Organization, grants: Grants, now: datetime) -> tuple[str, ...]:
    """Every role that somebody holds now, highest first: by the configuration, by the door and by grants.

    An outsider holds none, whatever the door says; a machine holds only those that the configuration gives it.
    """
    if requester.standing is Standing.OUTSIDER:
        return ()
    if requester.standing is Standing.MACHINE:
        short = requester.name.removeprefix("playbook:")
        machine = organization.machines.get(requester.name) or organization.machines.get(short)
        held = set(machine.roles) if machine else set()
    else:
        person = organization.person(requester.name) if requester.standing is Standing.KNOWN else None
        held = {Role.VIEWER.value, *requester.roles}
        if person is not None:
            held |= {*person.roles, *(grant.role for grant in grants.of(person.name, now=now))}
    if len(held) > 1:
        held.discard(Role.VIEWER.value)
    return tuple(sorted(map(str, held), key=lambda role: (-organization.rank(role), role)))


def asked_by(request: Request, name: str) -> bool:
    """Whether somebody asked for a request, themselves or through a machine."""
    return name in {request.requester.name, request.requester.on_behalf_of}


def confirmers(request: Request, organization: Organization) -> tuple[str, ...]:
    """The people who confirm a request by name: who asked; of what a machine asks, for whom it does, person or team."""
    behalf = request.requester.on_behalf_of
    if not request.requester.is_machine:
        return (request.requester.name,)
    if behalf is None:
        return ()
    return organization.members(behalf) if organization.person(behalf) is None else (behalf,)


def approval_verdict(request: Request) -> Verdict | None:
    """The verdict that made a request wait for others; None where none did."""
    return next((v for v in request.verdicts if v.approvals), None)


def may_approve(
    request: Request, by: Requester, roles: tuple[str, ...], catalog: Catalog, organization: Organization
) -> Verdict:
    """Whether somebody may approve a request, and by which rule."""
    if (own := _own(request, by)) is not None:
        return own
    if by.standing is not Standing.KNOWN:
        return Verdict(
            guard="second person",
            rule="only people named in shipmate.yaml approve",
            allowed=False,
            message="I do not know you, so you cannot approve.",
            remedy="An admin can add you under `people:` in shipmate.yaml.",
        )
    if request.action not in catalog:
        return Verdict(
            guard="second person",
            rule="what is no longer known is not approved",
            allowed=False,
            message=f"This Shipmate does not know the verb {request.action} any more, so {request.id} cannot be done.",
            remedy="Cancel it, or leave it to expire.",
        )
    wanted = approval_verdict(request)
    if wanted is not None and wanted.approver_roles:
        return _by_roles(request, roles, wanted.approver_roles, organization)
    verdict = may(catalog[request.action].policy, request, by, roles, organization)
    if verdict.allowed:
        return verdict
    return verdict.model_copy(update={"message": f"You may not approve {request.id}: {verdict.message}"})


def _own(request: Request, by: Requester) -> Verdict | None:
    """The refusal where somebody would approve what they asked for, or what is about their own doing."""
    if asked_by(request, by.name):
        return Verdict(
            guard="second person",
            rule="nobody approves their own request",
            allowed=False,
            message=f"{request.id} is your own request, and nobody approves their own.",
            remedy="Ask somebody else who may.",
        )
    if request.plan is not None and by.name in request.plan.barred:
        return Verdict(
            guard="second person",
            rule="nobody approves what is about their own doing",
            allowed=False,
            message=f"{request.id} is about a commit of your own, so somebody else has to look at it.",
            remedy="Ask a colleague who may.",
        )
    return None


def _by_roles(request: Request, roles: tuple[str, ...], wanted: tuple[str, ...], organization: Organization) -> Verdict:
    named = " or ".join(wanted)
    highest = max((organization.rank(role) for role in roles), default=-1)
    if set(roles) & set(wanted) or any(0 <= organization.rank(role) <= highest for role in wanted):
        return Verdict(guard="second person", rule=f"{named} approve this")
    return Verdict(
        guard="second person",
        rule=f"{named} approve this",
        allowed=False,
        message=f"Approving {request.id} is for {named}, and you are {', '.join(roles)}.",
        remedy="Ask one of them.",
    )


def approved_by(
    request: Request, catalog: Catalog, organization: Organization, grants: Grants, now: datetime
) -> tuple[str, ...]:
    """Who has approved a request's present plan, once each, and may still: an approval ends with the role that gave it."""
    found: dict[str, None] = {}
    for decision in request.decisions:
        if not decision.approved or decision.seal != request.seal:
            continue
        person = Requester(name=decision.person, roles=frozenset(decision.roles))
        roles = roles_of(person, organization, grants, now)
        if may_approve(request, person, roles, catalog, organization).allowed:
            found[decision.person] = None
    return tuple(found)


def approvers(
    request: Request, catalog: Catalog, organization: Organization, grants: Grants, now: datetime
) -> tuple[str, ...]:
    """The people of the configuration who may approve a request now, in its order."""
    found = []
    for person in organization.people:
        candidate = Requester(name=person.name)
        roles = roles_of(candidate, organization, grants, now)
        if may_approve(request, candidate, roles, catalog, organization).allowed:
            found.append(person.name)
    return tuple(found)
