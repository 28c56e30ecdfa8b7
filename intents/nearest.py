"""The local recogniser where no model is connected: open questions are answered by the nearest read, which says so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from actions.core.action import Risk
from actions.core.catalog import Catalog
from actions.core.ports.messaging import Turn
from actions.core.request import Origin, Source
from intents.meaning import Asks, Lacks, Meaning, Message, Understanding

NOTE = "Such a question takes a language model, and none is connected; this is the nearest that I can look up."
_OPEN = re.compile(
    r"\b(?:why|how come|what(?:'s| is| has| have)? (?:changed|happened|broke|broken|different|wrong|new)"
    r"|what went wrong|what(?:'s| is) going on|compared? (?:to|with))\b",
    re.IGNORECASE,
)
_EXPLAINS = "explain_failure"
_WHY_RED = re.compile(
    r"\W*why\s+(?:is|was|did)\s+(?:the\s+)?[\w.-]+(?:'s)?(?:\s+(?:pipeline|build|ci))?\s+(?:red|fail\w*|broken|break)\W*",
    re.IGNORECASE,
)
"""Asks no more than a diagnosis tells."""


class Nearest:
    """Tells with a read that it may not be all that was asked.

    Args:
        local: the local recogniser.
        catalog: the verbs.
    """

    def __init__(self, local: Understanding, catalog: Catalog) -> None:
        self._local = local
        self._catalog = catalog

    def recognize(self, message: Message, thread: Sequence[Turn] = ()) -> Meaning:
        """What a message means after the earlier turns of its thread, oldest first."""
        meaning = self._local.recognize(message, thread)
        if not isinstance(meaning, Asks) or isinstance(meaning, Lacks) or meaning.origin is Origin.GRAMMAR:
            return meaning
        reads = self._catalog[meaning.action].policy.risk is Risk.READ
        if not reads or not _OPEN.search(message.text):
            return meaning
        named = meaning.sources.get("service") is Source.SAID
        if meaning.action == _EXPLAINS and named and _WHY_RED.fullmatch(message.text):
            return meaning
        return meaning.model_copy(update={"notes": (NOTE,)})
