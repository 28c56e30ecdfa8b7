"""How the benchmarks measure and print."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def quantile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def each(work: Callable[[int], object], times: int) -> list[float]:
    """How long each call took, in seconds."""
    taken = []
    for number in range(times):
        begun = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - begun)
    return taken


def line(name: str, value: str, target: str = "") -> None:
    """Print one figure, and what it was to be."""
    print(f"  {name:<58} {value:>16}   {target}", flush=True)  # noqa: T201 - a benchmark prints


def title(name: str) -> None:
    """Print a heading."""
    print(f"\n{name}", flush=True)  # noqa: T201 - as above


def milliseconds(seconds: float) -> str:
    """A time in milliseconds."""
    return f"{seconds * 1000:.3f} ms"


def spread(taken: list[float]) -> str:
    """Median and 99th percentile in milliseconds."""
    return f"{statistics.median(taken) * 1000:.2f} / {quantile(taken, 0.99) * 1000:.2f} ms"
