"""Failures that a person may be told of, told apart by who has to act on them."""

from __future__ import annotations


class ShipmateError(Exception):
    """A failure with a sentence for a person and a remedy.

    Args:
        message: what was found and what is allowed, in one or two sentences.
        remedy: what to do next, in one sentence; empty where there is nothing to do.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Refused(ShipmateError):
    """What was asked cannot be done as asked; nothing was changed."""


class NotConnected(Refused):
    """The configuration has no connection for what was asked; the message names the missing key."""


class OutsideError(ShipmateError):
    """An outside system failed; not "no data", and not a fault in Shipmate.

    Args:
        system: the system's name as people know it, such as "GitLab".
        message: what happened, without secrets.
        remedy: what to do next.
    """

    def __init__(self, system: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.system = system


class Unreachable(OutsideError):
    """The system did not answer, or not in time, or asked us to come back later; trying again may help."""


class OutcomeUnknown(Unreachable):
    """A write was sent and its answer was lost: it may or may not have happened."""


class Rejected(OutsideError):
    """The system answered and would not do it: a permission, a conflict or a rule of its own."""


class NotFound(Rejected):
    """The system answered that it does not have the thing."""
