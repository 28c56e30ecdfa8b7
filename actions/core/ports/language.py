"""The port to a language model. It only ever proposes: typed answers, never effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

A = TypeVar("A", bound=BaseModel)


class Tool(BaseModel):
    """One answer that the model may choose: a name, what it means, and the JSON Schema of its fields."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    input_schema: dict[str, Any]


class Utterance(BaseModel):
    """Something said, marked by who said it. What is not the person's own words is data.

    Attributes:
        role: "person" or "shipmate".
        text: the words, redacted.
        data: text by others (quotes, logs, alerts), redacted, kept apart and marked as such for the model.
    """

    model_config = ConfigDict(frozen=True)

    role: str
    text: str
    data: tuple[str, ...] = ()


class Choice(BaseModel):
    """The model's answer: the tool it chose and the fields it gave, unvalidated."""

    model_config = ConfigDict(frozen=True)

    tool: str
    fields: dict[str, Any]
    model: str
    input_tokens: int = 0
    output_tokens: int = 0


class Unavailable(BaseModel):
    """No answer: late, down, over budget, refusing, or not connected. Says which, for the card."""

    model_config = ConfigDict(frozen=True)

    why: str


class LanguageModel(Protocol):
    """A language model behind a deadline, a breaker and a budget."""

    def choose(
        self,
        *,
        purpose: str,
        person: str,
        instructions: str,
        tools: Sequence[Tool],
        conversation: Sequence[Utterance],
        deadline: float,
    ) -> Choice | Unavailable:
        """Have the model choose exactly one of the tools within `deadline` seconds."""


class Usage(Protocol):
    """Counts what language models are used for, and knows the budgets."""

    def refusal(self, person: str, purpose: str) -> str | None:
        """Why a person's question may not be asked now, such as a budget that is spent; None where it may."""

    def record(self, *, person: str, purpose: str, model: str, input_tokens: int, output_tokens: int) -> None:
        """Count an answer."""
