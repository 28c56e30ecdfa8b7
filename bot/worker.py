"""The worker process: takes up requests and polls from RQ's queues.

One parent that opens nothing does the imports, builds the house, forks its children and keeps them alive. Quick reads, and
the moments in which a deployment is begun or looked after, are done in a child's own process; a fix, which is heavy and long,
is forked once more, so that one that hangs or dies takes nothing with it. docs/decisions/0002-workers.md says why.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType

from actions.core.ports.ledger import LEASE
from actions.core.request import Request
from bot import logs
from bot.assembly import build
from bot.house import House
from bot.keeping import Keeper
from bot.parentage import end_with
from bot.settings import Settings

log = logging.getLogger("shipmate.worker")

READS = ("query",)
CHANGES = ("poll", "deploy")
"""Polls come first: what is under way is looked after before more is begun."""
FIXES = ("remediate",)

_BEAT = LEASE.total_seconds() / 3
_SHORT_LIFE = 2.0
"""Seconds; a worker that lived no longer is started again only after as long."""
_house: House | None = None
_connected = 0
"""The process that has opened the house's connections, which no other may use."""


def run(settings: Settings) -> None:
    """Work until told to end."""
    prepare(settings)
    _keep_alive(
        {
            "reads": partial(_serve, settings, READS, forks=False),
            "changes": partial(_serve, settings, CHANGES, forks=False),
            "fixes": partial(_serve, settings, FIXES, forks=True),
        }
    )


def prepare(settings: Settings) -> None:
    """Import and build what every worker needs, before any is forked; nothing is connected."""
    global _house  # noqa: PLW0603 - RQ calls jobs by name, so what they need is the process's

    _preload(settings)
    _house = build(settings, heartbeat=Keeper(_renew, _BEAT, name="leases").keeping)
    # What was made so far stays; the collector, which writes to all that it looks at, would unshare it in each child.
    gc.collect()
    gc.freeze()


def perform(request_id: str) -> None:
    """RQ's job: take up a request."""
    with logs.about(request_id):
        house().gate.perform(request_id)


def poll(poller: str) -> None:
    """RQ's job: poll what is due of a connector."""
    from actions.gate.polling import poll_due  # noqa: PLC0415 - imported before the fork by _preload

    poll_due(house().gate, poller)


def house() -> House:
    """The house that was built before the fork, connected by this process at its first job."""
    global _connected  # noqa: PLW0603 - as above
    if _house is None:
        message = "a worker's job was called outside a worker"
        raise RuntimeError(message)
    if _connected != os.getpid():
        _house.kept.migrate()
        _connected = os.getpid()
    return _house


def _renew(requests: Sequence[Request]) -> None:
    """Renew the leases on requests that this process is at; one that has passed to another stays with that one."""
    found = house()
    for request in requests:
        found.kept.ledger.renew(request, until=found.clock.now() + LEASE)


def _preload(settings: Settings) -> None:
    """Import before forking what jobs need, so that no job waits for it and all children share it."""
    if settings.anthropic_api_key is not None:
        import anthropic  # noqa: F401, PLC0415 - for its side effect
    import gitlab  # noqa: F401, PLC0415 - for its side effect
    import rq  # noqa: F401, PLC0415 - as above

    import actions.verbs  # noqa: F401, PLC0415 - as above


def _serve(settings: Settings, queues: tuple[str, ...], *, forks: bool) -> None:
    from bot.stores.redis.client import open_client  # noqa: PLC0415 - imported before the fork by _preload
    from bot.stores.redis.jobs import worker  # noqa: PLC0415 - as above

    if forks:
        _read_ahead()
    client = open_client(settings.redis.get_secret_value())
    worker(client, queues, forks=forks).work(logging_level="WARNING")


def _read_ahead() -> None:
    """Read before forking for each fix what every diagnosis looks at: it costs more than the diagnosis itself."""
    import gitlab.v4.objects  # noqa: PLC0415 - by the one child that forks, and not by its siblings

    from actions.analysis.rules import rule_book  # noqa: PLC0415 - as above

    log.debug("%s and %d rules are read", gitlab.v4.objects.__name__, len(rule_book().rules))


def _keep_alive(bodies: dict[str, Callable[[], None]]) -> None:
    """Fork a child for each body, start those that end anew, and end them all when told to."""
    ending = False
    children: dict[int, str] = {}
    born: dict[str, float] = {}

    def end(_: int, __: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)

    def start(name: str) -> None:
        born[name] = time.monotonic()
        children[_fork(bodies[name])] = name

    for name in bodies:
        start(name)
    while children:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return
        name = children.pop(pid, "")
        if name and not ending:
            log.error("the worker for %s ended with status %s; it is started again", name, status)
            if time.monotonic() - born[name] < _SHORT_LIFE:
                # What ends at once, as without Redis, would keep a processor busy with being started.
                time.sleep(_SHORT_LIFE)
            if not ending:
                start(name)


def _fork(body: Callable[[], None]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with(parent)
    try:
        body()
    except BaseException:
        log.exception("a worker ended")
        os._exit(1)
    os._exit(0)
