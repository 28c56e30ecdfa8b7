"""The diagnosis keeps its aims on the labelled sample of real logs."""

import time
from pathlib import Path

from actions.analysis.diagnosis import diagnose
from actions.analysis.evaluation import predict, score
from bot.evaluation import read_sample


def test_real_logs_are_told_apart(real_logs: Path) -> None:
    items = read_sample(real_logs)
    figures = score(items, predict(items, diagnose, time.perf_counter))
    assert figures.strict >= 0.9
    assert figures.false_diagnoses <= 1
