"""What Slack shows to somebody whose form or command came before Shipmate could answer it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.surfaces.slack.intake import AtOnce

_WORDS = "Shipmate is just starting."


def words(found: AtOnce) -> Mapping[str, Any] | None:
    """The response's body; None where Slack has no place for words."""
    if found.kind == "menu":
        return {"response_type": "ephemeral", "text": f"{_WORDS} Type /shipmate again in a moment."}
    if found.kind == "options":
        return {"options": []}
    if found.kind == "submit":
        values = ((found.payload.get("view") or {}).get("state") or {}).get("values") or {}
        first = next(iter(values), None)
        if first is not None:
            return {"response_action": "errors", "errors": {first: f"{_WORDS} Send it again in a moment."}}
    return None
