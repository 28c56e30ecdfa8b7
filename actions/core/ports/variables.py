"""Ports to the CI/CD variables of a project, whose values only pass through, and to the page on which a person gives one."""

from __future__ import annotations

from typing import Protocol


class Variables(Protocol):
    """The CI/CD variables of projects."""

    def exists(self, project: str, name: str) -> bool:
        """Whether a variable of that name is set."""

    def create(self, project: str, name: str, value: str) -> None:
        """Set a variable that is not set yet, masked; its value is kept and told nowhere else.

        Raises:
            Rejected: it is set already, or its value is of a kind that cannot be masked.
        """


class ValuePages(Protocol):
    """The pages of Shipmate's own on which a person gives a value."""

    def address(self, request_id: str, token: str) -> str:
        """Where the page for a request is."""

    def token(self) -> str:
        """A fresh token that nobody can guess."""
