"""Reads what a person typed in Slack: markup becomes words, and what they pasted or quoted is kept apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_FENCE = re.compile(r"```(?:\n)?(.*?)(?:```|\Z)", re.DOTALL)
_QUOTE = re.compile(r"^[ \t]*(?:&gt;|>)(?:&gt;&gt;|>>)?[ \t]?(.*)$", re.MULTILINE)
_QUOTE_ALL = re.compile(r"^[ \t]*(?:&gt;&gt;&gt;|>>>)(.*)\Z", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_STYLES = re.compile(r"(?<![\w*_~])([*_~])(?=\S)([^\n]*?\S)\1(?![\w*_~])")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


class Said(NamedTuple):
    """What a message says.

    Attributes:
        text: the person's own words, without markup and without the call to Shipmate.
        quoted: what they pasted or quoted: words of others.
        called: whether Shipmate was mentioned.
        others: whether somebody else was mentioned.
    """

    text: str
    quoted: tuple[str, ...] = ()
    called: bool = False
    others: bool = False


def read(raw: str, *, me: str, name_of: Callable[[str], str], forwarded: Sequence[str] = ()) -> Said:
    """Read a message's text as Slack delivers it.

    Args:
        raw: the text, with Slack's markup and entities.
        me: Shipmate's own Slack user.
        name_of: the name of a Slack user.
        forwarded: texts of messages that came along with it.
    """
    quoted: list[str] = []
    called = others = False

    def away(found: re.Match[str]) -> str:
        quoted.append(found[1])
        return "\n"

    def word(found: re.Match[str]) -> str:
        nonlocal called, others
        sign, target, label = found[1], found[2], found[3]
        if sign == "@":
            if target == me:
                called = True
                return " "
            others = True
            return "@" + name_of(target)
        if sign == "#":
            return "#" + (label or target)
        if sign == "!":
            return label or "@" + target.partition("^")[0]
        # A value that looks like a domain is linked by Slack itself: what was typed is the label.
        return label if label and (label in target or "://" not in target) else target

    text = _FENCE.sub(away, raw)
    text = _QUOTE_ALL.sub(away, text)
    text = _QUOTE.sub(away, text)
    text = _CODE.sub(r"\1", text)
    text = _MARKUP.sub(word, text)
    while (plain := _STYLES.sub(r"\2", text)) != text:
        text = plain
    pasted = (_MARKUP.sub(lambda found: found[3] or found[2], part) for part in (*quoted, *forwarded))
    return Said(
        text="\n".join(" ".join(line.split()) for line in _unescape(text).split("\n")).strip(),
        quoted=tuple(part for part in (_unescape(part).strip() for part in pasted) if part),
        called=called,
        others=others,
    )


def _unescape(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text
