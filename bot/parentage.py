"""Ends a process together with the one that forked it."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have the kernel send this process SIGTERM when its parent dies, however that dies; only Linux can.

    Args:
        parent: the process that forked this one; where it is gone by now, this process ends at once.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - where processes are forked alone

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
