"""Whether a message says that something shall end at some time, in words that were not read as a length.

What is frozen or granted "until friday" must not last for ever because nobody could read "friday".
"""

from __future__ import annotations

import re

_LENGTHS = (
    r"seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|weekend|months?|quarters?|years?|while|bit|moment"
)
_SAYS = re.compile(
    rf"\b(?:until|till|til)\b|\bfor\b(?:\s+\S+){{0,3}}?\s+(?:{_LENGTHS})\b|\bfor\s+\d+\s?[smhdwy]\b", re.IGNORECASE
)


def says_an_end(text: str) -> bool:
    """Whether the words hold an end: "until friday", "for a while", "for 0h"."""
    return _SAYS.search(text) is not None
