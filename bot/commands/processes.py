"""`shipmate web`, `listener`, `worker`, `clock`, `sandbox`: one process of the Procfile, alone, in the foreground."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module

from bot import home, logs
from bot.settings import Settings

HOOK = "/webhooks/gitlab"
"""Where `bot.hooks.gitlab` takes deliveries in."""

PROCESSES: dict[str, str] = {
    "web": "bot.web.server:run",
    "listener": "bot.listener:run",
    "worker": "bot.worker:run",
    "clock": "bot.clock:run",
}
"""A process's name → "module:function"; the function runs with the settings until it is sent SIGTERM or SIGINT."""


def body(name: str) -> Callable[[Settings], None]:
    """What a process does, imported now."""
    module, _, function = PROCESSES[name].partition(":")
    found: Callable[[Settings], None] = getattr(import_module(module), function)
    return found


def run(name: str, settings: Settings) -> int:
    """Be one process until told to end."""
    home.make(settings.state_dir)
    logs.configure(settings, name)
    body(name)(settings)
    return 0


def sandbox(_: argparse.Namespace, settings: Settings) -> int:
    """Be the sandbox company, and say how to reach it."""
    logs.configure(settings, "sandbox")
    run_sandbox(settings, 0, say=True)
    return 0


def run_sandbox(settings: Settings, port: int, *, say: bool = False) -> None:
    """Be the sandbox company until told to end.

    Args:
        settings: where it keeps everything.
        port: where it listens.
        say: whether to print the settings with which Shipmate reaches it.
    """
    from bot.sandbox import server  # noqa: PLC0415 - nothing else needs the sandbox

    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    with server.start(settings.state_dir, port=port) as company:
        if settings.gitlab_webhook_token is not None:
            company.subscribe(f"{settings.address}{HOOK}", settings.gitlab_webhook_token.get_secret_value())
        if say:
            sys.stdout.write(
                f"export SHIPMATE_CONFIG={company.configuration}\n"
                f"export GITLAB_URL={company.gitlab_url} GITLAB_TOKEN={company.gitlab_token}\n"
                f"export ARGOCD_URL={company.argocd_url} ARGOCD_TOKEN={company.argocd_token}\n"
            )
            sys.stdout.flush()
        told.wait()


def web(arguments: argparse.Namespace, settings: Settings) -> int:
    """Be the web process."""
    return run("web", settings if arguments.port is None else settings.changed(port=arguments.port))


def listener(_: argparse.Namespace, settings: Settings) -> int:
    """Be a listener."""
    return run("listener", settings)


def worker(_: argparse.Namespace, settings: Settings) -> int:
    """Be a worker."""
    return run("worker", settings)


def clock(_: argparse.Namespace, settings: Settings) -> int:
    """Be the clock."""
    return run("clock", settings)
