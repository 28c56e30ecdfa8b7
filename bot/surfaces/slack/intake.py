"""Says what a payload of Slack's is: something for the inbox under the key of what happened, to answer at once, or nothing.

Slack delivers one message under several `event_id`s, and again when an answer was late, so the key is what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SPOKEN = frozenset({None, "file_share", "thread_broadcast", "me_message"})
"""The subtypes of messages that people write; the others tell of edits, deletions, bots and the channel."""
_FORWARDED = 4_000
_AT_ONCE = {"view_submission": "submit", "block_suggestion": "options", "message_action": "shortcut"}


@dataclass(frozen=True, slots=True)
class Taken:
    """Something for the inbox.

    Attributes:
        key: what happened.
        order: the thread in which it is to be handled in order.
        kind: which handler takes it.
        body: what the handler needs of it.
    """

    key: str
    order: str
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Something whose answer belongs into the response, or whose trigger lives three seconds.

    Attributes:
        kind: "menu", "form", "shortcut", "options", "submit" or "choose".
        payload: all of it.
    """

    kind: str
    payload: Mapping[str, Any]


def sort(payload: Mapping[str, Any]) -> Taken | AtOnce | None:
    """What a verified payload is; None for what does not concern Shipmate."""
    kind = payload.get("type")
    if kind == "event_callback":
        return _event(payload)
    if kind == "block_actions":
        return _click(payload)
    if kind in _AT_ONCE:
        return AtOnce(_AT_ONCE[kind], payload)
    if "command" in payload and "trigger_id" in payload:
        return _command(payload)
    return None


def _order(team: str, channel: str, thread: str) -> str:
    # As `Place.key`, written out: the door does this for every message of every channel, before pydantic is imported.
    return f"slack/{team}/{channel}/{thread}"


def _event(payload: Mapping[str, Any]) -> Taken | None:
    event = payload.get("event") or {}
    team = _installed_in(payload)
    kind = event.get("type")
    if kind in {"message", "app_mention"}:
        return _said(payload, event, team)
    if kind == "app_home_opened" and event.get("tab") == "home":
        user = event.get("user", "")
        body = {"team": team, "user": user}
        return Taken(
            f"slack/{team}/{user}/{event.get('event_ts')}/home", f"slack/{team}/home/{user}", "slack.home", body
        )
    if kind == "assistant_thread_started":
        begun = event.get("assistant_thread") or {}
        channel, thread = begun.get("channel_id") or "", begun.get("thread_ts") or ""
        body = {"team": team, "user": begun.get("user_id") or "", "channel": channel, "thread": thread}
        order = _order(team, channel, thread)
        return Taken(f"{order}/assistant", order, "slack.assistant", body)
    if kind in {"app_uninstalled", "tokens_revoked"}:
        bots = (event.get("tokens") or {}).get("bot")
        if kind == "tokens_revoked" and not bots:
            return None
        key = f"slack/{team}/{payload.get('event_id')}/removed"
        return Taken(key, f"slack/{team}/installation/", "slack.removed", {"team": team})
    return None


def _installed_in(payload: Mapping[str, Any]) -> str:
    """The workspace by whose installation an event is heard; in a shared channel it may happen in another one."""
    granted = (a.get("team_id") for a in payload.get("authorizations") or ())
    return next(filter(None, granted), None) or payload.get("context_team_id") or payload.get("team_id") or ""


def home_of(payload: Mapping[str, Any], own: str | None, team: str) -> str:
    """The workspace somebody is of: where Slack names the organization instead, the one in which they speak.

    Args:
        payload: what was delivered.
        own: what Slack says of them: a workspace, or the Enterprise Grid that they and all its workspaces belong to.
        team: where Shipmate is installed.
    """
    if not own or not own.startswith("E"):
        return own or ""
    named = [payload, *(payload.get("authorizations") or ())]
    grids = {*(given.get("enterprise_id") for given in named), (payload.get("enterprise") or {}).get("id")}
    return team if own in grids else own


def _said(payload: Mapping[str, Any], event: Mapping[str, Any], team: str) -> Taken | None:
    user, channel, ts, text = event.get("user"), event.get("channel"), event.get("ts"), event.get("text") or ""
    if event.get("subtype") not in _SPOKEN or event.get("bot_id") or event.get("hidden") or event.get("edited"):
        return None
    if not (user and channel and ts):
        return None
    me = next((a.get("user_id") or "" for a in payload.get("authorizations") or () if a.get("is_bot", True)), "")
    if user == me:
        return None
    thread = event.get("thread_ts") or ""
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    mention = event.get("type") == "app_mention"
    if not (direct or mention or thread or f"<@{me}>" in text or not me):
        # Talk in a channel that is not for Shipmate goes no further.
        return None
    thread = thread or ("" if direct else ts)
    body = {
        "team": team,
        "user": user,
        "user_team": home_of(payload, event.get("user_team") or event.get("source_team") or event.get("team"), team),
        "channel": channel,
        "ts": ts,
        "thread": thread,
        "text": text,
        "direct": direct,
        "mention": mention,
        "me": me,
        "parent": event.get("parent_user_id") or "",
        "forwarded": _forwarded(event),
    }
    return Taken(f"slack/{team}/{channel}/{ts}/said", _order(team, channel, thread), "slack.said", body)


def _forwarded(message: Mapping[str, Any]) -> list[str]:
    """The texts of messages that were shared along with one."""
    texts = [a.get("text") or a.get("fallback") or "" for a in message.get("attachments") or ()]
    return [text[:_FORWARDED] for text in texts if text][:5]


def _click(payload: Mapping[str, Any]) -> Taken | AtOnce | None:
    action = next(iter(payload.get("actions") or ()), None)
    if action is None or action.get("url"):
        return None
    name = action.get("action_id") or ""
    kind = name.partition(":")[0]
    if kind == "form":
        return AtOnce("form", payload)
    if kind == "verb":
        return AtOnce("choose", payload)
    return pressed(payload, kind) if kind in {"press", "answer", "feedback"} else None


def pressed(payload: Mapping[str, Any], kind: str) -> Taken:
    """A click as something for the inbox.

    Args:
        payload: the click.
        kind: "press" for what a button stands for, "answer" for one to a question, "feedback" for a thumb.
    """
    action: Mapping[str, Any] = payload["actions"][0]
    team, channel, thread = clicked_in(payload)
    container, user = payload.get("container") or {}, payload.get("user") or {}
    home = (payload.get("view") or {}).get("type") == "home"
    message = container.get("message_ts") or container.get("view_id") or ""
    value = (action.get("selected_option") or {}).get("value") or action.get("value") or ""
    body = {
        "team": team,
        "user": user.get("id") or "",
        "user_team": home_of(payload, user.get("team_id"), team),
        "channel": channel,
        "thread": thread,
        "message": message,
        "private": bool(container.get("is_ephemeral")),
        "home": home,
        "kind": kind,
        "offer": value,
        "request": (action.get("block_id") or "").partition(":")[2] if kind == "feedback" else "",
        "response_url": payload.get("response_url") or "",
    }
    key = f"slack/{team}/{channel}/{message}/{action.get('action_ts')}/{user.get('id')}/pressed"
    return Taken(key, _order(team, channel, thread), "slack.pressed", body)


def clicked_in(payload: Mapping[str, Any]) -> tuple[str, str, str]:
    """Where a click is answered: workspace, channel, and the thread of its message; in a direct message beside it."""
    container, message = payload.get("container") or {}, payload.get("message") or {}
    team = (payload.get("team") or {}).get("id") or (payload.get("user") or {}).get("team_id") or ""
    # What is pressed in App Home is answered to the person directly.
    user = (payload.get("user") or {}).get("id") or ""
    channel = (payload.get("channel") or {}).get("id") or container.get("channel_id") or user
    thread = message.get("thread_ts") or container.get("thread_ts") or ""
    if not thread and channel[:1] not in {"", "D", "U", "W"} and not container.get("is_ephemeral"):
        thread = container.get("message_ts") or message.get("ts") or ""
    return team, channel, thread


def _command(payload: Mapping[str, Any]) -> Taken | AtOnce:
    command, text = str(payload.get("command") or ""), str(payload.get("text") or "").strip()
    own = command.lstrip("/").lower()
    if own == "shipmate" and not text:
        return AtOnce("menu", payload)
    team, channel = payload.get("team_id") or "", payload.get("channel_id") or ""
    body = {
        "team": team,
        "user": payload.get("user_id") or "",
        "channel": channel,
        "text": text if own == "shipmate" else f"{own} {text}".strip(),
        "response_url": payload.get("response_url") or "",
    }
    return Taken(f"slack/{team}/{payload['trigger_id']}/command", _order(team, channel, ""), "slack.command", body)
