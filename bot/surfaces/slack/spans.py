"""Writes inline text the two ways Slack has: mrkdwn, in which data must be escaped, and rich text, in which it need not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, assert_never
from urllib.parse import quote

from actions.core.reply import Code, Link, Mention, Moment, Span, Strong, Text

MAX_URL = 3000

Users = Callable[[str], str | None]
"""The Slack user id of a person's name; None where Slack does not know them."""

# Control characters, and marks of writing direction that can make text read as other than it is.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb\ufffe\uffff]"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# mrkdwn has no escape for its own marks, so where one would take effect a twin that looks the same stands in.
_MARKS = re.compile(r"(?<![A-Za-z0-9])[*_~`]|[*_~`](?![A-Za-z0-9])")
_TWINS = {"*": "\u2217", "_": "\uff3f", "~": "\u223c", "`": "\u02cb"}
_EMOJI = re.compile(r":(?=[a-z0-9_+'-]*[a-z_+'-][a-z0-9_+'-]*:)", re.IGNORECASE)
_QUOTE = re.compile(r"^(\s*)(?:&gt;)+", re.MULTILINE)
_SAFE_IN_URL = ":/?#[]@!$&'()*+,;=%-._~"


def clean(text: str) -> str:
    """Text without characters that a reader cannot see."""
    return _CONTROL.sub("", text)


def size(text: str) -> int:
    """The length in UTF-16 units, the most that Slack may count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, room: int) -> str:
    """At most so many units of a text; what is cut ends in an ellipsis."""
    if size(text) <= room:
        return text
    if room < 1:
        return ""
    return text.encode("utf-16-le", "replace")[: 2 * (room - 1)].decode("utf-16-le", "ignore") + "…"


def escape(text: str) -> str:
    """Data as mrkdwn that shows it as it is: no mention, link, emoji or style in it is obeyed."""
    text = _EMOJI.sub("\u2236", clean(text))
    text = "".join(_ENTITIES.get(c, c) for c in text) if any(c in text for c in "&<>") else text
    text = _QUOTE.sub(lambda found: found[1] + "\u203a", text)
    return _MARKS.sub(lambda found: _TWINS[found[0]], text)


def address(url: str) -> str | None:
    """An address that may be linked to, without what would end the link early; None where it is no web address."""
    url = clean(url).strip()
    if not url.lower().startswith(("https://", "http://")) or len(url) > MAX_URL:
        return None
    safe = quote(url, safe=_SAFE_IN_URL)
    return safe if len(safe) <= MAX_URL else None


def mrkdwn(text: Iterable[Span], users: Users, room: int) -> str:
    """Inline text as mrkdwn of at most so many units, cut between spans or within plain words, never within markup."""
    written: list[str] = []
    left = room
    for span in text:
        words = span if isinstance(span, str) else getattr(span, "text", "")
        piece = "" if len(words) > left else _mrkdwn(span, users)
        if len(words) > left or size(piece) > left:
            written.append(_cut(span, users, left))
            break
        written.append(piece)
        left -= size(piece)
    return "".join(written)


def rich(text: Iterable[Span], users: Users, room: int) -> list[dict[str, Any]]:
    """Inline text as elements of a rich text section that show at most so many units."""
    elements: list[dict[str, Any]] = []
    for span in text:
        element, shown = _rich(span, users)
        if size(shown) > room:
            cut = shorten(shown, room)
            if cut:
                elements.append({"type": "text", "text": cut})
            break
        if shown:
            elements.append(element)
            room -= size(shown)
    return elements


def plain(text: Iterable[Span]) -> str:
    """Inline text without any markup, for where Slack takes none."""
    return "".join(_plain(span) for span in text)


def mentioned(text: Text) -> set[str]:
    """The people whom a text calls."""
    return {span.person for span in text if isinstance(span, Mention)}


def _mrkdwn(span: Span, users: Users) -> str:
    match span:
        case str():
            return escape(span)
        case Strong():
            return _styled("*", escape(span.text))
        case Code():
            return _styled("`", _raw(span.text).replace("`", _TWINS["`"]))
        case Link():
            return _link(span)
        case Mention():
            user = users(span.person)
            return f"<@{user}>" if user else escape(span.person)
        case Moment():
            return f"<!date^{_date(span)}|{span.at:%d %b %H:%M} UTC>"
        case _:
            assert_never(span)


def _rich(span: Span, users: Users) -> tuple[dict[str, Any], str]:
    """The element, and what it shows."""
    match span:
        case str():
            shown = clean(span)
            return {"type": "text", "text": shown}, shown
        case Strong():
            shown = clean(span.text)
            return {"type": "text", "text": shown, "style": {"bold": True}}, shown
        case Code():
            shown = clean(span.text)
            return {"type": "text", "text": shown, "style": {"code": True}}, shown
        case Link():
            url = address(span.url)
            shown = clean(span.text) or span.url
            return ({"type": "link", "url": url, "text": shown} if url else {"type": "text", "text": shown}), shown
        case Mention():
            user = users(span.person)
            shown = clean(span.person)
            return ({"type": "user", "user_id": user} if user else {"type": "text", "text": shown}), shown
        case Moment():
            when = {"timestamp": int(span.at.timestamp()), "format": _FORMAT, "fallback": _plain(span)}
            return {"type": "date", **when}, _plain(span)
        case _:
            assert_never(span)


def _plain(span: Span) -> str:
    match span:
        case str():
            return clean(span)
        case Strong() | Code() | Link():
            return clean(span.text)
        case Mention():
            return "@" + clean(span.person)
        case Moment():
            return f"{span.at:%d %b %H:%M} UTC"
        case _:
            assert_never(span)


_FORMAT = "{date_short_pretty} at {time}"


def _date(moment: Moment) -> str:
    return f"{int(moment.at.timestamp())}^{_FORMAT}"


def _raw(text: str) -> str:
    text = clean(text)
    return "".join(_ENTITIES.get(c, c) for c in text)


def _styled(mark: str, inner: str) -> str:
    """Words between marks; marks take effect only on one line and beside no space, so those stand outside."""
    core = " ".join(inner.split())
    return f"{mark}{core}{mark}" if core else inner


def _link(link: Link) -> str:
    url = address(link.url)
    words = escape(link.text).replace("|", "\u2223").replace("\n", " ")
    if url is None:
        return words or escape(link.url)
    target = url.replace("&", "&amp;")
    return f"<{target}|{words}>" if words.strip() else f"<{target}>"


def _cut(span: Span, users: Users, room: int) -> str:
    """As much of a span as fits before an ellipsis, in its own style where that can be."""
    if room < 1:
        return ""
    if not isinstance(span, str | Strong | Code):
        return "…"
    kept = (span if isinstance(span, str) else span.text)[:room]
    piece = _mrkdwn(_with(span, kept), users)
    while kept and size(piece) >= room:
        kept = kept[: min(len(kept) * room // size(piece), len(kept) - 1)]
        piece = _mrkdwn(_with(span, kept), users)
    return (piece if kept else "") + "…"


def _with(span: str | Strong | Code, words: str) -> Span:
    return words if isinstance(span, str) else span.model_copy(update={"text": words})
