"""Does beside the work what whoever waits for an answer need not wait for: pushing a job, telling the bus, remembering."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Thread, local

log = logging.getLogger("shipmate.aside")

Errand = Callable[[], None]


class Aside:
    """Each thread that asks for it has a second one, which does its errands in their order.

    While the first waits for the outside, as for Slack to take a card, the second is at it. What must not be lost is in
    the ledger already: a process that ends in between loses nothing that a sweep would not find.
    """

    def __init__(self) -> None:
        self._mine = local()

    def __call__(self, errand: Errand) -> None:
        """Have an errand done: beside the work within `with aside.open()`, at once elsewhere."""
        if not getattr(self._mine, "open", False):
            errand()
            return
        if not hasattr(self._mine, "errands"):
            self._mine.errands = SimpleQueue()
            Thread(target=_run, args=(self._mine.errands,), name="aside", daemon=True).start()
        self._mine.under_way = True
        self._mine.errands.put(errand)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have errands done beside what happens within; all of them are done at its end."""
        mine = self._mine
        mine.open, mine.under_way = True, False
        try:
            yield
        finally:
            mine.open = False
            if mine.under_way:
                done = Event()
                mine.errands.put(done.set)
                done.wait()


def _run(errands: SimpleQueue[Errand]) -> None:
    while True:
        errand = errands.get()
        try:
            errand()
        except Exception:
            log.exception("an errand failed")
