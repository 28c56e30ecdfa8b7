"""Port to the playbooks themselves, for people who start one by hand or decide how far it may go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from actions.core.people import Requester
from actions.core.places import Place
from actions.core.request import Request


class Playbooks(Protocol):
    """The playbooks of the library and of the organization."""

    def names(self) -> Sequence[str]:
        """Every playbook's name."""

    def by_hand(self) -> Sequence[str]:
        """The names of those that people start."""

    def run(
        self, name: str, *, by: Requester, place: Place, cause: str, service: str | None, environment: str | None
    ) -> Request | None:
        """Begin a run on a person's behalf, once for its cause.

        Returns:
            The request of the first step; None where every step was passed over.
        """
