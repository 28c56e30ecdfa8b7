"""Asks pip and npm whether a package exists, under a project's own configuration; nothing of any package is ever run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from actions.core.errors import NotConnected, Unreachable

TIMEOUT = 45.0
_PATH = "/usr/local/bin:/usr/bin:/bin"
_NAME = {
    "python": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,99})"),
    "npm": re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]{0,120}"),
}
_OPTIONS = re.compile(
    r"(?m)^\s*(--(?:index-url|extra-index-url|find-links|trusted-host)|-[if])[ =]\s*(\S+)|^\s*(--no-index|--pre)\s*$"
)
_SAID = re.compile(r"(?m)^PIP_(INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST)=(.+)$")
_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+?)-(?P<version>\d[^-]*)(?:-[^/]*\.whl|\.tar\.gz)$")
_AVAILABLE = re.compile(r"Available versions: (.+)")
_LOCKED = re.compile(r"(?:[\w@.-]+/)*package(?:-lock)?\.json")
"""What npm reads to write a lock: at the root and in workspaces."""
_LONG = {"-i": "--index-url", "-f": "--find-links"}


class PackageManagers:
    """pip and npm on this machine, each in an empty folder and a clean environment.

    Args:
        npm: the npm program; None where there is none.
    """

    def __init__(self, npm: str | None) -> None:
        self._npm = npm

    def versions(self, ecosystem: Literal["python", "npm"], name: str, settings: Mapping[str, str]) -> Sequence[str]:
        """The versions of a package, newest first; none where it is not found."""
        if not _NAME[ecosystem].fullmatch(name):
            return ()
        return self._of_npm(name, settings) if ecosystem == "npm" else self._of_pip(name, settings)

    def _of_pip(self, name: str, settings: Mapping[str, str]) -> Sequence[str]:
        options = pip_options(settings)
        folders = [value for option, value in options if option == "--find-links" and "://" not in value]
        beside = _in_repository(name, folders, settings.get("paths", ""))
        if beside or ("--no-index", "") in options:
            return beside
        arguments = [
            part
            for option, value in options
            if (option, value) not in _local(options)
            for part in (option, value)
            if part
        ]
        with tempfile.TemporaryDirectory(prefix="shipmate-pip-") as folder:
            environment = {"PATH": _PATH, "HOME": folder, "PIP_CONFIG_FILE": self._pip_conf(folder, settings)}
            ran = self._run(
                [sys.executable, "-m", "pip", "index", "versions", name, "--disable-pip-version-check", *arguments],
                Path(folder),
                environment,
            )
        if ran.returncode == 0 and (found := _AVAILABLE.search(ran.stdout)):
            return [version.strip() for version in found[1].split(",")]
        if "No matching distribution" in ran.stderr + ran.stdout:
            # pip says the same of a package that is not there and of an index that does not answer.
            if re.search(r"(?i)retrying|connection|timed? ?out|proxy|temporary failure", ran.stderr):
                raise Unreachable("pip", f"pip could not find out whether there is a package “{name}”.")
            return ()
        raise Unreachable("pip", f"pip could not find out whether there is a package “{name}”.")

    @staticmethod
    def _pip_conf(folder: str, settings: Mapping[str, str]) -> str:
        text = settings.get("pip.conf") or settings.get(".pip/pip.conf")
        if text is None:
            return "/dev/null"
        path = Path(folder, "pip.conf")
        path.write_text(text, encoding="utf-8")
        return str(path)

    def _of_npm(self, name: str, settings: Mapping[str, str]) -> Sequence[str]:
        with tempfile.TemporaryDirectory(prefix="shipmate-npm-") as folder:
            ran = self._run_npm(["view", name, "versions", "--json"], Path(folder), settings)
        if ran.returncode != 0:
            if "E404" in ran.stdout + ran.stderr:
                return ()
            raise Unreachable("npm", f"npm could not find out whether there is a package “{name}”.")
        found = json.loads(ran.stdout or "[]")
        return [str(version) for version in reversed(found if isinstance(found, list) else [found])]

    def lock(self, files: Mapping[str, str]) -> str | None:
        """The package-lock.json that npm itself writes for these files; no package's scripts run."""
        with tempfile.TemporaryDirectory(prefix="shipmate-npm-") as folder:
            for path, text in files.items():
                if _LOCKED.fullmatch(path) and ".." not in path and text:
                    Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
                    Path(folder, path).write_text(text, encoding="utf-8")
            arguments = ["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
            ran = self._run_npm(arguments, Path(folder), files)
            written = Path(folder, "package-lock.json")
            if ran.returncode == 0 and written.exists():
                return written.read_text(encoding="utf-8")
        if re.search(r"ERESOLVE|ETARGET|E404|EINVALIDTAGNAME", ran.stderr):
            return None
        raise Unreachable("npm", "npm could not write the lock file.")

    def _run_npm(
        self, arguments: list[str], folder: Path, settings: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        if self._npm is None:
            raise NotConnected(
                "npm is not installed where Shipmate works, and this needs it.", remedy="Install Node.js."
            )
        if settings.get(".npmrc"):
            (folder / ".npmrc").write_text(settings[".npmrc"], encoding="utf-8")
        home = folder / "home"
        home.mkdir()
        environment = {
            "PATH": f"{Path(self._npm).parent}:{_PATH}",
            "HOME": str(home),
            "npm_config_update_notifier": "false",
        }
        return self._run([self._npm, *arguments], folder, environment)

    @staticmethod
    def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - pip and npm, with names of one alphabet and options of our own
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Unreachable(Path(command[0]).name, "It took too long to find out about the package.") from error


def pip_options(settings: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where the project's own files say that packages come from, as options of pip."""
    options: list[tuple[str, str]] = []
    for path, text in settings.items():
        if path.endswith(".txt"):
            for option, value, bare in _OPTIONS.findall(text):
                options.append((bare, "") if bare else (_LONG.get(option, option), value))
        elif path.endswith(":variables"):
            for key, value in _SAID.findall(text):
                option = "--" + key.lower().replace("_", "-")
                options.append((option, "") if option == "--no-index" else (option, value.strip()))
    return [option for option in dict.fromkeys(options) if option[0] != "--pre"]


def _local(options: list[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(option, value) for option, value in options if option == "--find-links" and "://" not in value}


def _in_repository(name: str, folders: Sequence[str], paths: str) -> list[str]:
    """The versions of a package that lie in a folder of the repository itself, newest first."""
    wanted = re.sub(r"[-_.]+", "-", name).lower()
    local = {each.strip("./") for each in folders}
    found = set()
    for path in paths.splitlines():
        folder, _, file = path.rpartition("/")
        match = _WHEEL.match(file) if folder in local else None
        if match and re.sub(r"[-_.]+", "-", match["name"]).lower() == wanted:
            found.add(match["version"])
    return sorted(found, key=_by_number, reverse=True)


def _by_number(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", version)]
