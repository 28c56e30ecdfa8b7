"""Signs that somebody tries to talk Shipmate out of its rules, or speaks in another's name."""

from __future__ import annotations

import re
from functools import cache

from intents.lexicon import data_lines


@cache
def _signs() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{line})" for line in data_lines("hostile.txt")), re.IGNORECASE)


def is_hostile(text: str) -> bool:
    """Whether a text tries to change the rules under which it is read."""
    return _signs().search(text) is not None
