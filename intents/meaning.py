"""What a message turned out to mean: an action that is asked for, one that lacks something, or nothing to be done."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.ports.messaging import Turn
from actions.core.request import Origin, Source


class _Meaning(BaseModel):
    model_config = ConfigDict(frozen=True)


class Message(_Meaning):
    """What a person typed.

    Attributes:
        text: the words, as the surface delivered them.
        by: who said them; the name in the configuration where there is one.
        quoted: text by others that came along (forwarded, attached); never read as a request.
        cause: what happened, as requests name it.
    """

    text: str
    by: str = ""
    cause: str = ""
    quoted: tuple[str, ...] = ()


class Hint(StrEnum):
    """Why nothing is to be done, so that a reply can be apt."""

    EMPTY = "empty"
    THANKS = "thanks"
    GREETING = "greeting"
    NEGATED = "negated"
    """They said not to."""
    CONDITIONAL = "conditional"
    """Only if, or once, something is so."""
    REPORTED = "reported"
    """They told what happened, or what somebody else said."""
    HYPOTHETICAL = "hypothetical"
    """They think aloud or ask for an opinion."""
    LATER = "later"
    """Not now."""
    QUOTED = "quoted"
    """All of it was quoted."""
    HOSTILE = "hostile"
    """It tries to talk Shipmate out of its rules."""
    SEVERAL = "several"
    """More is asked for at once than one request can do."""
    AMBIGUOUS = "ambiguous"
    """It may mean several things."""
    OUT_OF_SCOPE = "out_of_scope"
    """Nothing in the catalogue does that."""


class Asks(_Meaning):
    """An action is asked for, and nothing that it needs is missing.

    Attributes:
        action: the verb's name.
        parameters: as JSON, names canonical; not yet validated by the action's class.
        sources: where each parameter came from.
        origin: how it was read.
        confidence: from 0 to 1.
        notes: what the person should be told beside, such as that the local recogniser stood in for a model.
    """

    action: str
    parameters: dict[str, JsonValue] = {}
    sources: dict[str, Source] = {}
    origin: Origin = Origin.STATISTICAL
    confidence: float = 1.0
    notes: tuple[str, ...] = ()


class Lacks(Asks):
    """An action is asked for, and required parameters were not given.

    Attributes:
        missing: the parameters to ask back for, in the action's order.
        suggestions: for names that are not known, sentences with the nearest known ones.
    """

    missing: tuple[str, ...]
    suggestions: tuple[str, ...] = ()


class Unclear(_Meaning):
    """Nothing should be done.

    Attributes:
        hint: why.
        reason: the same as a sentence for the person.
        suggestions: did-you-mean sentences that could be typed.
        confidence: from 0 to 1.
        notes: what the person should be told beside.
    """

    hint: Hint
    reason: str = ""
    suggestions: tuple[str, ...] = ()
    confidence: float = 1.0
    notes: tuple[str, ...] = ()


Meaning = Asks | Lacks | Unclear


class Understanding(Protocol):
    """Reads messages; the local recogniser and the one with a language model are interchangeable."""

    def recognize(self, message: Message, thread: Sequence[Turn] = ()) -> Meaning:
        """What a message means after the earlier turns of its thread, oldest first."""
