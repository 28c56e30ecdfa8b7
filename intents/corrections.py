"""Words that tell how well the last message was understood: "that's wrong", "no, I meant staging"."""

from __future__ import annotations

import re

_MEANT_BEFORE = r"what i (?:meant|said|wanted|asked(?: for)?)"
_WRONG = rf"(?:wrong|incorrect|not (?:right|correct|it|the one i meant|{_MEANT_BEFORE}))"
_COMPLAINTS = (
    rf"(?:that|this|it|you)(?:'?s|'?re| is| was| are| were)? {_WRONG}",
    r"(?:wrong|not the right|the wrong) (?:answer|reading|one)",
    rf"wrong|incorrect|not {_MEANT_BEFORE}",
    r"you (?:got|understood|read) (?:me|that|it|this) wrong",
    r"you (?:misunderstood|misread)(?: (?:me|that|it|this))?",
    r"i did(?:n'?t| not) (?:mean|say|want|ask for) (?:that|this|it)",
)
_COMPLAINT = re.compile(rf"(?:(?:no+|nope|hm+|sorry|ugh) )?(?:{'|'.join(_COMPLAINTS)})")
_MEANT = re.compile(
    r"(?:no+|nope|sorry|wrong|not that)?[\s,.!]*(?:what\s+)?i\s+(?:meant|mean|wanted)(?:\s+was)?[\s,:]+(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_CORRECTION = re.compile(
    r"(?:no+|nope|sorry|oops|wrong(?:\s+\w+)?|actually|correction)\b[\s,:]|not\b|(?:what\s+)?i\s+(?:meant|mean)\b",
    re.IGNORECASE,
)


def is_complaint(text: str) -> bool:
    """Whether a message says no more than that the last one was misunderstood."""
    said = text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _COMPLAINT.fullmatch(" ".join(re.sub(r"[^\w']+", " ", said).split())) is not None


def is_correction(text: str) -> bool:
    """Whether a message begins as one does that puts the last one right."""
    return _CORRECTION.match(text.strip()) is not None


def meant(text: str) -> str | None:
    """What follows "no, I meant …"; None where the message does not begin so."""
    found = _MEANT.fullmatch(text.strip())
    return found["rest"].strip() if found else None
