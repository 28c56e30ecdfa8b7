"""What every test may need: a notice for what is absent, which fails the build where nothing may be skipped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest


@pytest.fixture(scope="session")
def absent() -> Callable[[str], NoReturn]:
    """Say that something a test needs is absent: skips, or fails where SHIPMATE_TEST_NO_SKIP is 1."""
    no_skip = os.environ.get("SHIPMATE_TEST_NO_SKIP") == "1"  # noqa: TID251 (a switch of the tests, not of Shipmate)

    def notice(what: str) -> NoReturn:
        if no_skip:
            pytest.fail(f"{what}, and SHIPMATE_TEST_NO_SKIP=1 forbids to skip")
        pytest.skip(what)

    return notice


@pytest.fixture(scope="session")
def learned(pytestconfig: pytest.Config) -> Path:
    """Where what was learned from a catalogue is kept, from one run to the next, until its words or what learns change."""
    return pytestconfig.cache.mkdir("understanding")


@pytest.fixture(scope="session")
def sample(absent: Callable[[str], NoReturn]) -> Callable[[str], Path]:
    """Find a file of sample data or a vendor's description under SHIPMATE_TEST_DATA, or say that it is absent."""
    root = os.environ.get("SHIPMATE_TEST_DATA")  # noqa: TID251 (where the tests' data are, not a setting of Shipmate)

    def find(path: str) -> Path:
        if not root:
            absent(f"SHIPMATE_TEST_DATA is not set, so there is no {path}")
        found = Path(root) / path
        if not found.is_file():
            absent(f"there is no {found}")
        return found

    return find
