"""Who asks: people with roles, and what acts on somebody's behalf."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Role(StrEnum):
    """The built-in roles, each holding what those before it hold."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    SENIOR_DEV = "senior_dev"
    DEVOPS = "devops"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place in the order from viewer (0) to admin (4)."""
        return list(Role).index(self)


TO_OUTSIDERS = "You are a guest here, and guests may do nothing."
"""What somebody is told who may not even look."""


class Standing(StrEnum):
    """How a door knows the one who asks."""

    KNOWN = "known"
    """Named in the configuration."""
    STRANGER = "stranger"
    """In our workspace, but not in the configuration: a viewer."""
    OUTSIDER = "outsider"
    """A guest of a shared channel or of another tenant: nothing at all."""
    MACHINE = "machine"
    """A playbook or rule, with roles of its own from the configuration."""


class Requester(BaseModel):
    """The one who asks, as a door established it; never taken from what was said.

    Attributes:
        name: the person's name in the configuration, `playbook:<name>` for a machine, else the door's name for them.
        standing: how the door knows them.
        roles: role names that the door could establish beyond the configuration, such as those by Slack user group.
        on_behalf_of: the person a machine acts for.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    standing: Standing = Standing.KNOWN
    roles: frozenset[str] = frozenset()
    on_behalf_of: str | None = None

    @property
    def is_machine(self) -> bool:
        """Whether a playbook or rule asks, and not a person."""
        return self.standing is Standing.MACHINE
