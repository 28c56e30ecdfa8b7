"""The state directory: where everything is kept that has no address of its own."""

from __future__ import annotations

import os
from pathlib import Path

from actions.core.errors import Refused

LOCK = "lock"
"""The file in it that the one instance on it holds."""


class UnusableStateDirectory(Refused):
    """Nothing can be kept where the settings say."""

    def __init__(self, state: Path, error: OSError) -> None:
        super().__init__(
            f"Nothing can be kept in {state}: {(error.strerror or str(error)).lower()}.",
            remedy="Set SHIPMATE_STATE_DIR to a directory that may be made and written.",
        )


def make(state: Path) -> None:
    """Make a state directory, its owner's alone, and see that files can be written there.

    Raises:
        UnusableStateDirectory: it cannot be made or written.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        state.chmod(0o700)
        os.close(os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise UnusableStateDirectory(state, error) from None
