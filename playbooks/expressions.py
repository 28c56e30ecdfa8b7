"""Expressions in playbooks: comparisons and logic over plain data, interpreted node by node; nothing of Python is run.

They may hold names, dotted and indexed access, constants, lists, `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `not in`, `and`,
`or`, `not`, and the functions `startswith`, `endswith`, `contains`, `lower` and `size`. What is not there is null.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

LONGEST, DEEPEST = 500, 30


class BadExpression(ValueError):
    """An expression that is not allowed, or cannot be read."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"“{text[:80]}” {why}")


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "startswith": (2, lambda text, part: str(text).startswith(str(part))),
    "endswith": (2, lambda text, part: str(text).endswith(str(part))),
    "contains": (2, lambda text, part: part in text),
    "lower": (1, lambda text: str(text).lower()),
    "size": (1, len),
}
_CONSTANTS = {"true": True, "false": False, "null": None}


def check(text: str) -> None:
    """See whether an expression is allowed.

    Raises:
        BadExpression: it is not, or cannot be read.
    """
    _checked(_parsed(text), text, 0)


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """What an expression comes to.

    Args:
        text: the expression.
        names: what its names stand for, as plain data.

    Raises:
        BadExpression: it is not allowed, cannot be read, or compares what cannot be compared.
    """
    node = _parsed(text)
    _checked(node, text, 0)
    try:
        return _value(node, names)
    except (TypeError, ValueError) as error:
        raise BadExpression(text, f"cannot be worked out: {error}") from error


def reads(text: str) -> list[tuple[str | None, ...]]:
    """The paths that an expression reads, such as ("event", "facts", "ref"); None stands for what is worked out only then.

    Raises:
        BadExpression: it cannot be read.
    """
    found: list[tuple[str | None, ...]] = []
    _gather(_parsed(text), found)
    return found


def _gather(node: ast.AST, found: list[tuple[str | None, ...]]) -> None:
    path: list[str | None] = []
    here = node
    while isinstance(here, ast.Attribute | ast.Subscript):
        if isinstance(here, ast.Attribute):
            path.append(here.attr)
        else:
            key = here.slice
            path.append(str(key.value) if isinstance(key, ast.Constant) else None)
            _gather(key, found)
        here = here.value
    if isinstance(here, ast.Name):
        if here.id not in _CONSTANTS:
            found.append((here.id, *reversed(path)))
        return
    # A function's name is no value.
    inner = here.args if isinstance(here, ast.Call) else ast.iter_child_nodes(here)
    for child in inner:
        _gather(child, found)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise BadExpression(text, f"is longer than {LONGEST} characters")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadExpression(text, "is no expression") from None


_ALLOWED = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.Compare,
    ast.BoolOp,
    ast.UnaryOp,
    ast.List,
    ast.Call,
)
_PARTS = (ast.expr_context, ast.boolop, ast.unaryop, ast.cmpop)


def _checked(node: ast.AST, text: str, depth: int) -> None:
    if depth > DEEPEST:
        raise BadExpression(text, "is nested too deeply")
    if isinstance(node, _PARTS):
        return
    if not isinstance(node, _ALLOWED):
        raise BadExpression(text, f"holds what an expression may not ({type(node).__name__})")
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        raise BadExpression(text, "may negate by `not` alone")
    if isinstance(node, ast.Compare) and any(type(op) not in _COMPARISONS for op in node.ops):
        raise BadExpression(text, "compares in a way it may not")
    if isinstance(node, ast.Call):
        arity = _FUNCTIONS.get(node.func.id, (-1, None))[0] if isinstance(node.func, ast.Name) else -1
        if node.keywords or arity != len(node.args):
            raise BadExpression(text, f"calls something else than {', '.join(_FUNCTIONS)}")
        for argument in node.args:
            _checked(argument, text, depth + 1)
        return
    for child in ast.iter_child_nodes(node):
        _checked(child, text, depth + 1)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one for each kind of node
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _CONSTANTS[name] if name in _CONSTANTS else names.get(name)
        case ast.Attribute(value=inner, attr=key):
            found = _value(inner, names)
            return found.get(key) if isinstance(found, Mapping) else None
        case ast.Subscript(value=inner, slice=index):
            return _item(_value(inner, names), _value(index, names))
        case ast.List(elts=elements):
            return [_value(each, names) for each in elements]
        case ast.UnaryOp(operand=operand):
            return not _value(operand, names)
        case ast.BoolOp(op=op, values=values):
            results = (_value(each, names) for each in values)
            return all(results) if isinstance(op, ast.And) else any(results)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name][1](*(_value(each, names) for each in arguments))
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [_value(each, names) for each in (left, *others)]
            return all(_COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, values, values[1:], strict=False))
    return None


def _item(found: Any, index: Any) -> Any:
    if isinstance(found, Mapping):
        return found.get(index)
    if isinstance(found, list | tuple) and isinstance(index, int) and -len(found) <= index < len(found):
        return found[index]
    return None
