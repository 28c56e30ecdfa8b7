"""Changes single keys of a `.gitlab-ci.yml` and leaves every other letter of it as it is."""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

_TOP_LEVEL = frozenset(
    (
        *("stages", "variables", "default", "workflow", "include", "image", "services", "cache"),
        *("before_script", "after_script", "spec", "pages"),
    )
)
_DEEPEST = 10
_SUFFIX = re.compile(r"(?: \d+/\d+|: \[.*\])$")
_SCALAR = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^#\n]*?)(?=\s*(?:\s#.*)?$)""")
_PLAIN = re.compile(r"(?:[A-Za-z_]|\d+ [A-Za-z])[A-Za-z0-9_ ./-]*")


class NotEditable(Exception):
    """The file, or the job in it, is written in a way that is not changed by a machine; the message says which."""


class CiFile:
    """A CI file's text, and what its jobs come to.

    Args:
        text: the file.

    Raises:
        NotEditable: it is no YAML that can be read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._document = _parsed(text)

    @property
    def jobs(self) -> list[str]:
        """The names of its jobs, without hidden ones."""
        return [
            str(name)
            for name, body in self._document.items()
            if isinstance(body, dict) and str(name) not in _TOP_LEVEL and not str(name).startswith(".")
        ]

    @property
    def bodies(self) -> list[str]:
        """The names of its jobs, hidden ones too."""
        return [
            str(name) for name, body in self._document.items() if isinstance(body, dict) and str(name) not in _TOP_LEVEL
        ]

    def name_of(self, job: str) -> str:
        """The key of a job that GitLab names with a number or a matrix behind it.

        Raises:
            NotEditable: it is not in this file.
        """
        for name in (job, _SUFFIX.sub("", job)):
            if name in self._document and isinstance(self._document[name], dict):
                return name
        raise NotEditable(f"{job} is not configured in this file itself")

    def value(self, job: str, key: str) -> Any:
        """What a job has for a key, by itself, by what it extends, or by default; None where nothing says."""
        found = self._extended(self.name_of(job), key, 0)
        if found is not None:
            return found
        default = self._document.get("default")
        if isinstance(default, dict) and key in default:
            return default[key]
        return self._document.get(key) if key in {"before_script", "after_script", "cache", "image"} else None

    def _extended(self, name: str, key: str, depth: int) -> Any:
        body = self._document.get(name)
        if not isinstance(body, dict) or depth > _DEEPEST:
            return None
        if key in body:
            return body[key]
        parents = body.get("extends", [])
        for parent in reversed([parents] if isinstance(parents, str) else list(parents)):
            found = self._extended(str(parent), key, depth + 1)
            if found is not None:
                return found
        return None

    def variables(self, job: str) -> dict[str, str]:
        """The variables that the file gives a job."""
        merged: dict[str, str] = {}
        for source in (self._document.get("variables"), self.value(job, "variables")):
            if isinstance(source, dict):
                for key, value in source.items():
                    merged[str(key)] = str(value.get("value", "") if isinstance(value, dict) else value)
        return merged

    def script(self, job: str) -> list[str]:
        """The commands that a job runs."""
        commands: list[str] = []
        for key in ("before_script", "script"):
            commands += _flat(self.value(job, key))
        return commands

    def set_key(self, job: str, key: str, value: str) -> CiFile:
        """The file with a one-line key of a job set.

        Args:
            job: the job.
            key: the key, such as "timeout".
            value: its value as YAML on one line, such as "20 minutes".

        Raises:
            NotEditable: the job is not written as a block here, or has the key in several lines.
        """
        name = self.name_of(job)
        return self._set(self._document[name], (name,), key, value)

    def set_variable(self, job: str, key: str, value: str) -> CiFile:
        """The file with a variable of a job set; the job's own `variables` are made where it has none.

        Raises:
            NotEditable: as `set_key`.
        """
        name = self.name_of(job)
        body = self._document[name]
        quoted = f'"{value}"'
        own = body.get("variables")
        if isinstance(own, CommentedMap) and own:
            return self._set(own, (name, "variables"), key, quoted)
        if own is not None:
            raise NotEditable(f"the variables of {name} are not written as a block")
        indent = self._indent(body, name)
        return self._insert(body, (name, "variables", key), [f"{indent}variables:", f"{indent}  {key}: {quoted}"])

    def replace_variable(self, key: str, old: str, new: str) -> CiFile:
        """The file with a variable's value replaced wherever it has the old one.

        Raises:
            NotEditable: no variable of the file has that value.
        """
        return self._replaced_lines(
            re.compile(rf"^(\s+{re.escape(key)}\s*:\s*)([\"']?){re.escape(old)}\2(\s*(?:#.*)?)$"), new
        )

    def rename_variable(self, old: str, new: str) -> CiFile:
        """The file with a variable's name replaced where it is set.

        Raises:
            NotEditable: it is not set in a line of its own.
        """
        changed = re.sub(rf"(?m)^(\s+){re.escape(old)}(\s*:)", rf"\g<1>{new}\2", self.text)
        return self._checked(changed)

    def replace_stage(self, old: str, new: str) -> CiFile:
        """The file with the stage of jobs replaced.

        Raises:
            NotEditable: no job has that stage in a line of its own.
        """
        return self._replaced_lines(re.compile(rf"^(\s+stage\s*:\s*)([\"']?){re.escape(old)}\2(\s*(?:#.*)?)$"), new)

    def replace_reference(self, old: str, new: str) -> CiFile:
        """The file with another job's name replaced, if it stands in one place only, and there as one that a job refers to.

        Raises:
            NotEditable: it stands elsewhere, too.
        """
        word = re.compile(rf"(?<![\w./-]){re.escape(old)}(?![\w./-])")
        lines = self._lines()
        at = [number for number, line in enumerate(lines) if word.search(line.partition(" #")[0])]
        if len(at) != 1 or not re.match(r"\s+(?:-|(?:needs|extends|job|dependencies)\s*:)", lines[at[0]]):
            raise NotEditable(f"{old} stands in more places than one")
        lines[at[0]] = word.sub(new, lines[at[0]], count=1)
        return self._checked("\n".join(lines))

    def replace_in_script(self, old: str, new: str) -> CiFile:
        """The file with a part of a command replaced, in the lines that hold it.

        Raises:
            NotEditable: no line holds it.
        """
        return self._checked(self.text.replace(old, new))

    def _replaced_lines(self, pattern: re.Pattern[str], new: str) -> CiFile:
        lines = [
            pattern.sub(lambda found: f"{found[1]}{found[2]}{new}{found[2]}{found[3]}", line) for line in self._lines()
        ]
        return self._checked("\n".join(lines))

    def _checked(self, text: str) -> CiFile:
        if text == self.text:
            raise NotEditable("what is to be changed does not stand in a line of its own")
        return CiFile(text)

    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def _set(self, body: CommentedMap, path: tuple[str, ...], key: str, value: str) -> CiFile:
        if key in body:
            if isinstance(body[key], dict | list):
                raise NotEditable(f"{key} of {path[0]} is written in several lines")
            line, column = body.lc.value(key)
            lines = self._lines()
            text = lines[line]
            found = _SCALAR.match(text[column:])
            if found is None or found[0][:1] in {"|", ">", "&", "*", "!", "{", "["}:
                raise NotEditable(f"{key} of {path[0]} is not a plain value")
            lines[line] = text[:column] + value + text[column + len(found[0].rstrip()) :]
            return self._verified("\n".join(lines), (*path, key))
        return self._insert(body, (*path, key), [f"{self._indent(body, path[0])}{key}: {value}"])

    def _indent(self, body: CommentedMap, name: str) -> str:
        if body.fa.flow_style():
            raise NotEditable(f"{name} is not written as a block")
        own = [key for key in body if key in (body.lc.data or {})]
        if not own:
            raise NotEditable(f"{name} has no key of its own")
        line, column = body.lc.key(own[0])
        indent = str(self._lines()[line][:column])
        if indent.strip():
            raise NotEditable(f"{name} is not written as a block")
        return indent

    def _insert(self, body: CommentedMap, path: tuple[str, ...], new: list[str]) -> CiFile:
        """Insert lines before the job's script, else before its first key."""
        own = [key for key in body if key in (body.lc.data or {})]
        before = next((key for key in ("before_script", "script") if key in own), own[0])
        line, _ = body.lc.key(before)
        lines = self._lines()
        while line > 0 and lines[line - 1].lstrip().startswith("#") and before != own[0]:
            line -= 1  # a comment belongs to the key below it
        lines[line:line] = new
        return self._verified("\n".join(lines), path)

    def _verified(self, text: str, path: tuple[str, ...]) -> CiFile:
        """The changed file, once it is certain that nothing but the one place is different."""
        before, after = _plain(text=self.text), _plain(text=text)
        _without(before, path)
        _without(after, path)
        if before != after:
            raise NotEditable(f"{'.'.join(path)} cannot be changed without changing something else")
        return CiFile(text)


def _parsed(text: str) -> CommentedMap:
    yaml = YAML(typ="rt")
    try:
        document = yaml.load(io.StringIO(text))
    except YAMLError as error:
        raise NotEditable("it is not valid YAML") from error
    if not isinstance(document, CommentedMap):
        raise NotEditable("it is not a mapping")
    return document


def _plain(*, text: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise NotEditable("it would not be valid YAML") from error


def _without(document: Any, path: tuple[str, ...]) -> None:
    """Take a place out, and the mappings on the way that are empty then."""
    if not isinstance(document, dict) or path[0] not in document:
        return
    if len(path) == 1:
        del document[path[0]]
        return
    _without(document[path[0]], path[1:])
    if document[path[0]] == {}:
        del document[path[0]]


def _flat(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines()
    if isinstance(value, list):
        return [line for entry in value for line in _flat(entry)]
    return []


def in_yaml(value: str) -> str:
    """A text as a one-line YAML value, quoted where it has to be."""
    if _PLAIN.fullmatch(value) and value.casefold() not in {"true", "false", "yes", "no", "on", "off", "null"}:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
