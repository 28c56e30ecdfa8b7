"""The guards, in the order in which every request passes them."""

from __future__ import annotations

from actions.gate.case import Guard
from actions.gate.guards.budget import BudgetGuard
from actions.gate.guards.freeze import FreezeGuard
from actions.gate.guards.lock import LockGuard
from actions.gate.guards.permission import PermissionGuard
from actions.gate.guards.policy import PolicyGuard
from actions.gate.guards.second_person import SecondPersonGuard

GUARDS: tuple[Guard, ...] = (
    PermissionGuard(),
    FreezeGuard(),
    PolicyGuard(),
    BudgetGuard(),
    LockGuard(),
    SecondPersonGuard(),
)
