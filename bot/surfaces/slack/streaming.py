"""Streams the words of an answer into its thread while they are written; the ledger's own card takes their place at the end."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from actions.answer import LOOK_INTO, paragraphs
from actions.core.redaction import redact
from actions.core.reply import Code, Span, Strong
from actions.core.request import Request
from bot.surfaces.slack.client import Declined, Gone, Limited, Locked, SlackFailed, Workspaces
from bot.surfaces.slack.people import People
from bot.surfaces.slack.spans import clean, escape, plain, shorten

log = logging.getLogger("shipmate.slack")

PIECE = 12_000
"""How much markdown one call may carry, in characters."""
TITLE = 256
"""The longest title of a task, in characters."""
_URL = re.compile(r"https?://[^\s`]+", re.IGNORECASE)
_LINKS = re.compile(r"\](?=[(\[:])")
"""Where markdown would make a link of words: `[words](address)`, `[words][name]` and `[name]: address`."""

Reference = dict[str, Any]
"""Where a card stands, as it is recorded; a stream adds how much of it was sent."""


class Streams:
    """Streams answers. Where Slack refuses, an answer is an ordinary card, edited in place.

    A stream is a message in a thread that only grows, and that Slack ends by itself after some minutes. So what was sent
    stays until the end; words that would contradict it are held back, and the card at the end shows what counts.

    Args:
        workspaces: where Slack is.
        people: who is who.
    """

    def __init__(self, workspaces: Workspaces, people: People) -> None:
        self._workspaces = workspaces
        self._people = people
        self._refused: set[tuple[str, str]] = set()

    def show(self, request: Request, reference: Reference, draft: str) -> Reference | None:
        """Show that an answer is being found, and what is written of it so far.

        Args:
            request: the request.
            reference: where its card stands; empty where none does.
            draft: what is written so far.

        Returns:
            Where it stands now; None where it is to be an ordinary card.

        Raises:
            Limited: too many calls; later.
        """
        if "stream" not in reference:
            return None if reference.get("ts") or request.state.is_settled else self._begun(request)
        sent, words = reference["stream"], markdown(whole(redact(draft)))
        if sent is None or len(words) <= len(sent) or not words.startswith(sent):
            return reference
        piece = words[len(sent) :][:PIECE]
        try:
            self._call(request, "chat.appendStream", reference, markdown_text=piece)
        except Limited:
            raise
        except SlackFailed as error:
            # It may have been sent, or the reader stopped it: nothing is said twice, and the end is an edit.
            log.info("the answer %s is not streamed any further: %s", request.id, error)
            return {**reference, "stream": None}
        return {**reference, "stream": sent + piece}

    def end(self, request: Request, reference: Reference) -> Reference:
        """End a request's stream, if it has one, so that its message can be edited.

        Raises:
            SlackFailed: Slack did not answer, or has had enough; later.
        """
        if "stream" not in reference:
            return reference
        try:
            self._call(request, "chat.stopStream", reference, chunks=[_task(request, "complete")])
        except (Declined, Gone) as error:
            log.info("the stream of %s had ended: %s", request.id, error)
        return {key: value for key, value in reference.items() if key != "stream"}

    def _begun(self, request: Request) -> Reference | None:
        place = request.place
        user = self._people.user_of(request.requester.on_behalf_of or request.requester.name)
        here = (place.tenant, place.channel)
        if request.action != LOOK_INTO or not place.thread or user is None or here in self._refused:
            return None
        to = {"recipient_team_id": place.tenant, "recipient_user_id": user}
        where = {"channel": place.channel, "thread_ts": place.thread}
        task = _task(request, "in_progress")
        try:
            begun = self._workspaces.api(place.tenant).call("chat.startStream", **where, **to, chunks=[task])
        except SlackFailed as error:
            log.info("Slack does not stream in %s; the answer is an ordinary card: %s", place.key, error)
            if isinstance(error, Declined | Gone | Locked):
                self._refused.add(here)
            return None
        return {"channel": begun.get("channel") or place.channel, "ts": begun.get("ts"), "stream": ""}

    def _call(self, request: Request, method: str, reference: Reference, **arguments: Any) -> Mapping[str, Any]:
        api = self._workspaces.api(request.place.tenant)
        return api.call(method, channel=reference["channel"], ts=reference["ts"], **arguments)


def whole(draft: str) -> str:
    """The part of a draft that further words will not change: whole words, and no mark that is still open."""
    kept = draft[: max(draft.rfind(" "), draft.rfind("\n")) + 1]
    line = kept[kept.rfind("\n") + 1 :]
    for mark in ("`", "**"):
        if line.count(mark) % 2:
            line = line[: line.rfind(mark)]
    return kept[: kept.rfind("\n") + 1] + line


def markdown(text: str) -> str:
    """Prose as Slack's markdown: strong words and code stay; nothing calls people, and nothing becomes a link."""
    return "\n\n".join("".join(_marked(spans)) for spans in paragraphs(text))


def _marked(spans: tuple[Span, ...]) -> Iterator[str]:
    for span in spans:
        words = plain((span,))
        if isinstance(span, Code):
            yield f"`{_bare(words)}`"
        elif isinstance(span, Strong):
            yield f"**{_escaped(words)}**"
        else:
            yield _escaped(words)


def _escaped(words: str) -> str:
    parts: list[str] = []
    end = 0
    for found in _URL.finditer(words):
        parts += [_literal(words[end : found.start()]), f"`{_bare(found[0])}`"]
        end = found.end()
    return "".join((*parts, _literal(words[end:])))


def _literal(words: str) -> str:
    return _LINKS.sub("] ", escape(words))


def _bare(code: str) -> str:
    # Whether Slack obeys its own markup within code is not documented, so a twin stands in for what begins it.
    return code.replace("<", "\u2039").replace("`", "\u02cb")


def _task(request: Request, status: str) -> dict[str, Any]:
    says = str(request.parameters.get("question") or "")
    title = shorten(clean(" ".join(says.split())), TITLE) or request.id
    return {"type": "task_update", "id": request.id, "title": title, "status": status}
