"""`shipmate up`: all processes of the Procfile under one supervisor, on embedded defaults, with or without the sandbox."""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, NamedTuple

from actions.core.errors import Refused, Unreachable
from bot import configuration, instance, logs
from bot.commands.processes import PROCESSES, body
from bot.secret import Secret
from bot.settings import Settings
from bot.supervisor import Program, Supervisor

_LOG = logging.getLogger(__name__)

_LONGEST_LOG = 20_000_000
"""In bytes."""

# What the processes share; imported once, before they are forked. None of it opens anything.
_PRELOADED = (
    *(address.partition(":")[0] for address in PROCESSES.values()),
    "actions.verbs",
    "bot.web.site",
    "alembic.command",
    "gitlab.v4.objects",
    "httpx",
    "redis",
    "rq",
    "sqlalchemy.dialects.sqlite",
)


class PortTaken(Refused):
    """Something else listens there."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"Shipmate cannot listen on {host}:{port}: {why}.",
            remedy="Choose another port with --port or SHIPMATE_PORT; 0 lets the system choose.",
        )


class SandboxState(Refused):
    """The state directory holds a sandbox's history, which must not be taken for the real one."""

    def __init__(self, state: Path) -> None:
        super().__init__(
            f"{state} holds the history of a sandbox.",
            remedy="Use another SHIPMATE_STATE_DIR for your own systems, or `shipmate up --sandbox`.",
        )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run everything until told to end.

    Raises:
        AlreadyRunning: another one lives on the state directory.
        PortTaken: something else listens on the port.
        SandboxState: without --sandbox, on a sandbox's state directory.
        InvalidConfiguration: shipmate.yaml has faults.
        NoConfiguration: it cannot be read.
        UnusableStateDirectory: nothing can be kept in the state directory.
        UnusableDatabaseUrl, UnusableRedisUrl: a store's address is none.
    """
    if arguments.port is not None:
        settings = settings.changed(port=arguments.port)
    if sys.stderr.isatty() and "log_format" not in settings.given:
        settings = settings.changed(log_format="plain")
    return supervise(settings, sandbox=arguments.sandbox, echo=sys.stdout.buffer)


def supervise(
    settings: Settings, *, sandbox: bool, echo: BinaryIO | None = None, until_closed: int | None = None
) -> int:
    """Run everything under one supervisor.

    Args:
        settings: where everything is.
        sandbox: whether with the sandbox company.
        echo: where what the processes print is printed as well.
        until_closed: a file descriptor; end when its other end is closed.

    Raises:
        as `run`.
    """
    if not sandbox:
        if sandbox_folder(settings).exists():
            raise SandboxState(settings.state_dir)
        configuration.load(settings.config)
    _see_addresses(settings)
    logs.configure(settings, "up")
    with instance.alone(settings.state_dir) as here, _listening(settings) as listener, _redis(settings) as redis:
        host, port = listener.getsockname()[:2]
        settings = settings.changed(port=port, redis_url=Secret(redis.url))
        if sandbox:
            settings = settings.changed(sandbox=True, gitlab_webhook_token=Secret(secrets.token_urlsafe(24)))
        here.announce(f"http://{host}:{port}", sandbox=sandbox)
        _LOG.info("Shipmate is at http://%s:%s; talk to it with `shipmate chat`", host, port)
        _begin_log(settings)
        supervisor = Supervisor(
            _programs(settings, listener, sandbox=sandbox),
            log=log_file(settings),
            echo=echo,
            noted=here.note,
            tend=redis.tend,
            until_closed=until_closed,
            leave=(here.lock,),
        )
        return supervisor.run(_preload)


def _see_addresses(settings: Settings) -> None:
    """See that the stores' addresses are addresses, before anything starts that would only fail on them again and again.

    Raises:
        UnusableDatabaseUrl: the database's is none.
        UnusableRedisUrl: Redis's is none.
    """
    if settings.database_url is not None:
        from bot.stores.sql.database import open_engine  # noqa: PLC0415 - nobody with the default needs it here

        open_engine(settings.database.get_secret_value()).dispose()
    if settings.redis_url is not None:
        from bot.stores.redis.client import open_client  # noqa: PLC0415 - as above

        open_client(settings.redis_url.get_secret_value()).close()


def log_file(settings: Settings) -> Path:
    """Where everything that the processes print is kept."""
    return settings.state_dir / "shipmate.log"


def sandbox_folder(settings: Settings) -> Path:
    """Where the sandbox keeps its company."""
    return settings.state_dir / "sandbox"


def tokens_file(settings: Settings) -> Path:
    """Where the sandbox hands out everybody's tokens."""
    return settings.state_dir / "tokens.json"


def joined(settings: Settings) -> Settings:
    """The settings with which to reach the sandbox's systems, as it announces them.

    Raises:
        FileNotFoundError: no sandbox runs on this state directory.
    """
    found = json.loads((sandbox_folder(settings) / "addresses.json").read_text(encoding="utf-8"))
    return settings.changed(
        sandbox=True,
        config=Path(found["configuration"]),
        gitlab_url=found["gitlab_url"],
        gitlab_token=Secret(found["gitlab_token"]),
        argocd_url=found["argocd_url"],
        argocd_token=Secret(found["argocd_token"]),
    )


def _begin_log(settings: Settings) -> None:
    """Set a long log aside, so that two of them bound what is kept."""
    log = log_file(settings)
    if log.exists() and log.stat().st_size > _LONGEST_LOG:
        log.replace(log.with_suffix(".log.1"))


def _programs(settings: Settings, listener: socket.socket, *, sandbox: bool) -> list[Program]:
    addresses = sandbox_folder(settings) / "addresses.json"
    addresses.unlink(missing_ok=True)
    programs = []
    reach: Callable[[Settings], Settings] = lambda found: found  # noqa: E731 - one of two ways, side by side
    when: Callable[[], bool] = lambda: True  # noqa: E731
    if sandbox:
        port = _free_port()
        programs.append(Program("sandbox", lambda: _sandbox(settings, port)))
        reach, when = joined, addresses.exists

    def program(name: str) -> Program:
        def main() -> None:
            mine = reach(settings)
            logs.configure(mine, name)
            if name == "web":
                from bot.web import server  # noqa: PLC0415 - preloaded by then

                server.run(mine, listener=listener, hand_out=tokens_file(mine) if sandbox else None)
            else:
                listener.close()
                body(name)(mine)

        return Program(name, main, when)

    return programs + [program(name) for name in PROCESSES]


def _sandbox(settings: Settings, port: int) -> None:
    from bot.commands.processes import run_sandbox  # noqa: PLC0415 - only the sandbox's own process needs it

    logs.configure(settings, "sandbox")
    run_sandbox(settings, port)


def _preload() -> None:
    for module in _PRELOADED:
        import_module(module)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """A listening socket, opened before anything starts: a taken port is told at once, and early callers wait."""
    try:
        listener = socket.create_server((settings.host, settings.port), backlog=256)
    except OSError as error:
        raise PortTaken(settings.host, settings.port, _why(error)) from None
    with listener:
        yield listener


class _Redis(NamedTuple):
    """Where Redis is, and what looks after it."""

    url: str
    tend: Callable[[], object]


@contextmanager
def _redis(settings: Settings) -> Iterator[_Redis]:
    if settings.redis_url is not None:
        yield _Redis(settings.redis_url.get_secret_value(), lambda: None)
        return
    from bot.stores.redis.embedded import start_embedded  # noqa: PLC0415 - nobody with a Redis of their own needs it

    embedded = start_embedded(settings.state_dir)

    def tend() -> None:
        nonlocal embedded
        if embedded.lives():
            return
        _LOG.warning("the embedded Valkey is gone; starting it again")
        try:
            embedded = start_embedded(settings.state_dir)
        except Unreachable as error:
            _LOG.error("%s", error)

    try:
        yield _Redis(embedded.url, tend)
    finally:
        embedded.close()


def _why(error: OSError) -> str:
    # The socket module's own text repeats the address; the names of hosts have errors of their own, below zero.
    return (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)).lower()


def _free_port() -> int:
    """A port that is free now; the sandbox keeps it when it is restarted, so that its addresses stay."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
