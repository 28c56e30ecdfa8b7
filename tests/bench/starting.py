"""Cold start: `shipmate --help` against bare Python."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.bench.measure import line, milliseconds, title

ROUNDS = 15


def run() -> None:
    """Alternate both, and compare the medians."""
    title("Cold start (median of alternating runs)")
    bare: list[float] = []
    ours: list[float] = []
    for _ in range(ROUNDS):
        bare.append(_seconds([sys.executable, "-c", "pass"]))
        ours.append(_seconds([sys.executable, "-m", "bot", "--help"]))
    line("bare Python", milliseconds(statistics.median(bare)))
    line("shipmate --help", milliseconds(statistics.median(ours)))
    line("ratio", f"{statistics.median(ours) / statistics.median(bare):.2f} x", "target <= 5 x")


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun
