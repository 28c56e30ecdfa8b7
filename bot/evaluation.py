"""`shipmate eval diagnosis FILE.jsonl`: judges the diagnosis on labelled logs and prints the figures."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from actions.analysis.diagnosis import diagnose
from actions.analysis.evaluation import LabelledLog, Prediction, Score, predict, score
from bot.labelled import read_items, write_lines


def diagnosis(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: What stands behind `shipmate eval diagnosis`.

    Returns:
        The exit code 0.

    Raises:
        NotItems: the file is absent, empty, or holds a line that is no item.
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
        write_lines(chosen.predictions, map(_line, predictions))
    figures = score(items, predictions)
    sys.stdout.write((figures.model_dump_json(indent=2) if chosen.json else table(figures)) + "\n")
    return 0


def read_sample(path: Path) -> list[LabelledLog]:
    """Read labelled logs.

    Raises:
        NotItems: the file is absent, empty, or holds a line that is no item.
    """
    return read_items(path, LabelledLog, "id, log and label, and perhaps accept")


def _line(prediction: Prediction) -> dict[str, JsonValue]:
    return {"id": prediction.id, "category": prediction.category.value, "confidence": prediction.confidence}


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
