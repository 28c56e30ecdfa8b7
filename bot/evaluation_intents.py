"""`shipmate eval intents FILE.jsonl`: judges the understanding on labelled sentences and prints the figures."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from actions import catalog
from actions.core.action import Risk
from actions.core.catalog import Catalog
from actions.core.errors import Refused
from actions.core.organization import Organization
from bot.configuration import load
from bot.language import claude
from bot.settings import load as load_settings
from intents.claude import ModelRecognizer
from intents.evaluation import Item, Prediction, Score, predict, score
from intents.meaning import Understanding
from intents.recognizer import Recognizer


class NotItems(Refused):
    """The file of labelled sentences cannot be read as one."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path}: {what}.",
            remedy="Each line is a JSON object with id, say and expect, and perhaps kind, thread and also.",
        )


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
    items = read_items(chosen.file)
    verbs = catalog()
    reader = _reader(chosen.recognizer, verbs, load(chosen.config))
    predictions = predict(items, reader, time.perf_counter)
    if chosen.predictions:
        write_predictions(chosen.predictions, predictions)
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


def read_items(path: Path) -> list[Item]:
    """Read labelled sentences.

    Raises:
        NotItems: the file is absent, empty, or holds a line that is no item.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NotItems(path, error.strerror or "cannot be read") from error
    items = [_item(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not items:
        raise NotItems(path, "holds no item")
    return items


def _item(path: Path, number: int, line: str) -> Item:
    try:
        return Item.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NotItems(path, f"line {number} is no item ({where or 'line'}: {first['msg'].lower()})") from error


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write {"id", "outcome", "action", "params", "missing"} a line."""
    with path.open("w", encoding="utf-8") as out:
        for prediction in predictions:
            out.write(json.dumps(prediction.line(), ensure_ascii=False) + "\n")


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
