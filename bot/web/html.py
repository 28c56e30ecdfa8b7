"""Draws a reply as HTML, whole: what a thread has no room for is read here."""

from __future__ import annotations

import re
from datetime import UTC
from html import escape
from typing import assert_never

from starlette.responses import HTMLResponse

from actions.core.reply import (
    Block,
    Code,
    Fields,
    Link,
    Mention,
    Moment,
    Note,
    Paragraph,
    Preformatted,
    Reply,
    Span,
    Step,
    Steps,
    StepState,
    Strong,
    Table,
    Text,
)
from bot.surfaces.unseen import UNSEEN

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
}
_STYLE = """
:root{color-scheme:light dark;--dim:#889;--line:#8884;--soft:#8881;
--neutral:#889;--working:#2b7de9;--good:#1f9d55;--warning:#c98a00;--bad:#d33}
body{font:16px/1.55 system-ui,sans-serif;max-width:60em;margin:2.5em auto;padding:0 1em}
h1{font-size:1.4em;line-height:1.3;border-left:.3em solid var(--tone);padding-left:.6em}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(14em,1fr));gap:.8em 1.5em}
dt{color:var(--dim);font-size:.85em}dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35em .8em .35em 0;border-bottom:1px solid var(--line)}
th{color:var(--dim);font-weight:600}
pre{background:var(--soft);padding:.8em 1em;border-radius:.4em;overflow-x:auto;font-size:.9em;tab-size:4}
code{background:var(--soft);padding:.1em .3em;border-radius:.25em}pre code{background:none;padding:0}
ol{list-style:none;padding:0}li{padding:.15em 0}li small,.note{color:var(--dim)}.note{font-size:.85em}
.running,.failed{font-weight:600}.failed{color:var(--bad)}
input{width:100%;font:inherit;padding:.4em;box-sizing:border-box}button{font:inherit;padding:.4em 1.2em}
"""
_SIGNS = {
    StepState.PENDING: ("○", "to come"),
    StepState.RUNNING: ("◐", "under way"),
    StepState.DONE: ("✔", "done"),
    StepState.FAILED: ("✖", "failed"),
    StepState.SKIPPED: ("\N{HEAVY MINUS SIGN}", "left out"),
}
_UNSEEN = re.compile(UNSEEN)


def page(title: str, body: str, status: int = 200, *, tone: str = "neutral", again: int | None = None) -> HTMLResponse:
    """A page of Shipmate's own, which loads nothing and is kept nowhere.

    Args:
        title: plain text.
        body: HTML.
        status: of the response.
        tone: the colour beside the title.
        again: after how many seconds the browser loads it anew; never where it is None.
    """
    said = _plain(title)
    refresh = f'<meta http-equiv="refresh" content="{again}">' if again else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{said}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{refresh}<style>{_STYLE}</style></head>'
        f'<body style="--tone:var(--{tone})"><h1>{said}</h1>{body}</body></html>',
        status,
        headers=HEADERS,
    )


def draw(reply: Reply) -> str:
    """The blocks of a reply as HTML; all of them, and nothing in their data is obeyed."""
    return "".join(map(_block, reply.blocks))


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return f"<p>{_text(block.text)}</p>"
        case Note():
            return f'<p class="note">{_text(block.text)}</p>'
        case Fields():
            rows = "".join(f"<div><dt>{_plain(row.label)}</dt><dd>{_text(row.value)}</dd></div>" for row in block.rows)
            return f"<dl>{rows}</dl>"
        case Table():
            return _table(block)
        case Preformatted():
            return f"<pre><code>{_plain(block.text)}</code></pre>"
        case Steps():
            return f"<ol>{''.join(map(_step, block.steps))}</ol>"
        case _:
            assert_never(block)


def _table(table: Table) -> str:
    head = "".join(f"<th>{_plain(column)}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _step(step: Step) -> str:
    sign, says = _SIGNS[step.state]
    name = _link(step.url, step.name) if step.url else _plain(step.name)
    aside = f" <small>{_plain(step.detail)}</small>" if step.detail else ""
    return f'<li class="{step.state}"><span role="img" aria-label="{says}">{sign}</span> {name}{aside}</li>'


def _text(text: Text) -> str:
    return "".join(map(_span, text))


def _span(span: Span) -> str:
    match span:
        case str():
            return _lines(span)
        case Strong():
            return f"<strong>{_plain(span.text)}</strong>"
        case Code():
            return f"<code>{_plain(span.text)}</code>"
        case Link():
            return _link(span.url, span.text)
        case Mention():
            return f"<strong>@{_plain(span.person)}</strong>"
        case Moment():
            at = span.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
            return f'<time datetime="{span.at.isoformat()}">{_plain(at)}</time>'
        case _:
            assert_never(span)


def _link(url: str, words: str) -> str:
    url = _plain(url).strip()
    if not url.casefold().startswith(("https://", "http://")):
        return _plain(words)
    return f'<a href="{url}" rel="noreferrer noopener">{_plain(words)}</a>'


def _lines(text: str) -> str:
    return "<br>".join(map(_plain, text.split("\n")))


def _plain(text: str) -> str:
    return escape(_UNSEEN.sub("", text))


def paragraphs(*texts: str) -> str:
    """Plain texts, each a paragraph."""
    return "".join(f"<p>{_plain(text)}</p>" for text in texts)
