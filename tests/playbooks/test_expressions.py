"""Expressions in playbooks: what they come to, and what they may not hold."""

from __future__ import annotations

import pytest

from playbooks.expressions import BadExpression, check, evaluate

NAMES = {"event": {"service": "checkout", "facts": {"ref": "main", "tag": False, "jobs": ["unit", "lint"]}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("event.service", "checkout"),
        ('event.facts.ref == "main" and not event.facts.tag', True),
        ('startswith(event.facts.ref, "shipmate/")', False),
        ('"unit" in event.facts.jobs', True),
        ("size(event.facts.jobs) > 2", False),
        ("event.facts.jobs[1]", "lint"),
        ("event.nothing.of.it", None),
        ("event.nothing == null", True),
        ("1 < 2 < 3", True),
    ],
)
def test_what_an_expression_comes_to(text: str, value: object) -> None:
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "event.__class__()",
        "(lambda: 1)()",
        "[x for x in event]",
        "9 ** 9 ** 9",
        "event.facts.ref % 3",
        'f"{event}"',
        "1 +",
        "not " * 40 + "1",
        "x" * 501,
    ],
)
def test_what_an_expression_may_not_hold(text: str) -> None:
    with pytest.raises(BadExpression):
        check(text)


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(BadExpression, match="cannot be worked out"):
        evaluate("event.service > 3", NAMES)
