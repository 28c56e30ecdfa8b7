"""Ports of answers in prose: who finds one, the reads that it rests on, and what is being written of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.ports.language import Unavailable
from actions.core.request import Request


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Looked(_Answer):
    """A read that an answer rests on.

    Attributes:
        request: the request it was.
        sentence: what was read, in the words one could have typed.
        found: whether it found anything out.
    """

    request: str
    sentence: str
    found: bool = True


class Found(_Answer):
    """An answer in prose.

    Attributes:
        text: the answer.
        model: who wrote it.
        looked: the reads it rests on, as they were done; not as the model tells.
        is_cut: whether it ends where the room for it did.
        notes: what else the person should know.
    """

    text: str
    model: str
    looked: tuple[Looked, ...] = ()
    is_cut: bool = False
    notes: tuple[str, ...] = ()


class Answers(Protocol):
    """Finds answers to questions by looking several things up."""

    def answer(self, request: Request, question: str, tell: Callable[[str], None]) -> Found | Unavailable:
        """Answer a question for the one who asked.

        Args:
            request: the request that asks it.
            question: the question.
            tell: is handed the words as they come.
        """


class Reads(Protocol):
    """Has a read done as part of another request's work."""

    def read(self, request: Request, action: str, parameters: Mapping[str, JsonValue]) -> Request:
        """Read something as the one who asked for `request`: by their rights, and recorded as theirs.

        Returns:
            The request that it was, final: with a result, or why there is none.

        Raises:
            Refused: it is no read, or its parameters are not acceptable.
        """


class Drafts(Protocol):
    """What is being written of an answer, for surfaces to show as it comes. Losing it loses nothing."""

    def add(self, request: Request, words: str) -> None:
        """Add words, and wake those who follow the request."""

    def text(self, request: Request) -> str:
        """All that was written so far; empty where nothing is being written."""
