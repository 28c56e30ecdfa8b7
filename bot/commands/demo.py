"""`shipmate demo`: a sandbox company, all processes and a chat, which end together."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from actions.core.errors import Refused, ShipmateError
from bot import home, instance
from bot.commands.up import log_file, supervise
from bot.settings import Settings

_PATIENCE = 60.0
"""How long everything may take to start, in seconds; on a quiet machine it is a second or two."""
_STEP = 0.02
_LINES = 15


class DidNotStart(Refused):
    """The processes did not come up."""

    def __init__(self, log: Path, since: int) -> None:
        with suppress(OSError):
            written = log.read_bytes()[since:].decode(errors="replace")
            sys.stderr.write("".join(written.splitlines(keepends=True)[-_LINES:]))
        super().__init__("Shipmate did not start.", remedy=f"The last lines of {log} stand above.")


class OwnSystems(Refused):
    """The Shipmate that runs here is not a sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"The Shipmate on this state directory ({url}) works on your own systems, not on a sandbox.",
            remedy="Talk to it with `shipmate chat`, or choose another SHIPMATE_STATE_DIR for the demo.",
        )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Start everything, talk, and end everything that was started."""
    here = instance.running(settings.state_dir)
    if here is not None and not here.sandbox:
        raise OwnSystems(here.url)
    if here is not None:
        return _talk(arguments, settings)
    # A demo must never come near the stores of one's own Shipmate, whatever the environment names.
    settings = settings.changed(database_url=None, redis_url=None)
    if "port" not in settings.given:
        settings = settings.changed(port=0)
    log = log_file(settings)
    since = log.stat().st_size if log.exists() else 0
    home.make(settings.state_dir)
    with _everything(settings) as supervisor:
        if not _ready(settings, supervisor):
            raise DidNotStart(log, since)
        return _talk(arguments, settings)


def _talk(arguments: argparse.Namespace, settings: Settings) -> int:
    # Imported while the processes start.
    from bot.commands import talk  # noqa: PLC0415

    # The chat is with the sandbox that was just started, whatever the environment says of another Shipmate.
    settings = settings.changed(url=None, token=None)
    talking, client = talk.connect(settings, arguments.person or "")
    try:
        return talk.run(talking, settings, as_json=arguments.json)
    finally:
        client.close()


@contextmanager
def _everything(settings: Settings) -> Iterator[int]:
    """The supervisor as a process of its own, which ends when this one does, however that comes about."""
    theirs, ours = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    supervisor = os.fork()
    if supervisor == 0:
        os.close(ours)
        _supervise(settings, theirs)
    os.close(theirs)
    try:
        yield supervisor
    finally:
        os.close(ours)
        with suppress(ChildProcessError):
            os.waitpid(supervisor, 0)


def _supervise(settings: Settings, until_closed: int) -> NoReturn:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        log = os.open(log_file(settings), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        code = supervise(settings, sandbox=True, until_closed=until_closed)
    except ShipmateError as error:
        sys.stderr.write(f"{error}\n")
    except Exception:  # noqa: BLE001 - into the log, whose end the person is shown
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def _ready(settings: Settings, supervisor: int) -> bool:
    """Wait until everything is ready; False where the supervisor ended, or it takes too long."""
    import http.client  # noqa: PLC0415 - only needed here
    from urllib.parse import urlsplit  # noqa: PLC0415

    from bot.commands import talk  # noqa: F401, PLC0415 - while the processes start, import what the chat needs

    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        ended, _ = os.waitpid(supervisor, os.WNOHANG)
        if ended:
            return False
        here = instance.running(settings.state_dir)
        if here is not None:
            connection = http.client.HTTPConnection(urlsplit(here.url).netloc, timeout=5)
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/readyz")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return True
            connection.close()
        time.sleep(_STEP)
    return False
