"""Characters that no reader sees, and that text from logs and people must not bring to one."""

from __future__ import annotations

UNSEEN = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
"""A pattern: control characters but for the tab and the end of a line, which terminals obey and browsers hide; and marks of
writing direction, which can make text read as other than it is."""
