"""What can be typed next."""

from __future__ import annotations

import pytest

from bot.surfaces.terminal.completion import Completion

from .conftest import WORDS


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", ["deploy", "roll", "help"]),
        ("de", ["deploy"]),
        ("DEP", ["deploy"]),
        ("deploy ", ["checkout", "catalog"]),
        ("deploy c", ["checkout", "catalog"]),
        ("deploy ca", ["catalog"]),
        ("deploy checkout ", []),
        ("deploy checkout v1 ", ["to"]),
        ("deploy checkout v1 to ", ["staging", "production"]),
        ("deploy checkout v1 to staging ", ["with"]),
        ("deploy checkout v1 to staging with ", ["rolling", "canary"]),
        ("deploy nothing v1 ", []),
        ("roll out ", ["checkout", "catalog"]),
        ("deploy checkout", []),
        ("/", ["/as", "/keys", "/quit"]),
        ("/as ", ["dana", "erin"]),
        ("/as e", ["erin"]),
        ("/quit ", []),
    ],
)
def test_words_and_names_that_fit(typed: str, offered: list[str]) -> None:
    completion = Completion(WORDS, ("dana", "erin"))
    assert [candidate.text for candidate in completion.candidates(typed)] == offered


def test_a_candidate_replaces_what_was_begun() -> None:
    assert [c.replaces for c in Completion(WORDS).candidates("deploy cat")] == [3]
