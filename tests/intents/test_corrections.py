"""What says that the last message was misunderstood, and what only sounds like it."""

from __future__ import annotations

import pytest

from intents.corrections import is_complaint, is_correction, meant


@pytest.mark.parametrize(
    "text",
    [
        "that's wrong",
        "That is wrong.",
        "wrong!",
        "no, that's not what I meant",
        "that\N{RIGHT SINGLE QUOTATION MARK}s not it",
        "you got me wrong",
        "I didn't mean that",
        "not what I asked for",
    ],
)
def test_complaints(text: str) -> None:
    assert is_complaint(text)


@pytest.mark.parametrize(
    "text", ["what is wrong with checkout?", "wrong service, catalog", "is that wrong?", "that deploy was wrong", "no"]
)
def test_no_complaints(text: str) -> None:
    assert not is_complaint(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("no, I meant staging", "staging"),
        ("what I meant was pipelines of checkout", "pipelines of checkout"),
        ("sorry, catalog", None),
        ("not checkout, cart", None),
        ("actually on staging", None),
    ],
)
def test_corrections(text: str, rest: str | None) -> None:
    assert is_correction(text)
    assert meant(text) == rest


@pytest.mark.parametrize("text", ["status of cart", "now staging", "nothing", "note that it is red"])
def test_no_corrections(text: str) -> None:
    assert not is_correction(text)
