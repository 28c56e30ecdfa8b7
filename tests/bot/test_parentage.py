"""A worker's children end with the worker, even where it is killed."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

WORKER = """
import os, signal
from bot.worker import _fork

child = _fork(lambda: (print(os.getpid(), flush=True), signal.pause()))
os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_the_children_of_a_killed_worker_end() -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        watched = os.pidfd_open(int(worker.stdout.readline()))
        worker.kill()
        worker.wait()
        assert select.select([watched], [], [], 10)[0] == [watched]
        os.close(watched)
