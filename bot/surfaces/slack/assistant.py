"""Begins a conversation in the assistant's pane: with what one may ask."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from actions.core.organization import Organization
from actions.core.ports.messaging import Delivered
from bot.surfaces.slack.client import SlackFailed, Workspaces

log = logging.getLogger("shipmate.slack")


class Assistant:
    """Suggests what to ask.

    Args:
        organization: for a service to name.
        workspaces: where Slack is.
    """

    def __init__(self, organization: Organization, workspaces: Workspaces) -> None:
        self._organization = organization
        self._workspaces = workspaces

    def began(self, delivered: Delivered) -> None:
        """Somebody opened the assistant."""
        body: Mapping[str, Any] = delivered.body
        try:
            self._workspaces.api(body["team"]).call(
                "assistant.threads.setSuggestedPrompts",
                channel_id=body["channel"],
                thread_ts=body["thread"],
                title="Ask or order; I say who has to agree",
                prompts=suggestions(self._organization),
            )
        except SlackFailed as error:
            log.info("nothing was suggested to %s: %s", body["user"], error)


def suggestions(organization: Organization) -> list[dict[str, str]]:
    """At most four things to ask, which is what Slack shows."""
    services = [service.name for service in organization.services[:1]]
    return [
        {"title": "What waits for my approval?", "message": "what waits for my approval?"},
        *({"title": f"How is {name} doing?", "message": f"how is {name} doing?"} for name in services),
        {"title": "What was deployed this week?", "message": "what was deployed in the last 7d?"},
        {"title": "What can you do?", "message": "help"},
    ]
