"""One Shipmate a state directory, found by others, and cleared up after when it was killed."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from bot import instance
from bot.home import UnusableStateDirectory
from bot.instance import AlreadyRunning, Running, alone, birth, running

WAITS = [sys.executable, "-c", "import signal; print('there', flush=True); signal.pause()"]


def test_there_is_only_one_and_others_find_it(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    with alone(tmp_path) as here:
        here.announce("http://127.0.0.1:1", sandbox=True)
        found = running(tmp_path)
        assert found is not None
        assert (found.url, found.sandbox) == ("http://127.0.0.1:1", True)
        with pytest.raises(AlreadyRunning, match=r"at http://127\.0\.0\.1:1.*shipmate chat"), alone(tmp_path):
            pass
    assert running(tmp_path) is None
    with alone(tmp_path):
        pass


def test_whoever_only_looks_keeps_nobody_from_starting(tmp_path: Path) -> None:
    with alone(tmp_path):
        pass
    with (tmp_path / "lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        with alone(tmp_path, sleep=lambda _: fcntl.flock(looking, fcntl.LOCK_UN)):
            pass


def test_the_state_directory_is_its_owners_alone(tmp_path: Path) -> None:
    with alone(tmp_path / "state"):
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_what_a_killed_one_left_behind_is_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with subprocess.Popen(WAITS, stdout=subprocess.PIPE) as left:
        assert left.stdout is not None
        left.stdout.readline()
        note = Running(pid=1, url="", processes={"worker": (left.pid, birth(left.pid))})
        (tmp_path / "running.json").write_text(note.model_dump_json())

        def reap(_: float) -> None:
            left.poll()

        with alone(tmp_path, sleep=reap):
            assert left.wait(10) != 0
    assert "left worker behind" in caplog.text


def test_a_process_that_only_has_the_same_number_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(WAITS, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        note = Running(pid=1, url="", processes={"worker": (other.pid, "long ago")})
        (tmp_path / "running.json").write_text(note.model_dump_json())
        with alone(tmp_path):
            assert other.poll() is None
        other.kill()


def test_a_spoiled_note_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text("{")
    with alone(tmp_path):
        assert running(tmp_path) is None


def test_a_process_that_is_not_there_has_no_birth() -> None:
    assert instance.birth(2**22 + 1) == ""


def test_a_state_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableStateDirectory, match="SHIPMATE_STATE_DIR"), alone(tmp_path / "file" / "state"):
        pass
