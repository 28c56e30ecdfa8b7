"""A plain yes is a yes; anything with a but in it is not."""

from __future__ import annotations

import pytest

from intents.answers import yes_or_no


@pytest.mark.parametrize("text", ["yes", "Yes!", " ok ", "go ahead.", "👍", "That\u2019s right", "do it"])
def test_a_plain_yes(text: str) -> None:
    assert yes_or_no(text) is True


@pytest.mark.parametrize("text", ["no", "Nope.", "don't", "never mind"])
def test_a_plain_no(text: str) -> None:
    assert yes_or_no(text) is False


@pytest.mark.parametrize("text", ["yes, but on staging", "no idea", "ok, when the tests pass", "", "deploy it"])
def test_anything_else(text: str) -> None:
    assert yes_or_no(text) is None
