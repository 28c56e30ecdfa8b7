"""Does again what Slack failed to do and what is on no record: answers that are no card, whispers, App Home."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions.core.ports.surroundings import Clock, Ids
from bot.surfaces.slack.agenda import Agenda
from bot.surfaces.slack.client import Down, Limited, Locked, SlackFailed

log = logging.getLogger("shipmate.slack")

PAUSES = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds to wait after Slack failed once, twice, ..."""
GIVE_UP = timedelta(minutes=15)
"""After that nobody waits for an answer any more."""

Errand = Callable[[bool], object]
"""Does it, and raises `SlackFailed` where Slack does not; it is told whether it was tried before."""


@dataclass
class _Owed:
    name: str
    what: str
    do: Errand
    since: datetime
    failures: int = 0


class Again:
    """Does errands at once, and those for which Slack had no ear again later.

    What still waits is lost with the process. The cards of requests are on record and are drawn again whatever happens.

    Args:
        clock: the time.
        ids: names for errands.
    """

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self.agenda: Agenda[_Owed] = Agenda(clock, self._try, name_of=lambda owed: owed.name)

    def __call__(self, what: str, do: Errand) -> None:
        """Do something, now or when Slack lets it be done.

        Args:
            what: says in the log what it is.
            do: does it.
        """
        self._try(_Owed(name=self._ids.new(), what=what, do=do, since=self._clock.now()))

    def _try(self, owed: _Owed) -> None:
        try:
            owed.do(owed.failures > 0)
        except (Limited, Down, Locked) as error:
            now = self._clock.now()
            pause = pause_after(error, owed.failures)
            owed.failures += 1
            if now - owed.since > GIVE_UP:
                log.error("%s is given up: %s", owed.what, error)  # noqa: TRY400 - told in one line
                return
            log.warning("%s waits %.0f s: %s", owed.what, pause, error)
            self.agenda.add(owed, now + timedelta(seconds=pause))
        except SlackFailed as error:
            log.error("%s was not delivered: %s", owed.what, error)  # noqa: TRY400 - told in one line


def pause_after(error: SlackFailed, failures: int) -> float:
    """Seconds to wait before Slack is asked again.

    Args:
        error: how it failed.
        failures: how often in a row it had failed before.
    """
    return error.after if isinstance(error, Limited) else PAUSES[min(failures, len(PAUSES) - 1)]
