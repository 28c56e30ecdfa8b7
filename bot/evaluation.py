"""`shipmate eval diagnosis FILE.jsonl`: judges the diagnosis on labelled logs and prints the figures."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from actions.analysis.diagnosis import diagnose
from actions.analysis.evaluation import LabelledLog, Prediction, Score, predict, score

WRONG_FILE = 2


class SampleError(ValueError):
    """A line of the sample is not an item."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(
            f"{path}, line {number}: not an item; a line is a JSON object with id, log, label and perhaps accept."
        )


def register_diagnosis(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: The parser of the sub-command `diagnosis`.
    """
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="labelled logs: {id, log, label, accept} a line")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--predictions", type=Path, metavar="OUT", help='also write {"id", "category", "confidence"} a line to OUT'
    )


def diagnosis(args: argparse.Namespace, out: TextIO | None = None) -> int:
    """Run the command.

    Args:
        args: What :func:`register_diagnosis` declares.
        out: Where to print; standard output where none is given.

    Returns:
        The exit code: 0, or 2 where the file cannot be read as a sample.
    """
    out = out or sys.stdout
    try:
        items = read_sample(args.file)
        predictions = predict(items, diagnose, time.perf_counter)
        figures = score(items, predictions)
    except (OSError, ValueError) as error:
        print(f"shipmate eval diagnosis: {error}", file=sys.stderr)  # noqa: T201 - a command talks to the terminal
        return WRONG_FILE
    if args.predictions:
        write_predictions(args.predictions, predictions)
    out.write((figures.model_dump_json(indent=2) if args.json else table(figures)) + "\n")
    return 0


def read_sample(path: Path) -> list[LabelledLog]:
    """Read labelled logs.

    Args:
        path: A file with one JSON object a line.

    Returns:
        The items, in order.

    Raises:
        OSError: The file cannot be read.
        SampleError: A line is not an item.
    """
    items = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    items.append(LabelledLog.model_validate_json(line))
                except ValidationError as error:
                    raise SampleError(path, number) from error
    return items


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
