"""Judges the conditions of `rules:`: GitLab's small expression language over variables, and changed files."""

import fnmatch
import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<op>==|!=|=~|!~|&&|\|\||\(|\))|\$(?:\{(?P<braced>\w+)\}|(?P<name>\w+))"""
    r"""|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<null>null)\b|/(?P<regex>(?:\\.|[^/\\])*)/(?P<flags>[a-z]*))"""
)
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class RuleError(Exception):
    """A condition is no valid expression."""


def holds(rule: dict[str, Any], variables: dict[str, str], changed: Callable[[], list[str]]) -> bool:
    """Tell whether one entry of `rules:` applies.

    Raises:
        RuleError: if its `if` is no valid expression.
    """
    if "if" in rule and not evaluate(str(rule["if"]), variables):
        return False
    if "changes" in rule:
        patterns = rule["changes"].get("paths", []) if isinstance(rule["changes"], dict) else rule["changes"]
        files = changed()
        return any(fnmatch.fnmatch(file, str(pattern).replace("**/", "*")) for pattern in patterns for file in files)
    return True


def expand(text: str, variables: dict[str, str]) -> str:
    """Replace `$NAME` and `${NAME}` by their values, once; unknown ones by nothing."""
    return _REFERENCE.sub(lambda found: variables.get(found[1] or found[2], ""), text)


def evaluate(expression: str, variables: dict[str, str]) -> bool:
    """Evaluate an `if:` expression.

    Raises:
        RuleError: if it is not valid.
    """
    reader = _Reader(expression, variables)
    value = reader.either()
    if reader.tokens:
        raise RuleError(f"rules:rule if invalid expression syntax: {expression}")
    return _true(value)


Value = str | re.Pattern[str] | bool | None


class _Reader:
    """A descent over `||`, `&&`, comparisons and operands."""

    def __init__(self, expression: str, variables: dict[str, str]) -> None:
        self.expression = expression
        self.variables = variables
        self.tokens: list[tuple[str, Value]] = []
        position = 0
        while position < len(expression.rstrip()):
            found = _TOKEN.match(expression, position)
            if not found:
                raise RuleError(f"rules:rule if invalid expression syntax: {expression}")
            self.tokens.append(self._token(found))
            position = found.end()

    def _token(self, found: re.Match[str]) -> tuple[str, Value]:
        if found["op"]:
            return found["op"], None
        if name := found["braced"] or found["name"]:
            return "value", self.variables.get(name)
        if found["regex"] is not None:
            try:
                return "value", re.compile(found["regex"], re.IGNORECASE if "i" in found["flags"] else 0)
            except re.error:
                raise RuleError(f"rules:rule if invalid expression syntax: {self.expression}") from None
        return "value", None if found["null"] else found["double"] if found["double"] is not None else found["single"]

    def _next(self, *kinds: str) -> str | None:
        if self.tokens and self.tokens[0][0] in kinds:
            return self.tokens.pop(0)[0]
        return None

    def either(self) -> Value:
        value = self._both()
        while self._next("||"):
            other = self._both()
            value = _true(value) or _true(other)
        return value

    def _both(self) -> Value:
        value = self._comparison()
        while self._next("&&"):
            other = self._comparison()
            value = _true(value) and _true(other)
        return value

    def _comparison(self) -> Value:
        left = self._operand()
        operator = self._next("==", "!=", "=~", "!~")
        if operator is None:
            return left
        right = self._operand()
        if operator in {"==", "!="}:
            return (left == right) == (operator == "==")
        matched = isinstance(right, re.Pattern) and bool(right.search(str(left or "")))
        return matched == (operator == "=~")

    def _operand(self) -> Value:
        if self._next("("):
            value = self.either()
            if not self._next(")"):
                raise RuleError(f"rules:rule if invalid expression syntax: {self.expression}")
            return value
        if not self.tokens or self.tokens[0][0] != "value":
            raise RuleError(f"rules:rule if invalid expression syntax: {self.expression}")
        return self.tokens.pop(0)[1]


def _true(value: Value) -> bool:
    return value is True or isinstance(value, re.Pattern) or (isinstance(value, str) and value != "")
