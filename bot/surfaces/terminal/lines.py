"""Talks without a terminal: one sentence a line in, one settled reply out, as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TextIO

from actions.core.errors import ShipmateError, Unreachable
from bot.surfaces.terminal.render import draw, plain
from bot.surfaces.terminal.talk import Quit, Talk
from bot.wire import Answer


def converse(
    talk: Talk, lines: Iterable[str], out: TextIO, *, as_json: bool, now: Callable[[], datetime]
) -> Answer | None:
    """Say each line, wait until its reply has settled, and print it.

    Args:
        talk: the talk.
        lines: sentences and commands; empty ones are passed over.
        out: where to print.
        as_json: one JSON object a reply, on a line of its own, in place of text.
        now: the time.

    Returns:
        The last reply; None where there was none.

    Raises:
        Unreachable: no Shipmate answers.
    """
    last: Answer | None = None
    for line in lines:
        if not line.strip():
            continue
        try:
            heard = talk.hear(line)
            if isinstance(heard, str):
                if not as_json:
                    _print(out, heard)
                continue
            last = talk.settle(heard)
            if last.offers:
                talk.keys.restart()
            # What this reply set going, such as the request just approved, settles before the next sentence is said.
            followed = talk.settle(talk.look(last.follow)) if last.follow else None
        except Quit:
            break
        except Unreachable:
            raise
        except ShipmateError as error:
            _print(out, json.dumps(_trouble(error), ensure_ascii=False) if as_json else f"✖ {error}")
            continue
        if as_json:
            _print(out, json.dumps(described(last, followed, now()), ensure_ascii=False))
        else:
            shown = [last, followed] if followed else [last]
            _print(
                out,
                "\n".join(draw(answer.reply, plain(now(), zone=None), keys=talk.keys.of(answer)) for answer in shown),
            )
    return last


def described(answer: Answer, followed: Answer | None, now: datetime) -> dict[str, Any]:
    """A reply as JSON: what it is about, where that stands, and the text a person would read.

    Args:
        answer: the reply.
        followed: the settled reply about the earlier request that this one set going.
        now: the time.
    """
    request, question = answer.request, answer.reply.question
    found: dict[str, Any] = {
        "request": request.id if request else None,
        "action": request.action if request else question.action if question else None,
        "state": request.state if request else None,
        "outcome": (request.outcome or request.state) if request else answer.kind,
        "text": draw(answer.reply, plain(now)),
        "buttons": [button.label for button in answer.reply.buttons],
        "thread": answer.thread,
    }
    if question:
        found["asks_for"] = question.parameter
        found["choices"] = [choice.value for choice in question.choices]
    if followed:
        found["follows"] = described(followed, None, now)
    return found


def _trouble(error: ShipmateError) -> dict[str, Any]:
    return {"request": None, "action": None, "state": None, "outcome": "error", "text": str(error)}


def _print(out: TextIO, text: str) -> None:
    out.write(text + "\n")
    out.flush()
