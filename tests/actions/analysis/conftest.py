"""Where the labelled sample of real logs lies, for the tests that read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest


@pytest.fixture(scope="session")
def real_logs(absent: Callable[[str], NoReturn]) -> Path:
    """The sample of real logs; its tests are skipped with a notice where it is absent."""
    folder = os.environ.get("SHIPMATE_TEST_DATA", "")  # noqa: TID251 (where the tests' data lie, not a setting)
    path = Path(folder) / "data" / "ci_logs_dev.jsonl"
    if not folder or not path.is_file():
        absent("SHIPMATE_TEST_DATA names no folder with data/ci_logs_dev.jsonl")
    return path
