"""Runs one job's commands by bash in a fresh checkout, as GitLab's shell executor does."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.sandbox.ci.trace import Trace, command_echo
from bot.sandbox.repository import ENVIRONMENT, PATH, GitError, Repository

# python3 is the one that runs the sandbox, wherever the machine keeps its own.
JOB_PATH = f"{Path(sys.executable).parent}:{PATH}"
CHUNK = 65536


@dataclass(frozen=True)
class Work:
    """Everything needed to run one job once."""

    job: int
    project: str
    sha: str
    ref: str
    script: list[str]
    after_script: list[str]
    variables: dict[str, str]
    secrets: list[str]
    timeout: float


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `reason` is GitLab's `failure_reason`, None after a success."""

    status: str
    exit_code: int | None = None
    reason: str | None = None


@dataclass
class Cancellation:
    """Lets another thread end a running job."""

    asked: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None

    def cancel(self) -> None:
        """End the job's processes, now or as soon as there are any."""
        self.asked.set()
        if self.process is not None:
            _end(self.process)


def run(
    work: Work,
    repository: Repository,
    *,
    trace_path: Path,
    scratch: Path,
    now: Callable[[], datetime],
    cancellation: Cancellation,
) -> Outcome:
    """Run a job and write its trace to `trace_path`.

    Args:
        work: What to run.
        repository: Where the checkout comes from.
        trace_path: The file of the trace; it grows while the job runs.
        scratch: A folder for the checkout, which is removed afterwards.
        now: The clock, for the trace's sections.
        cancellation: Ends the job from another thread.
    """
    trace = Trace(trace_path, now, work.secrets)
    trace.header(work.job, work.project)
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
        checkout = Path(folder) / "builds" / work.project
        trace.open_section("get_sources", "Getting source from Git repository")
        try:
            _check_out(repository, work, checkout)
        except GitError as error:
            trace.line(f"fatal: {error}")
            trace.close_section("get_sources")
            trace.failed("could not get the sources")
            return Outcome("failed", None, "runner_system_failure")
        trace.line(f"Checking out {work.sha[:8]} as detached HEAD (ref is {work.ref})...")
        trace.close_section("get_sources")
        environment = {
            **ENVIRONMENT,
            **work.variables,
            "PATH": JOB_PATH,
            "HOME": folder,
            "CI_PROJECT_DIR": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        trace.open_section("step_script", 'Executing "step_script" stage of the job script')
        code, timed_out = _bash(
            work.script,
            checkout,
            environment=environment,
            trace=trace,
            timeout=work.timeout,
            cancellation=cancellation,
        )
        trace.close_section("step_script")
        if work.after_script and not cancellation.asked.is_set():
            trace.open_section("after_script", "Running after_script")
            status = {"CI_JOB_STATUS": "success" if code == 0 else "failed"}
            _bash(
                work.after_script,
                checkout,
                environment={**environment, **status},
                trace=trace,
                timeout=work.timeout,
                cancellation=cancellation,
            )
            trace.close_section("after_script")
    return _outcome(work, trace, code, timed_out=timed_out, canceled=cancellation.asked.is_set())


def _outcome(work: Work, trace: Trace, code: int, *, timed_out: bool, canceled: bool) -> Outcome:
    if canceled:
        trace.failed("canceled")
        return Outcome("canceled")
    if timed_out:
        trace.failed(f"execution took longer than {_words(work.timeout)} seconds")
        return Outcome("failed", None, "job_execution_timeout")
    if code != 0:
        trace.failed(f"exit code {code}")
        return Outcome("failed", code, "script_failure")
    trace.succeeded()
    return Outcome("success", 0)


def _words(timeout: float) -> str:
    hours, rest = divmod(int(timeout), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{seconds}s"


def _check_out(repository: Repository, work: Work, checkout: Path) -> None:
    checkout.parent.mkdir(parents=True)
    repository.git("clone", "--quiet", "--shared", "--no-checkout", str(repository.path), str(checkout))
    repository.git(
        "-C",
        str(checkout),
        f"--git-dir={checkout}/.git",
        f"--work-tree={checkout}",
        "checkout",
        "--quiet",
        "--detach",
        work.sha,
    )


def _bash(
    commands: list[str],
    folder: Path,
    *,
    environment: dict[str, str],
    trace: Trace,
    timeout: float,
    cancellation: Cancellation,
) -> tuple[int, bool]:
    # The runner too makes one script of all commands, so that variables and `cd` carry over.
    lines = ["set -eo pipefail", "set +o noclobber"]
    for command in commands:
        lines += [f"printf '%s\\n' {shlex.quote(command_echo(command))}", command]
    process = subprocess.Popen(  # noqa: S603 - running the pipeline's scripts is what a runner is for
        ["bash", "-c", "\n".join(lines)],  # noqa: S607 - found on the job's PATH
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    cancellation.process = process
    if cancellation.asked.is_set():
        _end(process)
    late = threading.Event()

    def overdue() -> None:
        late.set()
        _end(process)

    timer = threading.Timer(timeout, overdue)
    timer.daemon = True
    timer.start()
    try:
        if process.stdout is not None:
            with process.stdout:
                while data := os.read(process.stdout.fileno(), CHUNK):
                    trace.write(data)
        code = process.wait()
    finally:
        timer.cancel()
        # What the script left behind in the background ends with the job.
        _end(process)
    # 128 + n is how a shell reports an end by signal n.
    return (code if code >= 0 else 128 - code), late.is_set()


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
