"""`shipmate eval`: measurements of how well something is done, each found by its name."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from actions.core.errors import Refused
from actions.core.kinds import nearest
from bot.settings import Settings

SUITES: dict[str, str] = {
    "diagnosis": "bot.evaluation:diagnosis",
    "export": "bot.evaluation_export:export",
    "intents": "bot.evaluation_intents:intents",
}
"""A suite's name → "module:function", which is called with the suite's own arguments and returns an exit code."""


class UnknownSuite(Refused):
    """There is no such measurement."""

    def __init__(self, given: str) -> None:
        near = nearest(given, SUITES) or tuple(SUITES)
        super().__init__(f"There is nothing to measure called “{given}”.", remedy=f"Known are {', '.join(near)}.")


def run(arguments: argparse.Namespace, _: Settings) -> int:
    """Run one suite, or list them.

    Raises:
        UnknownSuite: there is none of that name.
    """
    if not arguments.suite:
        sys.stdout.write("\n".join(SUITES) + "\n")
        return 0
    if arguments.suite not in SUITES:
        raise UnknownSuite(arguments.suite)
    module, _colon, function = SUITES[arguments.suite].partition(":")
    return int(getattr(import_module(module), function)(arguments.rest))
