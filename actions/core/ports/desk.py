"""The port by which verbs such as approve and cancel reach the requests of others; the gate stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from actions.core.people import Requester
from actions.core.places import Place
from actions.core.request import Request


class Desk(Protocol):
    """What people may do to requests. Each raises `Refused` where they may not, and says why."""

    def approve(self, request_id: str, by: Requester) -> Request:
        """Count a person's approval; the last one needed sends the request on."""

    def deny(self, request_id: str, by: Requester, reason: str) -> Request:
        """End a request that waits for approval."""

    def may_deny(self, request_id: str, by: Requester) -> Request:
        """The request, if this person may deny it as it stands; nothing is done."""

    def confirm(self, request_id: str, by: Requester) -> Request:
        """The one who asked confirms what a model read."""

    def cancel(self, request_id: str, by: Requester) -> Request:
        """End a request that waits, or begin to undo one that is under way."""

    def awaiting(self, by: Requester) -> Sequence[Request]:
        """The requests that wait for approval and that this person may approve, oldest first."""

    def roles_of(self, requester: Requester) -> tuple[str, ...]:
        """Every role they hold now: by the configuration, the door and grants."""

    def referred(self, place: Place, by: Requester, *, waiting: bool) -> Request | None:
        """The request that "it" means in this thread: the newest one there that waits for people, or is under way."""
