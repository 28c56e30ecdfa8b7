"""Writes a job's trace as GitLab's runner does: sections, coloured commands, the closing line, masked secrets."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

RUNNER = "gitlab-runner 18.5.0 (sandbox)"
MASK = b"[MASKED]"
_CLEAR, _GREEN, _CYAN, _RED, _RESET = "\x1b[0K", "\x1b[32;1m", "\x1b[36;1m", "\x1b[31;1m", "\x1b[0;m"
_SHORTEST_SECRET = 8  # GitLab masks no shorter values


class Trace:
    """One job's trace, appended to a file while the job runs."""

    def __init__(self, path: Path, now: Callable[[], datetime], secrets: list[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._now = now
        kept = sorted((secret for secret in secrets if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._secrets = re.compile(b"|".join(re.escape(secret.encode()) for secret in kept)) if kept else None
        path.write_bytes(b"")

    def write(self, data: bytes) -> None:
        """Append output, secrets masked."""
        masked = self._secrets.sub(MASK, data) if self._secrets else data
        with self._path.open("ab") as file:
            file.write(masked)

    def line(self, text: str) -> None:
        """Append one line."""
        self.write(f"{text}\n".encode())

    def header(self, job: int, project: str) -> None:
        """Say who runs this."""
        self.line(f"{_CLEAR}Running with {RUNNER}{_RESET}")
        self.line(f"{_CLEAR}  on lanternshop-runner, job {job} of {project}{_RESET}")

    def open_section(self, name: str, title: str) -> None:
        """Begin a section that GitLab's page can fold."""
        self.line(f"section_start:{self._stamp()}:{name}\r{_CLEAR}{_CLEAR}{_CYAN}{title}{_RESET}{_RESET}")

    def close_section(self, name: str) -> None:
        """End a section."""
        self.write(f"section_end:{self._stamp()}:{name}\r{_CLEAR}".encode())

    def succeeded(self) -> None:
        """Write the closing line of a good end."""
        self.line(f"{_GREEN}Job succeeded{_RESET}")

    def failed(self, reason: str) -> None:
        """Write the closing line of a bad end."""
        self.line(f"{_RED}ERROR: Job failed: {reason}\n{_RESET}")

    def _stamp(self) -> int:
        return int(self._now().timestamp())


def command_echo(command: str) -> str:
    """Return what the runner prints before it runs a command; further lines are collapsed, as GitLab's runner does."""
    lines = command.strip().splitlines() or [""]
    more = " # collapsed multi-line command" if len(lines) > 1 else ""
    return f"{_GREEN}$ {lines[0]}{more}{_RESET}"
