"""Runs several processes as one: starts them, restarts what ends, passes on what they print, and ends all it started.

Each process is forked from the supervisor after the modules they share have been imported once, so that all of them
are there within moments and share that memory. That is why nothing in Shipmate opens an engine, a client or a thread
when it is imported.
"""

from __future__ import annotations

import gc
import logging
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NamedTuple, NoReturn

from bot.parentage import end_with

_LOG = logging.getLogger(__name__)
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_TICK = 0.02
_TEND = 1.0
_CHUNK = 65_536


class Program(NamedTuple):
    """One process.

    Attributes:
        name: what its lines in the log begin with.
        main: what it does, in a process of its own, until it is sent SIGTERM.
        when: whether it may start yet.
    """

    name: str
    main: Callable[[], object]
    when: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits for what, in seconds.

    Attributes:
        first: before the first restart; each further one waits twice as long.
        longest: before any restart.
        steady: a process that ran this long counts as well again.
        grace: for a process to end after SIGTERM.
    """

    first: float = 0.2
    longest: float = 10.0
    steady: float = 30.0
    grace: float = 10.0


@dataclass
class _Child:
    program: Program
    pid: int = 0
    output: int = -1
    unfinished: bytes = b""
    started: float = 0.0
    due: float = 0.0
    failures: int = 0


@dataclass
class Supervisor:
    """Runs programs until it is told to end.

    Attributes:
        programs: in the order in which they start; they end in the opposite order.
        log: where everything they print is appended, each line with the program's name.
        echo: where it is printed as well, as it is.
        patience: how long to wait for what.
        noted: is told the process ids whenever they change, so that a later supervisor can clear up after a killed one.
        tend: is called every second or so, for what is to be looked after beside the programs.
        until_closed: a file descriptor; end when its other end is closed, because whoever started us has gone.
        leave: file descriptors that the children must not keep, such as a lock.
    """

    programs: Sequence[Program]
    log: Path
    echo: BinaryIO | None = None
    patience: Patience = Patience()
    noted: Callable[[dict[str, int]], object] = lambda _: None
    tend: Callable[[], object] = lambda: None
    until_closed: int | None = None
    leave: Sequence[int] = ()
    _children: list[_Child] = field(default_factory=list, init=False)
    _ending: bool = field(default=False, init=False)
    _selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector, init=False)

    def run(self, prepare: Callable[[], object] = lambda: None) -> int:
        """Run until SIGTERM, SIGINT or SIGHUP.

        Args:
            prepare: is called once, after what may start at once was started: the place to import what the rest share.

        Returns:
            The exit code: 0 where everything ended in time, 1 where something had to be killed.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        former = {number: signal.signal(number, self._told_to_end) for number in _ENDING}
        self._children = [_Child(program) for program in self.programs]
        if self.until_closed is not None:
            self._selector.register(self.until_closed, selectors.EVENT_READ)
        with self.log.open("ab") as log:
            try:
                self._start_due()
                prepare()
                gc.freeze()  # the collector must not touch, and so copy, memory that the processes share
                tended = time.monotonic()
                while not self._ending:
                    if time.monotonic() - tended >= _TEND:
                        self.tend()
                        tended = time.monotonic()
                    self._reap()
                    self._start_due()
                    self._read(log, self._pause())
                return self._end(log)
            finally:
                for number, handler in former.items():
                    signal.signal(number, handler)
                self._selector.close()

    def _told_to_end(self, _: int, __: FrameType | None) -> None:
        self._ending = True

    def _pause(self) -> float:
        return _TICK if any(not child.pid for child in self._children) else 0.25

    def _start_due(self) -> None:
        for child in self._children:
            if not child.pid and not self._ending and time.monotonic() >= child.due and child.program.when():
                self._start(child)

    def _start(self, child: _Child) -> None:
        ours, theirs = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            self._become(child.program, theirs, supervisor)
        os.close(theirs)
        os.set_blocking(ours, False)
        self._selector.register(ours, selectors.EVENT_READ, child)
        child.pid, child.output, child.started = pid, ours, time.monotonic()
        self._note()

    def _become(self, program: Program, output: int, supervisor: int) -> NoReturn:
        """Be the program, in the child."""
        code = 1
        try:
            for number in (*_ENDING, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            end_with(supervisor)
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(source, target)
            kept = [child.output for child in self._children if child.output >= 0]
            parent = [] if self.until_closed in {None, 0} else [self.until_closed]
            for descriptor in (nothing, output, *self.leave, *kept, *parent):
                if descriptor is not None:
                    os.close(descriptor)
            # The selector's own descriptor stays open here, unused: closing the object would unregister the parent's.
            program.main()
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        except KeyboardInterrupt:
            code = 130
        except BaseException:  # noqa: BLE001 - the last resort of a process: into the log, whatever it is
            _LOG.exception("%s broke", program.name)
        finally:
            logging.shutdown()
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        for child in self._children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: _Child, code: int) -> None:
        # Each process leads a group; what it started in it and could not end itself is ended with it.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        ran = time.monotonic() - child.started
        child.failures = 0 if ran >= self.patience.steady else child.failures + 1
        wait = min(self.patience.first * 2 ** (child.failures - 1), self.patience.longest) if child.failures else 0.0
        child.pid, child.due = 0, time.monotonic() + wait
        if not self._ending:
            how = f"signal {-code}" if code < 0 else f"code {code}"
            _LOG.warning("%s ended with %s after %.1f s; it starts again in %.1f s", child.program.name, how, ran, wait)
        self._note()

    def _note(self) -> None:
        self.noted({child.program.name: child.pid for child in self._children if child.pid})

    def _read(self, log: BinaryIO, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.fd == self.until_closed:
                if not os.read(key.fd, _CHUNK):
                    self._selector.unregister(key.fd)
                    self._ending = True
            else:
                self._pass_on(log, key.fd, key.data)

    def _pass_on(self, log: BinaryIO, output: int, child: _Child) -> None:
        chunk = b""
        with suppress(BlockingIOError):
            chunk = os.read(output, _CHUNK)
        *lines, child.unfinished = (child.unfinished + chunk).split(b"\n")
        if not chunk:
            self._selector.unregister(output)
            os.close(output)
            if child.output == output:
                child.output = -1
            lines, child.unfinished = [child.unfinished] if child.unfinished else [], b""
        prefix = f"{child.program.name:<9}| ".encode()
        for line in lines:
            log.write(prefix + line + b"\n")
            if self.echo:
                self.echo.write(line + b"\n")
        log.flush()
        if self.echo:
            with suppress(BrokenPipeError):
                self.echo.flush()

    def _end(self, log: BinaryIO) -> int:
        self._signal(signal.SIGTERM)
        until = time.monotonic() + self.patience.grace
        while any(child.pid for child in self._children) and time.monotonic() < until:
            self._read(log, _TICK)
            self._reap()
        late = [child.program.name for child in self._children if child.pid]
        if late:
            _LOG.warning("killed, for not ending within %g s: %s", self.patience.grace, ", ".join(late))
            self._signal(signal.SIGKILL)
            for child in self._children:
                if child.pid:
                    os.waitpid(child.pid, 0)
                    child.pid = 0
        self._read(log, 0)
        self._note()
        return int(bool(late))

    def _signal(self, number: signal.Signals) -> None:
        for child in reversed(self._children):
            if not child.pid:
                continue
            with suppress(ProcessLookupError):
                # SIGKILL goes to all that the process started as well; anything else is its own to pass on.
                (os.killpg if number is signal.SIGKILL else os.kill)(child.pid, number)
