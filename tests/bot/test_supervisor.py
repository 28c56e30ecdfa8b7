"""One supervisor over several processes: they start, start again, are told to end, and leave nothing behind.

The supervisor forks, so each test runs one in a process of its own and reads what it prints, line by line.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HEAD = """
import os, signal, sys
from pathlib import Path
from bot.supervisor import Patience, Program, Supervisor
def say(*words):  # in one write, so that two that share a pipe do not fall into each other's words
    os.write(1, (" ".join(map(str, (*words, os.getpid()))) + "\\n").encode())
until_told = signal.pause
def supervise(*programs, grace=10, **more):
    patience = Patience(first=0.01, longest=0.02, grace=grace)
    sys.exit(Supervisor(programs, Path(sys.argv[1]), sys.stdout.buffer, patience=patience, **more).run())
"""
pytestmark = pytest.mark.wheels
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(body: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HEAD + body, str(tmp_path / "log")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Whom nobody has waited for is still listed, as a zombie.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_what_ends_is_started_again(start: Start) -> None:
    process = start('supervise(Program("a", lambda: say("began")))')
    assert {line(process)[0] for _ in range(3)} == {"began"}
    process.terminate()
    assert process.wait() == 0


def test_a_failure_is_in_the_log_under_the_name_of_its_process(start: Start, tmp_path: Path) -> None:
    process = start('supervise(Program("worker", lambda: (say("x"), 1 / 0)))')
    line(process), line(process)
    process.terminate()
    process.wait()
    assert any(
        part.startswith("worker   | ") and "ZeroDivisionError" in part
        for part in (tmp_path / "log").read_text().splitlines()
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_being_told_to_end_it_ends_everything(start: Start, number: signal.Signals) -> None:
    process = start('supervise(*(Program(n, lambda: (say("began"), until_told())) for n in "ab"))')
    pids = [int(line(process)[1]) for _ in range(2)]
    process.send_signal(number)
    assert process.wait() == 0
    assert not any(map(is_there, pids))


def test_what_does_not_end_in_time_is_killed(start: Start) -> None:
    body = """
def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("began")
    while True: until_told()
supervise(Program("a", stubborn), grace=0.05)
"""
    process = start(body)
    pid = int(line(process)[1])
    process.terminate()
    assert process.wait() == 1
    assert not is_there(pid)


def test_it_ends_when_whoever_started_it_has_gone(start: Start) -> None:
    process = start('supervise(Program("a", lambda: (say("began"), until_told())), until_closed=0)')
    line(process)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_when_it_is_killed_its_processes_end(start: Start) -> None:
    process = start('supervise(Program("a", lambda: (say("began"), until_told())))')
    pid = int(line(process)[1])
    watched = os.pidfd_open(pid)
    process.kill()
    process.wait()
    assert select.select([watched], [], [], 10)[0] == [watched]
    os.close(watched)


@pytest.mark.skipif(sys.platform != "linux", reason="watches a process by its descriptor")
def test_what_a_killed_process_started_ends_with_it(start: Start) -> None:
    body = """
def parent():
    if os.fork() == 0:
        say("grandchild")
        until_told()
    say("child")
    until_told()
supervise(Program("a", parent))
"""
    process = start(body)
    pids = {word: int(pid) for word, pid in (line(process) for _ in range(2))}
    watched = os.pidfd_open(pids["grandchild"])
    os.kill(pids["child"], signal.SIGKILL)
    assert select.select([watched], [], [], 10)[0] == [watched]
    os.close(watched)
    process.terminate()


def test_a_process_starts_when_it_may(start: Start, tmp_path: Path) -> None:
    body = f"""
go = Path({str(tmp_path / "go")!r})
supervise(
    Program("late", lambda: (say("late"), until_told()), go.exists),
    Program("early", lambda: (say("early"), go.touch(), until_told())),
)
"""
    process = start(body)
    assert [line(process)[0] for _ in range(2)] == ["early", "late"]
    process.terminate()
    process.wait()


def test_descriptors_such_as_a_lock_stay_with_the_supervisor(start: Start) -> None:
    body = """
lock = os.open("/dev/null", os.O_RDONLY)
def check():
    try: os.fstat(lock); say("kept")
    except OSError: say("left")
    until_told()
supervise(Program("a", check), leave=(lock,))
"""
    process = start(body)
    assert line(process)[0] == "left"
    process.terminate()
    process.wait()
