"""`make bench`: every benchmark, or those named."""

from __future__ import annotations

import importlib
import sys

ALL = (
    "starting",
    "gate",
    "waiting",
    "slack",
    "slack_answer",
    "slack_read",
    "slack_growth",
    "slack_overload",
    "slack_starting",
    "failures",
    "recognizer",
)
"""`slack_memory` beside, which takes minutes."""


def main() -> None:
    """Run the benchmarks named on the command line, else all."""
    for name in sys.argv[1:] or ALL:
        importlib.import_module(f"tests.bench.{name}").run()


if __name__ == "__main__":
    main()
