"""Judges Block Kit by Slack's limits, apart from the renderer: slack_sdk's own checks, and those it does not make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block

from bot.surfaces.slack.render import Message

ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
MARKUP = re.compile(r"<(@[UW][A-Z0-9]+|!date\^\d+\^[^|>]+\|[^<>]+|https?://[^|<>]+(\|[^<>|]*)?)>")


def size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from nodes(item)


def shown(blocks: Any) -> str:
    """All text in it, line by line."""
    found = [node["text"] for node in nodes(blocks) if isinstance(node.get("text"), str)]
    return "\n".join(found)


def check_message(message: Message) -> None:
    assert 0 < size(message.text) <= 40_000
    assert message.blocks
    check_mrkdwn(message.text)
    check_blocks(list(message.blocks), most=50)


def check_blocks(blocks: list[dict[str, Any]], *, most: int) -> None:
    assert len(blocks) <= most
    json.dumps(blocks, ensure_ascii=False).encode()
    modelled = [block for block in blocks if block["type"] not in {"context_actions", "table"}]
    for block in Block.parse_all(modelled):
        block.validate_json()
        block.to_dict()
    ids = [node["action_id"] for node in nodes(blocks) if "action_id" in node]
    assert len(ids) == len(set(ids)), "an action_id stands twice"
    tables = [block for block in blocks if block["type"] == "table"]
    assert len(tables) <= 1
    for node in nodes(blocks):
        check_node(node)


def check_node(node: dict[str, Any]) -> None:  # noqa: C901 - one rule a kind, as Slack's reference has them
    match node.get("type"):
        case "header":
            assert node["text"]["type"] == "plain_text"
            assert 0 < size(node["text"]["text"]) <= 150
        case "section":
            assert "text" in node or node["fields"]
            assert len(node.get("fields", [])) <= 10
            assert all(0 < size(field["text"]) <= 2000 for field in node.get("fields", []))
            assert size(node.get("text", {"text": ""})["text"]) <= 3000
        case "context":
            assert 0 < len(node["elements"]) <= 10
        case "actions":
            assert 0 < len(node["elements"]) <= 25
        case "button":
            assert node["text"]["type"] == "plain_text"
            assert 0 < size(node["text"]["text"]) <= 75
            assert 0 < len(node["value"]) <= 2000
            assert 0 < len(node["action_id"]) <= 255
        case "static_select":
            groups = node.get("option_groups") or [node]
            assert len(groups) <= 100
            assert all(0 < len(group["options"]) <= 100 for group in groups)
            chosen = [option for group in groups for option in group["options"]]
            assert size(node["placeholder"]["text"]) <= 150
            values = [option["value"] for option in chosen]
            assert len(values) == len(set(values))
            assert all(0 < len(value) <= 150 for value in values)
            assert all(0 < size(option["text"]["text"]) <= 75 for option in chosen)
        case "table":
            assert 0 < len(node["rows"]) <= 100
            assert len({len(row) for row in node["rows"]}) == 1
            assert 0 < len(node["rows"][0]) <= 20
            assert sum(size(text["text"]) for text in nodes(node["rows"]) if "text" in text) <= 10_000
        case "rich_text" | "rich_text_section" | "rich_text_preformatted":
            assert node["elements"]
        case "text" | "raw_text":
            assert node["text"]
        case "link":
            assert node["url"].startswith(("http://", "https://"))
            assert len(node["url"]) <= 3000
        case "mrkdwn":
            assert 0 < size(node["text"]) <= 3000
            check_mrkdwn(node["text"])
        case "plain_text":
            assert node["text"]
            assert node["emoji"] is False


def check_mrkdwn(text: str) -> None:
    """Nothing in it but our own markup: people, dates and web links."""
    assert not ENTITY.search(text), text
    rest = MARKUP.sub("", text)
    assert "<" not in rest, text
    assert ">" not in rest, text
