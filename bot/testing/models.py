"""A language model that says what it is told to, in order; for tests of what Shipmate makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actions.core.ports.language import Choice, Said, Tool, ToolCall, Unavailable, Utterance

NO_ANSWER = Unavailable(why="Claude did not answer within 2.5 s")


class ScriptedModel:
    """Gives the answers it was handed, in order; the last one of each kind stays.

    Args:
        answers: choices for messages, turns for answers in prose, and `Unavailable` for either.
    """

    def __init__(self, *answers: Choice | Said | Unavailable) -> None:
        self._choices = [one for one in answers if not isinstance(one, Said)] or [NO_ANSWER]
        self._turns = [one for one in answers if not isinstance(one, Choice)] or [NO_ANSWER]
        self.heard: list[Sequence[Utterance]] = []
        self.tools: list[Sequence[Tool]] = []
        self.instructions: list[str] = []
        self.deadlines: list[float] = []

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
        """The next choice."""
        del purpose, person, cause
        self._asked(instructions, tools, conversation, deadline)
        return self._choices.pop(0) if len(self._choices) > 1 else self._choices[0]

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
        """The next turn, its words told line by line."""
        del purpose, person, cause, may_call
        self._asked(instructions, tools, conversation, deadline)
        said = self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]
        if isinstance(said, Said):
            for line in said.text.splitlines(keepends=True):
                tell(line)
        return said

    def _asked(
        self, instructions: str, tools: Sequence[Tool], conversation: Sequence[Utterance], deadline: float
    ) -> None:
        self.instructions.append(instructions)
        self.tools.append(tools)
        self.heard.append(list(conversation))
        self.deadlines.append(deadline)


def chosen(tool: str, **fields: Any) -> Choice:
    """A choice of a tool."""
    return Choice(tool=tool, fields=fields, model="claude-haiku-5-5")


def said(text: str = "", *calls: tuple[str, dict[str, Any]]) -> Said:
    """A turn: words, and tools to be used."""
    wanted = tuple(ToolCall(id=f"toolu_{at}", tool=tool, fields=fields) for at, (tool, fields) in enumerate(calls))
    return Said(text=text, calls=wanted, model="claude-sonnet-5-5")
