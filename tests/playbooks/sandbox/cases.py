"""All broken repositories: those that playbooks mend, and those that must be left alone."""

from __future__ import annotations

from tests.playbooks.sandbox.shapes import (
    conflicts,
    disk,
    flaky,
    left,
    memory,
    network,
    node_packages,
    python_packages,
    time_limits,
    together,
    values,
    variables,
)

MENDED = (
    *python_packages.CASES,
    *node_packages.CASES,
    *conflicts.CASES,
    *variables.CASES,
    *values.CASES,
    *time_limits.CASES,
    *flaky.CASES,
    *memory.CASES,
    *disk.CASES,
    *network.CASES,
    *together.CASES,
)
LEFT = left.CASES
