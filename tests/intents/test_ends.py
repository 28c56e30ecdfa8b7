"""An end that was said is told from other words with "for"."""

from __future__ import annotations

import pytest

from intents.ends import says_an_end


@pytest.mark.parametrize(
    "text",
    [
        "freeze production until friday",
        "grant devops to sam til 18:00",
        "freeze production for a while",
        "grant developer to vic for 999999 days",
        "freeze development for 0h",
        "give sam devops for the next two weeks",
    ],
)
def test_an_end(text: str) -> None:
    assert says_an_end(text)


@pytest.mark.parametrize("text", ["freeze production for the sale", "freeze production for maintenance", "thaw it"])
def test_no_end(text: str) -> None:
    assert not says_an_end(text)
