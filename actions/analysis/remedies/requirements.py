"""Python requirements in the files that projects keep them in, read and changed line by line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import PurePosixPath

from actions.analysis.remedies.names import normalised

_REQUIREMENT = re.compile(
    r"^(?P<indent>\s*)(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<extras>\[[^\]]*\])?\s*(?P<spec>(?:[<>=!~]=?=?[^;#\s,]+\s*,?\s*)*)"
    r"(?P<rest>\s*(?:;[^#]*)?(?:\s*#.*)?)$"
)
_QUOTED = re.compile(r"""(["'])(?P<requirement>[^"']+)\1""")
_INSTALLED = re.compile(r"(?:-r|--requirement)[ =]\s*(\S+)")
_USES_SELF = re.compile(r"\b(?:pip3?|uv pip)\s+install\b.*?(?:\s|^)(?:-e\s+)?[\"']?\.(?:\[[^\]]*\])?[\"']?(?:\s|$)")
_OWN_EXTRAS = re.compile(r"\b(?:pip3?|uv pip)\s+install\b.*?[\s\"']\.\[([^\]]+)\]")
LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "conda-lock.yml", "pixi.lock")


class NotEditable(Exception):
    """The file is written in a way that is not changed by a machine; the message says which."""


@dataclass(frozen=True)
class Requirement:
    """One requirement in a file.

    Attributes:
        line: its line's index.
        name: as it is written.
        spec: its version specifier, such as "==2.31.0"; empty where there is none.
    """

    path: str
    line: int
    name: str
    spec: str


def files(paths: Sequence[str]) -> list[str]:
    """The files that may hold requirements, those at the root first."""
    found = [
        path
        for path in paths
        if (path.endswith(".txt") and "requirements" in path.lower() and path.count("/") <= 1)
        or path in {"pyproject.toml", "setup.cfg", "constraints.txt"}
    ]
    return sorted(found, key=lambda path: (path.count("/"), path != "requirements.txt", path))


def is_constraints(path: str) -> bool:
    """Whether a file only says which versions are allowed, and asks for nothing."""
    return PurePosixPath(path).name.startswith("constraints")


def extras_of(script: Sequence[str]) -> list[str]:
    """The extras of the project itself that a job's commands install, such as "test" in `pip install .[test]`."""
    named = [found[1] for command in script if (found := _OWN_EXTRAS.search(command))]
    return [extra.strip() for names in named for extra in names.split(",")]


def installed_by(script: Sequence[str]) -> list[str]:
    """The requirement files that a job's commands install; "." for the project itself."""
    found: list[str] = []
    for command in script:
        found += [str(PurePosixPath(path.strip("\"'"))) for path in _INSTALLED.findall(command)]
        if _USES_SELF.search(command):
            found.append(".")
    return found


def read(path: str, text: str) -> list[Requirement]:
    """The requirements that a file holds."""
    if path == "pyproject.toml":
        spans = [_array(text), *(_array(text, extra) for extra in extras(text))]
        return [each for span in spans if span for each in _quoted(path, text, span)]
    if path == "setup.cfg":
        span = _install_requires(text)
        return _plain(path, text, span) if span else []
    return _plain(path, text, (0, len(text.split("\n"))))


def _plain(path: str, text: str, span: tuple[int, int]) -> list[Requirement]:
    found = []
    for number, line in enumerate(text.split("\n")):
        if (
            span[0] <= number < span[1]
            and (match := _REQUIREMENT.match(line))
            and not line.lstrip().startswith(("-", "#"))
        ):
            found.append(Requirement(path, number, match["name"], match["spec"].strip().rstrip(",")))
    return found


def _quoted(path: str, text: str, span: tuple[int, int]) -> list[Requirement]:
    found = []
    for number, line in enumerate(text.split("\n")):
        if not span[0] <= number <= span[1]:
            continue
        found += [
            Requirement(path, number, match["name"], match["spec"].strip())
            for quoted in _QUOTED.finditer(line.partition("#")[0])
            if (match := _REQUIREMENT.match(quoted["requirement"]))
        ]
    return found


def add(path: str, text: str, requirement: str, *, extra: str = "") -> str:
    """The file with one more requirement, in order where the file is in order.

    Args:
        path: the file's path, which says how it is written.
        text: the file.
        requirement: what to add.
        extra: the extra of the project in pyproject.toml that it is for; what the project always needs where it is empty.

    Raises:
        NotEditable: the file is made by a tool, pins hashes, or has no place for it.
    """
    _check(path, text)
    if path == "pyproject.toml":
        return _added_to_array(text, requirement, extra)
    if path == "setup.cfg":
        span = _install_requires(text)
        if span is None:
            raise NotEditable("setup.cfg has no install_requires")
        return _added(path, text, requirement, span)
    return _added(path, text, requirement, (0, len(text.split("\n"))))


def change(path: str, text: str, name: str, old: str, new: str) -> str:
    """The file with the version specifier of a requirement changed.

    Raises:
        NotEditable: the file is made by a tool, pins hashes, or does not have it so.
    """
    _check(path, text)
    lines = text.split("\n")
    for each in read(path, text):
        if normalised(each.name) == normalised(name) and each.spec == old:
            lines[each.line] = lines[each.line].replace(f"{old}", new, 1)
            return "\n".join(lines)
    raise NotEditable(f"{path} does not have {name}{old}")


def without(path: str, text: str, line: int) -> str:
    """The file without one line.

    Raises:
        NotEditable: the file is made by a tool or pins hashes.
    """
    _check(path, text)
    lines = text.split("\n")
    del lines[line]
    return "\n".join(lines)


def _check(path: str, text: str) -> None:
    if "--hash=" in text:
        raise NotEditable(f"{path} pins hashes, which only the tool that made it can renew")
    if "autogenerated by pip-compile" in text or "autogenerated by uv" in text:
        raise NotEditable(f"{path} is made by a tool from another file, which is the one to change")


def _added(path: str, text: str, requirement: str, span: tuple[int, int]) -> str:
    lines = text.split("\n")
    present = _plain(path, text, span)
    names = [normalised(each.name) for each in present]
    mine = normalised(re.split(r"[<>=!~\[]", requirement, maxsplit=1)[0])
    indent = ""
    if present:
        first = lines[present[0].line]
        indent = first[: len(first) - len(first.lstrip())]
    at = (present[-1].line + 1) if present else _end(lines, span)
    if len(names) > 1 and names == sorted(names):
        later = [each.line for each, name in zip(present, names, strict=True) if name > mine]
        at = later[0] if later else at
    lines.insert(at, indent + requirement)
    return "\n".join(lines) if lines[-1] == "" or at < len(lines) - 1 else "\n".join(lines) + "\n"


def _end(lines: list[str], span: tuple[int, int]) -> int:
    end = min(span[1], len(lines))
    while end > span[0] and not lines[end - 1].strip():
        end -= 1
    return end


def extras(text: str) -> list[str]:
    """The extras of a pyproject.toml."""
    try:
        found = tomllib.loads(text).get("project", {}).get("optional-dependencies", {})
    except tomllib.TOMLDecodeError:
        return []
    return list(found)


def own_name(path: str, text: str) -> str:
    """The name that a project gives itself in pyproject.toml or setup.cfg, normalised; empty where it gives none."""
    try:
        if path == "pyproject.toml":
            return normalised(str(tomllib.loads(text).get("project", {}).get("name", "")))
        if path == "setup.cfg":
            parser = ConfigParser(interpolation=None)
            parser.read_string(text)
            return normalised(parser.get("metadata", "name", fallback=""))
    except (tomllib.TOMLDecodeError, ConfigError):
        pass
    return ""


def _array(text: str, extra: str = "") -> tuple[int, int] | None:
    """The lines of `dependencies = [...]` under `[project]`, or of an extra under `[project.optional-dependencies]`."""
    wanted, key = ("project.optional-dependencies", re.escape(extra)) if extra else ("project", "dependencies")
    section, begin = "", -1
    for number, line in enumerate(text.split("\n")):
        if header := re.match(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$", line):
            section = header[1].strip()
        if section == wanted and begin < 0 and re.match(rf"\s*\"?{key}\"?\s*=\s*\[", line):
            begin = number
        if begin >= 0 and re.search(r"\]\s*(?:#.*)?$", line):
            return begin, number
    return None


def _added_to_array(text: str, requirement: str, extra: str) -> str:
    span = _array(text, extra)
    if span is None:
        raise NotEditable("pyproject.toml has no [project] dependencies")
    lines = text.split("\n")
    before = _dependencies(text, extra)
    if span[0] == span[1]:
        line = lines[span[0]]
        at = line.rindex("]")
        comma = ", " if _QUOTED.search(line) and not line[:at].rstrip().endswith(",") else ""
        lines[span[0]] = f'{line[:at].rstrip()}{comma}"{requirement}"{line[at:]}'
    else:
        last = span[1] - 1
        while last > span[0] and not _QUOTED.search(lines[last].partition("#")[0]):
            last -= 1
        indent = re.match(r"\s*", lines[last])
        pad = indent[0] if indent and last > span[0] else "    "
        if last > span[0] and not lines[last].partition("#")[0].rstrip().endswith(","):
            code, mark, comment = lines[last].partition("#")
            lines[last] = f"{code.rstrip()},{'  ' + mark + comment if mark else ''}"
        lines.insert(last + 1, f'{pad}"{requirement}",')
    changed = "\n".join(lines)
    if _dependencies(changed, extra) != [*before, requirement]:
        raise NotEditable("the dependencies of pyproject.toml are not written one by one")
    return changed


def _dependencies(text: str, extra: str) -> list[str]:
    try:
        project = tomllib.loads(text).get("project", {})
        found = project.get("optional-dependencies", {}).get(extra, []) if extra else project.get("dependencies", [])
    except tomllib.TOMLDecodeError as error:
        raise NotEditable("pyproject.toml is not valid TOML") from error
    return [str(each) for each in found]


def _install_requires(text: str) -> tuple[int, int] | None:
    """The lines under `install_requires` in `[options]`."""
    try:
        parser = ConfigParser(interpolation=None)
        parser.read_string(text)
    except ConfigError as error:
        raise NotEditable("setup.cfg cannot be read") from error
    if not parser.has_option("options", "install_requires"):
        return None
    section, begin = "", -1
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if begin >= 0 and line.strip() and not line[:1].isspace():
            return begin, number
        if header := re.match(r"\[(.+)\]\s*$", line):
            section = header[1]
        elif section == "options" and re.match(r"install_requires\s*=\s*$", line):
            begin = number + 1
    return (begin, len(lines)) if begin >= 0 else None
