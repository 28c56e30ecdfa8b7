"""The app's manifest: what Slack is to know of Shipmate, with no more scopes than it uses."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from bot.settings import Settings

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "chat:write",
    "chat:write.public",
    "commands",
    "groups:history",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "reactions:write",
    "usergroups:read",
    "users:read",
)
"""What each is for stands in docs/slack.md."""
EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "assistant_thread_started",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "tokens_revoked",
)
COMMANDS = (
    ("/shipmate", "Ask Shipmate for anything; alone, it opens a menu", "[what is to be done]"),
    ("/deploy", "Deploy a version of a service", "checkout v1.4.2 to staging"),
    ("/rollback", "Roll a service back", "checkout in production"),
    ("/status", "What runs where, and how it is", "[service]"),
)


def manifest(address: str, *, socket: bool) -> dict[str, Any]:
    """The manifest, for HTTP or for Socket Mode.

    Args:
        address: how Slack reaches `web`, without a slash at the end; not used with Socket Mode.
        socket: whether deliveries come over a connection that Shipmate opens.
    """
    url = {} if socket else {"request_url": f"{address}/slack/events"}
    command_url = {} if socket else {"url": f"{address}/slack/events"}
    commands = [
        {"command": name, "description": says, "usage_hint": hint, "should_escape": True, **command_url}
        for name, says, hint in COMMANDS
    ]
    interactivity: dict[str, Any] = {"is_enabled": True, **url}
    if not socket:
        interactivity["message_menu_options_url"] = f"{address}/slack/events"
    oauth: dict[str, Any] = {"scopes": {"bot": list(SCOPES)}}
    if not socket:
        oauth["redirect_urls"] = [f"{address}/slack/oauth_redirect"]
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Shipmate",
            "description": "Say it in a thread, see it done, know who allowed it.",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "assistant_view": {"assistant_description": "Say what you want done; I say who has to agree."},
            "bot_user": {"display_name": "shipmate", "always_online": True},
            "shortcuts": [
                {
                    "name": "Ask Shipmate about this",
                    "type": "message",
                    "callback_id": "ask",
                    "description": "Takes the message along as context",
                }
            ],
            "slash_commands": commands,
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": {**url, "bot_events": list(EVENTS)},
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the manifest for this Shipmate's address."""
    address = arguments.address or settings.address
    found = manifest(address.rstrip("/"), socket=arguments.socket)
    if arguments.rotate:
        found["settings"]["token_rotation_enabled"] = True
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    if not arguments.socket and not address.startswith("https://"):
        sys.stderr.write(
            f"Slack only calls https addresses, and this is {address}. "
            "Set SHIPMATE_PUBLIC_URL or give --address; or use --socket, which needs no address.\n"
        )
    return 0
