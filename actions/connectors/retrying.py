"""Calls an outside system again where that is safe, and words its failures for people."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import NoReturn, TypeVar

from actions.core.errors import NotFound, OutcomeUnknown, OutsideError, Rejected, Unreachable

T = TypeVar("T")

ATTEMPTS = 3
FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0
"""In seconds: what is asked to wait longer than this is told to come back later instead."""

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_FAULT = 401, 403, 404, 429, 500
_CONFLICTING_TIMEOUT = 408


class Safety(Enum):
    """What may be done when a call's answer does not arrive."""

    READ = auto()
    """The call only reads: try again."""
    REPEATABLE = auto()
    """The call writes, and doing it twice is doing it once: try again."""
    ONCE = auto()
    """The call may have had its effect: do not try again."""


@dataclass(frozen=True)
class Failure:
    """A call that did not succeed, in no vendor's terms.

    Attributes:
        message: what happened or what the system said.
        status: the HTTP status; 0 where there was no answer.
        sent: whether the request may have reached the system.
        retry_after: for how many seconds the system asked us to wait; None where it did not say.
    """

    message: str
    status: int = 0
    sent: bool = True
    retry_after: float | None = None

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed a moment later."""
        return self.status in {0, _CONFLICTING_TIMEOUT, _TOO_MANY} or self.status >= _SERVER_FAULT

    @property
    def lost(self) -> bool:
        """Whether it is unknown if the call had its effect."""
        return self.passing and self.sent and self.status != _TOO_MANY


@dataclass(frozen=True)
class Caller:
    """Makes calls to one system.

    Attributes:
        system: its name as people know it.
        address: where it is.
        token_variable: the environment variable of its token, for remedies.
        understand: turns a library's exception into a `Failure`; None for what is no failure of the system.
        sleep: waits for some seconds.
        jitter: returns a number from 0 to 1, so that many workers do not come back at the same moment.
    """

    system: str
    address: str
    token_variable: str
    understand: Callable[[Exception], Failure | None]
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def call(self, what: str, function: Callable[[], T], safety: Safety = Safety.READ) -> T:
        """Call `function`, again where that is safe, and return its result.

        Args:
            what: what is asked for, for the error, such as "the application checkout-staging".
            function: makes the request.
            safety: what may be done when no answer arrives.

        Raises:
            Unreachable: the system does not answer, and nothing was changed.
            OutcomeUnknown: a call that writes was sent and its answer was lost.
            NotFound: there is no such thing.
            Rejected: the system would not do it.
        """
        attempt = 1
        while True:
            try:
                return function()
            except Exception as error:
                failure = self.understand(error)
                if failure is None:
                    raise
                wait = self._wait(failure, attempt)
                if attempt == ATTEMPTS or wait is None or (failure.lost and safety is Safety.ONCE):
                    self._refuse(what, failure, safety, error)
            self.sleep(wait)
            attempt += 1

    def _wait(self, failure: Failure, attempt: int) -> float | None:
        if not failure.passing:
            return None
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= LONGEST_WAIT else None
        return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * (0.5 + self.jitter() / 2))

    def _refuse(self, what: str, failure: Failure, safety: Safety, cause: Exception) -> NoReturn:
        raise self._error(what, failure, safety) from cause

    def _error(self, what: str, failure: Failure, safety: Safety) -> OutsideError:
        system, said = self.system, failure.message.strip().rstrip(".")
        if failure.lost and safety is not Safety.READ:
            message = (
                f"{system} was asked for {what}, and its answer was lost ({said}). It may or may not have happened."
            )
            return OutcomeUnknown(system, message, remedy=f"Look in {system} before asking again.")
        if failure.status == _TOO_MANY:
            wait = f" for {failure.retry_after:.0f} s" if failure.retry_after is not None else ""
            return Unreachable(system, f"{system} asks us to wait{wait}; asked for {what}.", remedy="Try again then.")
        if failure.passing:
            detail = f"answers {failure.status}" if failure.status else f"does not answer at {self.address}"
            said = said.removeprefix(f"{failure.status} ")
            return Unreachable(
                system, f"{system} {detail} ({said}); asked for {what}.", remedy="Try again in a moment."
            )
        return self._answered(what, failure.status, said)

    def _answered(self, what: str, status: int, said: str) -> Rejected:
        system = self.system
        if status == _UNAUTHORIZED:
            remedy = f"Put a valid token into {self.token_variable} and restart Shipmate."
            return Rejected(system, f"{system} does not accept Shipmate's token ({said}).", remedy=remedy)
        if status == _FORBIDDEN:
            remedy = f"Give the account of {self.token_variable} that permission in {system}."
            return Rejected(system, f"{system} does not permit {what} ({said}).", remedy=remedy)
        if status == _NOT_FOUND:
            remedy = f"Check the name in shipmate.yaml, and that Shipmate's account may see it in {system}."
            return NotFound(system, f"{system} has no {what.removeprefix('the ')} ({said}).", remedy=remedy)
        return Rejected(system, f"{system} refused {what}: {said}.")
