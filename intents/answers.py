"""Whether a message is a plain yes or no to what Shipmate has just shown back."""

from __future__ import annotations

import re

_YES = frozenset(
    [
        "yes",
        "y",
        "yep",
        "yeah",
        "yup",
        "ok",
        "okay",
        "sure",
        "correct",
        "right",
        "exactly",
        "confirm",
        "confirmed",
        "go",
        "go ahead",
        "go for it",
        "do it",
        "do that",
        "yes please",
        "please do",
        "that is right",
        "thats right",
        "that's right",
        "+1",
        "👍",
    ]
)
_NO = frozenset(
    [
        "no",
        "n",
        "nope",
        "nah",
        "stop",
        "wrong",
        "dont",
        "don't",
        "no thanks",
        "no thank you",
        "never mind",
        "nevermind",
        "forget it",
        "👎",
    ]
)
_EDGES = re.compile(r"^[\s\W]+(?=\w)|(?<=\w)[\s\W]+$")


def yes_or_no(text: str) -> bool | None:
    """True for a plain yes, False for a plain no, None for anything else, such as a yes with a condition."""
    said = text.strip().casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    bare = _EDGES.sub("", said)
    if said in _YES or bare in _YES:
        return True
    return False if said in _NO or bare in _NO else None
