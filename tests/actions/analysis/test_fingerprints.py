"""A fingerprint names a failure and not its run: other times, places, hashes and durations leave it as it is."""

import random
import re

import pytest

from actions.analysis.diagnosis import JobEvidence, diagnose
from tests.actions.analysis.logs import FRAMES, Case, failures

CASES = [case for case in [*failures(), *failures("more_failures.yaml")] if case.label != "none"]
FLAVOURS = tuple(FRAMES)


def another_run(log: str, seed: int) -> str:
    """The log as another run on another runner would write it."""
    rng = random.Random(seed)  # noqa: S311 - a deterministic choice

    def digits(found: re.Match[str]) -> str:
        return "".join(rng.choice("0123456789") for _ in found[0])

    log = re.sub(r"(?<=\d\dT\d\d:\d\d:\d\d\.)\d+(?=Z)", digits, log)
    log = re.sub(r"(?<=section_start:)\d+|(?<=section_end:)\d+", digits, log)
    log = re.sub(r"\b0x[0-9a-f]{6,}\b", lambda _: f"0x{rng.randrange(16**8):08x}", log)
    log = re.sub(r"/builds/(?:\w+/)?", lambda _: f"/builds/r{rng.randrange(90)}/", log)
    log = re.sub(r"(?<=in )\d+\.\d+s\b", lambda _: f"{rng.random() * 90:.2f}s", log)
    log = re.sub(r"(?<=:)\d+(?=: in |:\d+\)|: \w+Error)", lambda _: str(rng.randrange(1, 900)), log)
    noise = [
        f"Downloading layer {rng.randrange(16**12):012x} {rng.randrange(100)}%" for _ in range(rng.randrange(1, 12))
    ]
    lines = log.split("\n")
    return "\n".join([lines[0], *noise, *lines[1:]]) if not log.startswith("$") else log


@pytest.mark.parametrize("frame", FLAVOURS)
def test_another_run_of_the_same_failure_has_the_same_fingerprint(frame: str) -> None:
    evidence = JobEvidence(job="unit")
    changed = []
    for number, case in enumerate(CASES):
        log = FRAMES[frame](case)
        first = diagnose(log, evidence=evidence)
        again = diagnose(another_run(log, number), evidence=evidence)
        if first.category is again.category and first.fingerprint != again.fingerprint:
            changed.append((case.label, case.command, first.lines, again.lines))
    assert not changed


def test_another_job_another_package_or_another_kind_has_another_fingerprint() -> None:
    def of(module: str, job: str) -> str:
        return diagnose(f"ModuleNotFoundError: No module named '{module}'\n", evidence=JobEvidence(job=job)).fingerprint

    prints = {of("httpx", "unit"), of("httpx", "lint"), of("yaml", "unit"), diagnose("Killed\n").fingerprint}
    assert len(prints) == 4


def test_the_order_of_two_signs_of_one_failure_does_not_matter() -> None:
    lines = ["npm ERR! code ERESOLVE", "npm ERR! Conflicting peer dependency: react@17.0.2"]
    frame = FRAMES["gitlab"]
    prints = {
        diagnose(frame(Case("version-conflict", "npm ci", "\n".join(order) + "\n", 1))).fingerprint
        for order in (lines, lines[::-1])
    }
    assert len(prints) == 1
