"""What every test may need: a notice for what is absent, which fails the build where nothing may be skipped."""

from __future__ import annotations

import os
from collections.abc import Callable
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
