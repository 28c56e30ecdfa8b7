"""`shipmate eval intents FILE.jsonl`: judges the understanding on labelled sentences and prints the figures."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from actions import catalog
from actions.core.action import Risk
from actions.core.catalog import Catalog
from actions.core.organization import Organization
from bot.configuration import load
from bot.labelled import read_items, write_lines
from bot.language import claude
from bot.settings import load as load_settings
from intents.claude import ModelRecognizer
from intents.evaluation import Item, Score, predict, score
from intents.meaning import Understanding
from intents.recognizer import Recognizer


def intents(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what stands behind `shipmate eval intents`.

    Returns:
        The exit code 0.

    Raises:
        NotItems: the file is absent, empty, or holds a line that is no item.
    """
    parser = argparse.ArgumentParser(
        prog="shipmate eval intents", description="Judge the understanding on labelled sentences."
    )
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="labelled sentences, one item a line")
    parser.add_argument("--config", type=Path, default=Path("shipmate.yaml"), help="the organization they speak of")
    parser.add_argument("--recognizer", choices=("local", "claude"), default="local", help="what reads them")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--predictions", type=Path, metavar="OUT.jsonl", help="also write what was proposed, one a line"
    )
    chosen = parser.parse_args(arguments)
    items = read_sentences(chosen.file)
    verbs = catalog()
    reader = _reader(chosen.recognizer, verbs, load(chosen.config))
    predictions = predict(items, reader, time.perf_counter)
    if chosen.predictions:
        write_lines(chosen.predictions, (prediction.line() for prediction in predictions))
    figures = score(items, predictions, {verb.policy.name for verb in verbs if verb.policy.risk is not Risk.READ})
    sys.stdout.write((figures.model_dump_json(indent=2) if chosen.json else table(figures)) + "\n")
    return 0


def _reader(name: str, verbs: Catalog, organization: Organization) -> Understanding:
    settings = load_settings()
    local = Recognizer(verbs, organization, cache=settings.state_dir / "understanding")
    if name == "local":
        return local
    # Questions are scored by the verb that reads what they ask for, so none goes to prose.
    return ModelRecognizer(verbs, organization, claude(settings, organization), local)


def read_sentences(path: Path) -> list[Item]:
    """Read labelled sentences.

    Raises:
        NotItems: the file is absent, empty, or holds a line that is no item.
    """
    return read_items(path, Item, "id, say and expect, and perhaps kind, thread and also")


def table(figures: Score) -> str:
    """The figures as text for a terminal."""
    width = max((len(kind) for kind in figures.per_kind), default=0)
    lines = [
        f"n                {figures.n}",
        f"action_accuracy  {figures.action_accuracy:.3f}",
        f"exact            {figures.exact:.3f}",
        f"unsafe           {figures.unsafe}",
        f"missed           {figures.missed}",
        *(f"  {kind:<{width}}  {share:.3f}" for kind, share in figures.per_kind.items()),
        f"p50_ms           {figures.p50_ms:.2f}",
        f"p99_ms           {figures.p99_ms:.2f}",
    ]
    if figures.failed:
        lines.append("failed           " + ", ".join(figures.failed))
    if figures.unsafe_ids:
        lines.append("unsafe ids       " + ", ".join(figures.unsafe_ids))
    return "\n".join(lines)
