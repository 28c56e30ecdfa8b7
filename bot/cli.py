"""The `shipmate` command: what can be typed, and which module does it.

Only the standard library's argument parser is imported here; a command's module is imported when it is called, so
that help and completion answer at once.

Exit codes: 0 done; 1 not done (refused, failed, faults found); 2 wrong usage; 3 something needed cannot be reached
or read; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.settings import Settings

    Run = Callable[[argparse.Namespace, Settings], int]

DONE, NOT_DONE, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


class Option(NamedTuple):
    """One argument of a command, as argparse takes it."""

    name: str
    help: str
    more: dict[str, object] = {}  # noqa: RUF012 - a tuple's default is never changed


class Command(NamedTuple):
    """A command: how it is typed, what it does, and where its code is ("module:function")."""

    name: str
    help: str
    runs: str
    options: tuple[Option, ...] = ()


_PORT = Option(
    "--port", "the port of the web process; 0 lets the system choose (default: SHIPMATE_PORT, else 8080)", {"type": int}
)

_AS = Option("--as", "the person to speak as; the sandbox knows everybody's tokens", {"dest": "person"})
_JSON = Option("--json", "print one JSON object a reply", {"action": "store_true"})
_THREAD = Option("--thread", "the thread to go on in, as --json tells it (default: a new one)", {"default": ""})

COMMANDS: tuple[Command, ...] = (
    Command(
        "demo",
        "try everything: a sandbox company, all processes, and a chat",
        "bot.commands.demo:run",
        (_AS._replace(help="the person to begin as (default: dana)"), _JSON),
    ),
    Command(
        "up",
        "run all processes under one supervisor",
        "bot.commands.up:run",
        (
            Option("--sandbox", "with a small company to try it on", {"action": "store_true"}),
            _PORT,
        ),
    ),
    Command("web", "run the web process: HTTP in, the API, health", "bot.commands.processes:web", (_PORT,)),
    Command("listener", "run the listener process: the inbox, triggers, cards", "bot.commands.processes:listener"),
    Command("worker", "run a worker process: the work itself", "bot.commands.processes:worker"),
    Command("clock", "run the clock process: what is due", "bot.commands.processes:clock"),
    Command("sandbox", "run the sandbox company alone", "bot.commands.processes:sandbox"),
    Command("chat", "talk to a running Shipmate", "bot.commands.talk:chat", (_AS, _JSON, _THREAD)),
    Command(
        "say",
        "say one sentence and print the reply",
        "bot.commands.talk:say",
        (Option("sentence", "what to say", {"nargs": "+"}), _AS, _JSON, _THREAD),
    ),
    Command("check", "validate the configuration and the connections", "bot.commands.check:run"),
    Command("doctor", "say how a Shipmate on these stores is doing", "bot.commands.doctor:run"),
    Command(
        "usage",
        "say what Claude was used for and what it cost",
        "bot.commands.usage:run",
        (
            Option("--since", "how far back, such as 24h or 7d (default: 7d)", {"default": "7d"}),
            Option(
                "--by",
                "what to sum up by (default: day)",
                {"choices": ("day", "person", "purpose", "model", "cause"), "default": "day"},
            ),
            Option("--json", "print JSON", {"action": "store_true"}),
        ),
    ),
    Command(
        "token create",
        "make a person's token for the API and the chat",
        "bot.commands.tokens:create",
        (Option("person", "the person's name in shipmate.yaml"), Option("--label", "what it is for", {"default": ""})),
    ),
    Command(
        "token list",
        "list tokens",
        "bot.commands.tokens:show",
        (Option("person", "only this person's", {"nargs": "?"}),),
    ),
    Command("token revoke", "end a token", "bot.commands.tokens:revoke", (Option("id", "the token's id"),)),
    Command(
        "slack manifest",
        "print the manifest with which the Slack app is made",
        "bot.surfaces.slack.manifest:run",
        (
            Option(
                "--socket", "for Socket Mode, which needs no address that Slack can reach", {"action": "store_true"}
            ),
            Option("--rotate", "with rotating tokens, for several workspaces", {"action": "store_true"}),
            Option("--address", "how Slack reaches the web process (default: SHIPMATE_PUBLIC_URL)", {"default": ""}),
        ),
    ),
    Command("playbook check", "check every playbook, the library's and your own", "bot.commands.playbooks:check"),
    Command("playbook list", "list playbooks", "bot.commands.playbooks:show_all"),
    Command(
        "playbook show",
        "show a playbook, and how far it may go by itself and why",
        "bot.commands.playbooks:show",
        (Option("name", "the playbook's name"),),
    ),
    Command(
        "playbook run",
        "say what a playbook would do, about an event where it needs one",
        "bot.commands.playbooks:run",
        (
            Option("name", "the playbook's name"),
            Option("--event", "a file with the event as JSON; by default standard input, where it needs one", {}),
            Option("--dry-run", "only say it; nothing else can be done from here", {"action": "store_true"}),
        ),
    ),
    Command("playbook schema", "print the JSON Schema of a playbook", "bot.commands.playbooks:print_schema"),
    Command("config schema", "print the JSON Schema of shipmate.yaml", "bot.commands.reference:schema"),
    Command("docs", "print the reference of all actions, docs/actions.md", "bot.commands.reference:actions"),
    Command(
        "eval",
        "measure how well something is done",
        "bot.commands.evaluate:run",
        (
            Option("suite", "what to measure; without one, what there is", {"nargs": "?"}),
            Option("rest", "the suite's own arguments", {"nargs": argparse.REMAINDER}),
        ),
    ),
)
_GROUPS = {
    "token": "make, list and end people's tokens",
    "config": "about shipmate.yaml",
    "slack": "set up the Slack app",
    "playbook": "what is done by itself when something happens",
}


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="shipmate",
        description="A self-hosted ChatOps bot: say it in a thread, see it done, know who allowed it.",
        epilog="Try it: shipmate demo. Settings come from the environment; see docs/configuration.md. "
        "Exit codes: 0 done, 1 not done, 2 wrong usage, 3 something needed cannot be reached or read.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    top.add_argument("--debug", action="store_true", help="show stack traces")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    groups = {
        name: commands.add_parser(name, help=text, description=text).add_subparsers(metavar="COMMAND", required=True)
        for name, text in _GROUPS.items()
    }
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        one = groups.get(group, commands).add_parser(name, help=command.help, description=command.help)
        for option in command.options:
            one.add_argument(option.name, help=option.help, **option.more)  # type: ignore[arg-type] # argparse's own
        one.set_defaults(runs=command.runs)
    return top


class _Version(argparse.Action):
    """Prints the version, looked up only then: the look-up reads the installed package's metadata."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - as the docstring says

        print(f"shipmate {version('shipmate')}")  # noqa: T201 - a command line speaks by printing
        parser.exit(DONE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; failures become a sentence on standard error and an exit code."""
    chosen = parser().parse_args(arguments)
    try:
        from bot.settings import load  # noqa: PLC0415 - pydantic is not needed for help

        module, _, function = chosen.runs.partition(":")
        run: Run = getattr(import_module(module), function)
        return run(chosen, load())
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it closes standard output.
        sys.stderr.close()
        return NOT_DONE
    except Exception as error:
        if chosen.debug:
            raise
        return complain(error)


def complain(error: Exception) -> int:
    """Say what went wrong, and return the exit code for it."""
    from actions.core.errors import ShipmateError  # noqa: PLC0415 - only needed when something failed

    if isinstance(error, ShipmateError):
        print(f"shipmate: {error}", file=sys.stderr)  # noqa: T201
        return UNREACHABLE
    print(  # noqa: T201
        f"shipmate: something broke that should not have: {type(error).__name__}: {error}\n"
        "`shipmate --debug …` shows where; please report it.",
        file=sys.stderr,
    )
    return NOT_DONE


def usage(message: str) -> NoReturn:
    """End with a word about how the command is used."""
    parser().error(message)
