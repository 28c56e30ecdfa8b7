"""Slack's door in the web process, as it opens before anything else is built: it needs the settings alone."""

from __future__ import annotations

from bot.settings import Settings
from bot.stores.redis.putting import open_putting
from bot.surfaces.slack.door import HttpDoor, Store
from bot.surroundings import SystemClock

PATH = "/slack/events"


def installs(settings: Settings) -> bool:
    """Whether the app can be installed into workspaces."""
    return settings.slack_client_id is not None and settings.slack_client_secret is not None


def is_configured(settings: Settings) -> bool:
    """Whether there is a workspace to talk to: by a token of its own, or by installing the app."""
    return settings.slack_bot_token is not None or installs(settings)


def opened(settings: Settings) -> HttpDoor | None:
    """The door; None where Slack delivers nothing by HTTP.

    Raises:
        NotConnected: there is no Redis.
        UnusableRedisUrl: Redis's address is none.
    """
    secret = settings.slack_signing_secret
    if secret is None or not is_configured(settings):
        return None
    inbox = open_putting(settings.redis.get_secret_value())
    return HttpDoor(Store(inbox, SystemClock()), secret.get_secret_value())
