"""The port to a language model. It only ever proposes: typed answers, never effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

A = TypeVar("A", bound=BaseModel)


class Tool(BaseModel):
    """One answer that the model may choose: a name, what it means, and the JSON Schema of its fields.

    Attributes:
        changes: whether what it stands for changes something, so that its fields matter most.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    input_schema: dict[str, Any]
    changes: bool = False


class ToolCall(BaseModel):
    """A tool that the model wants used, with the fields it gave, unvalidated.

    Attributes:
        id: the model's own name for the call, which its result carries.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    tool: str
    fields: dict[str, Any] = {}


class ToolResult(BaseModel):
    """What came of a call, redacted. It is data, whoever wrote what is in it.

    Attributes:
        call: the call's id.
        text: what was found, or why nothing was.
        failed: whether nothing was.
    """

    model_config = ConfigDict(frozen=True)

    call: str
    text: str
    failed: bool = False


class Utterance(BaseModel):
    """Something said, marked by who said it. What is not the person's own words is data.

    Attributes:
        role: "person" or "shipmate".
        text: the words, redacted.
        data: text by others (quotes, logs, alerts), redacted, kept apart and marked as such for the model.
        calls: what the model wanted used at that point.
        results: what came of the calls just before.
    """

    model_config = ConfigDict(frozen=True)

    role: str
    text: str
    data: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()


class Tokens(BaseModel):
    """What an answer took.

    Attributes:
        input: read at the full price.
        output: written.
        cached: read from the cache.
        stored: read and put into the cache.
    """

    model_config = ConfigDict(frozen=True)

    input: int = 0
    output: int = 0
    cached: int = 0
    stored: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.input + self.output + self.cached + self.stored


class Choice(BaseModel):
    """The model's answer: the tool it chose and the fields it gave, unvalidated.

    Attributes:
        tokens: what it took.
        warning: what the person should know of their budget; empty but once a day.
    """

    model_config = ConfigDict(frozen=True)

    tool: str
    fields: dict[str, Any]
    model: str
    tokens: Tokens = Tokens()
    warning: str = ""


class Said(BaseModel):
    """What the model said in its turn: words, and the tools it wants used before it goes on.

    Attributes:
        is_cut: whether the words end where the room for them did.
        tokens: what it took.
        warning: what the person should know of their budget; empty but once a day.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    calls: tuple[ToolCall, ...] = ()
    is_cut: bool = False
    model: str
    tokens: Tokens = Tokens()
    warning: str = ""


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
        cause: str,
        instructions: str,
        tools: Sequence[Tool],
        conversation: Sequence[Utterance],
        deadline: float,
    ) -> Choice | Unavailable:
        """Have the model choose exactly one of the tools within `deadline` seconds.

        Args:
            purpose: what for, such as "understanding"; the configuration names a model for each.
            person: whose budget it counts against.
            cause: what made it necessary, as requests name it.
            instructions: the part that is always the same.
            tools: what may be chosen.
            conversation: what was said, oldest first.
            deadline: in seconds, whatever the model's own servers ask for.
        """

    def converse(
        self,
        *,
        purpose: str,
        person: str,
        cause: str,
        instructions: str,
        tools: Sequence[Tool],
        conversation: Sequence[Utterance],
        may_call: bool,
        deadline: float,
        tell: Callable[[str], None],
    ) -> Said | Unavailable:
        """Have the model take its turn: speak, or ask for tools to be used.

        Args:
            purpose: what for.
            person: whose budget it counts against.
            cause: what made it necessary.
            instructions: the part that is always the same.
            tools: what it may ask for, and asked for before.
            conversation: what was said, oldest first.
            may_call: whether it may still ask for any.
            deadline: in seconds.
            tell: is handed the words as they come.
        """


class Usage(Protocol):
    """Counts what language models are used for, and knows the budgets."""

    def refusal(self, person: str, purpose: str) -> str | None:
        """Why a person's question may not be asked now, such as a budget that is spent; None where it may."""

    def record(self, *, person: str, purpose: str, model: str, cause: str, tokens: Tokens) -> None:
        """Count an answer, also one that came too late or was of no use."""

    def warning(self, person: str) -> str:
        """What this person should be told of the budgets, once a day; empty where nothing is to be told."""
