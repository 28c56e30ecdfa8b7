"""`shipmate eval export`: what people put right, as items with which `shipmate eval intents` measures the understanding."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from actions.core.errors import Refused
from actions.core.kinds import parse_duration
from actions.core.ports.opinions import Opinion
from actions.core.ports.surroundings import Clock
from bot import instance
from bot.commands.up import joined
from bot.commands.usage import NoLength
from bot.settings import load as load_settings
from bot.stores.open import open_sql
from bot.surroundings import SystemClock


class NotWritten(Refused):
    """The file cannot be written."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be written: {why}.", remedy="Name another file with --out.")


def export(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run the command.

    Args:
        arguments: what stands behind `shipmate eval export`.
        clock: the time; the machine's by default.

    Returns:
        The exit code 0.

    Raises:
        NoLength: `--since` cannot be read.
        NotWritten: the file cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="shipmate eval export", description="Write what people put right as evaluation items."
    )
    parser.add_argument("--since", default="30d", help="how far back, such as 7d (default: 30d)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the file to write (default: standard output)")
    parser.add_argument(
        "--unlabelled",
        action="store_true",
        help="write those that somebody called wrong without saying what they meant, to be labelled by hand",
    )
    chosen = parser.parse_args(arguments)
    settings = load_settings()
    here = instance.running(settings.state_dir)
    settings = joined(settings) if here is not None and here.sandbox else settings
    try:
        since = (clock or SystemClock()).now() - parse_duration(chosen.since)
    except ValueError:
        raise NoLength(chosen.since) from None
    stores = open_sql(settings.database.get_secret_value())
    try:
        kept = stores.opinions.since(since)
    finally:
        stores.close()
    wanted = [opinion for opinion in kept if (opinion.expect is None) is chosen.unlabelled]
    _write(chosen.out, "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items(wanted)))
    other = len(kept) - len(wanted)
    sys.stderr.write(f"{len(wanted)} items{_rest(other, unlabelled=chosen.unlabelled)}.\n")
    return 0


def items(opinions: Iterable[Opinion]) -> list[dict[str, Any]]:
    """Opinions as evaluation items; those without a label say what the message was taken for instead."""
    found: list[dict[str, Any]] = []
    for number, opinion in enumerate(opinions, start=1):
        item: dict[str, Any] = {"id": f"f-{opinion.at:%Y%m%d}-{number:03}", "kind": opinion.verdict}
        if opinion.thread:
            item["thread"] = list(opinion.thread)
        item["say"] = opinion.say
        found.append(item | ({"did": opinion.did} if opinion.expect is None else {"expect": opinion.expect}))
    return found


def _rest(other: int, *, unlabelled: bool) -> str:
    if not other:
        return ""
    if unlabelled:
        return f"; {other} more have a label"
    return f"; {other} more were called wrong without a word of what was meant (--unlabelled writes those)"


def _write(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(path, (error.strerror or str(error)).lower()) from error
