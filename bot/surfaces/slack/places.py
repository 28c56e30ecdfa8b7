"""Slack's threads as places of Shipmate's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.core.places import Place
from bot.surfaces.slack.intake import clicked_in

SURFACE = "slack"


def place_of(team: str, channel: str, thread: str) -> Place:
    """The place of a thread; without one, the channel or conversation itself."""
    return Place(surface=SURFACE, tenant=team, channel=channel, thread=thread)


def click_place(payload: Mapping[str, Any]) -> Place:
    """Where a click is answered."""
    return place_of(*clicked_in(payload))
