"""The floor on which real broken repositories are mended, one for a file of tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from tests.playbooks.sandbox.floor import Floor, floor_in


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory, absent: Callable[[str], NoReturn]) -> Iterator[Floor]:
    """A floor; the tests that need it are skipped where there is no npm."""
    if shutil.which("npm") is None:
        absent("npm is not installed")
    with floor_in(tmp_path_factory.mktemp("floor")) as found:
        yield found
