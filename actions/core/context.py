"""What an action is handed when it plans, runs or presents: the request, the organization and its tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from actions.core.errors import NotConnected
from actions.core.organization import Organization
from actions.core.people import Requester
from actions.core.request import Request

P = TypeVar("P")


@dataclass(frozen=True)
class Tools:
    """The organization and the ports that the assembly connected.

    Attributes:
        organization: the configuration.
        ports: port (a Protocol of `actions.core.ports`, or a plug-in's own) → what stands behind it.
    """

    organization: Organization
    ports: Mapping[type[Any], Any]

    def use(self, port: type[P]) -> P:
        """What stands behind a port.

        Raises:
            NotConnected: nothing does; the message names what is to be configured.
        """
        found = self.ports.get(port)
        if found is None:
            raise NotConnected(
                f"Nothing is connected that could serve as {port.__name__}.",
                remedy="`shipmate check` says which settings connect it.",
            )
        return cast("P", found)


@dataclass(frozen=True)
class Context(Tools):
    """The tools, for one request.

    Attributes:
        request: the request being planned, done or presented.
        now: the time, in UTC.
    """

    request: Request
    now: datetime

    @property
    def requester(self) -> Requester:
        """Who asks."""
        return self.request.requester
