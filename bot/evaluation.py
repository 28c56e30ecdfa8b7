"""`shipmate eval diagnosis FILE.jsonl`: judges the diagnosis on labelled logs and prints the figures."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from actions.analysis.diagnosis import diagnose
from actions.analysis.evaluation import LabelledLog, Prediction, Score, predict, score
from actions.core.errors import Refused


class NotASample(Refused):
    """The file of labelled logs cannot be read as one."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path}: {what}.",
            remedy="A sample has one JSON object a line, with id, log and label, and perhaps accept.",
        )


def diagnosis(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: What stands behind `shipmate eval diagnosis`.

    Returns:
        The exit code 0.

    Raises:
        NotASample: the file is absent, empty, or holds a line that is no item.
    """
    parser = argparse.ArgumentParser(
        prog="shipmate eval diagnosis", description="Judge the diagnosis on labelled logs."
    )
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="labelled logs: {id, log, label, accept} a line")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--predictions", type=Path, metavar="OUT", help="also write {id, category, confidence} a line")
    chosen = parser.parse_args(arguments)
    items = read_sample(chosen.file)
    diagnose("")  # reads the rules, which is no part of any item's time
    predictions = predict(items, diagnose, time.perf_counter)
    if chosen.predictions:
        write_predictions(chosen.predictions, predictions)
    figures = score(items, predictions)
    sys.stdout.write((figures.model_dump_json(indent=2) if chosen.json else table(figures)) + "\n")
    return 0


def read_sample(path: Path) -> list[LabelledLog]:
    """Read labelled logs.

    Args:
        path: A file with one JSON object a line.

    Returns:
        The items, in order; at least one.

    Raises:
        NotASample: the file is absent, empty, or holds a line that is no item.
    """
    items = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    items.append(_item(path, number, line))
    except OSError as error:
        raise NotASample(path, error.strerror or "cannot be read") from error
    if not items:
        raise NotASample(path, "holds no item")
    return items


def _item(path: Path, number: int, line: str) -> LabelledLog:
    try:
        return LabelledLog.model_validate_json(line)
    except ValidationError as error:
        raise NotASample(path, f"line {number} is no item") from error


def write_predictions(path: Path, predictions: list[Prediction]) -> None:
    """Write one JSON object with id, category and confidence a line."""
    with path.open("w", encoding="utf-8") as out:
        for prediction in predictions:
            out.write(
                json.dumps(
                    {"id": prediction.id, "category": prediction.category.value, "confidence": prediction.confidence}
                )
                + "\n"
            )


def table(figures: Score) -> str:
    """The figures as text for a terminal."""
    lines = [
        f"items             {figures.items}",
        f"accuracy strict   {figures.strict:.3f}",
        f"accuracy lenient  {figures.lenient:.3f}",
        f"macro-F1          {figures.macro_f1:.3f}",
        f"false diagnoses   {figures.false_diagnoses} of {figures.none_items} none ({figures.false_rate:.1%})",
        f"time              {figures.seconds:.2f} s (slowest item {figures.slowest * 1000:.0f} ms)",
        *(f"F1 {label:<27}{value:.3f}" for label, value in figures.f1.items()),
    ]
    if figures.wrong:
        lines.append("wrong             " + ", ".join(figures.wrong))
    return "\n".join(lines)
