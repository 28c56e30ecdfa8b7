"""Between the port's words and the Messages API's: conversations, tools and how many of them may be strict, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actions.core.ports.language import Choice, Said, Tokens, Tool, ToolCall, Unavailable, Utterance

MOST_STRICT = 20
"""Strict tools in one request; the API refuses a request with more."""
MOST_OPTIONAL = 24
"""Parameters that may be left out, over all strict tools of a request; the API refuses more."""


def tools_of(tools: Sequence[Tool], *, strict: bool) -> list[dict[str, Any]]:
    """The tools as the API takes them, as many of them strict as it allows: those that change something first."""
    chosen = _strict(tools) if strict else frozenset()
    return [
        {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
        | ({"strict": True} if tool.name in chosen else {})
        for tool in tools
    ]


def _strict(tools: Sequence[Tool]) -> frozenset[str]:
    chosen: set[str] = set()
    room = MOST_OPTIONAL
    for tool in sorted(tools, key=lambda tool: not tool.changes):
        optional = _optional(tool.input_schema)
        if len(chosen) < MOST_STRICT and optional <= room:
            chosen.add(tool.name)
            room -= optional
    return frozenset(chosen)


def _optional(schema: dict[str, Any]) -> int:
    """How many parameters may be left out, also within lists and objects."""
    properties: dict[str, Any] = schema.get("properties", {})
    own = len(set(properties) - set(schema.get("required", ())))
    return own + sum(_optional(part.get("items", part)) for part in properties.values())


def messages_of(conversation: Sequence[Utterance]) -> list[dict[str, Any]]:
    """The conversation with turns of one side joined, beginning and ending with the person's, as the API demands."""
    joined: list[dict[str, Any]] = []
    for utterance in conversation:
        role = "user" if utterance.role == "person" else "assistant"
        if joined and joined[-1]["role"] == role:
            joined[-1]["content"] += _blocks(utterance)
        elif joined or role == "user":
            joined.append({"role": role, "content": _blocks(utterance)})
    if joined and joined[-1]["role"] == "assistant":
        joined.append({"role": "user", "content": [_text("Choose again, for my last message.")]})
    return joined


def _blocks(utterance: Utterance) -> list[dict[str, Any]]:
    results = [
        {
            "type": "tool_result",
            "tool_use_id": result.call,
            "content": marked(result.text),
            **({"is_error": True} if result.failed else {}),
        }
        for result in utterance.results
    ]
    calls = [{"type": "tool_use", "id": call.id, "name": call.tool, "input": call.fields} for call in utterance.calls]
    said = "\n".join((utterance.text, *(marked(part) for part in utterance.data))).strip()
    words = [_text(said)] if said else []
    return [*results, *words, *calls] or [_text("(no words)")]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def marked(text: str) -> str:
    """Text by others, marked as data; what could end the mark early is taken out."""
    while "<data>" in text or "</data>" in text:
        # Taking one out may put another together.
        text = text.replace("<data>", "").replace("</data>", "")
    return f"<data>\n{text}\n</data>"


def tokens_of(answer: Any) -> Tokens:
    """What an answer took."""
    usage = getattr(answer, "usage", None)

    def number(name: str) -> int:
        found = getattr(usage, name, None)
        return found if isinstance(found, int) else 0

    return Tokens(
        input=number("input_tokens"),
        output=number("output_tokens"),
        cached=number("cache_read_input_tokens"),
        stored=number("cache_creation_input_tokens"),
    )


def choice_of(answer: Any, known: set[str]) -> Choice | Unavailable:
    """The tool that was chosen; Unavailable for a refusal, an answer in words, or one that was cut short."""
    if answer.stop_reason == "refusal":
        return Unavailable(why="Claude refused to answer")
    calls = _calls(answer)
    if not calls or answer.stop_reason == "max_tokens":
        return Unavailable(why="Claude chose no action")
    call = calls[0]
    if call.name not in known or not isinstance(call.input, dict):
        return Unavailable(why="Claude chose something that does not exist")
    return Choice(tool=call.name, fields=call.input, model=str(answer.model), tokens=tokens_of(answer))


def said_of(answer: Any) -> Said | Unavailable:
    """What was said in a turn; Unavailable for a refusal, or where nothing was."""
    if answer.stop_reason == "refusal":
        return Unavailable(why="Claude refused to answer")
    is_cut = answer.stop_reason == "max_tokens"
    calls = (
        ()
        if is_cut
        else tuple(
            ToolCall(id=str(block.id), tool=str(block.name), fields=block.input)
            for block in _calls(answer)
            if isinstance(block.input, dict)
        )
    )
    text = "".join(str(block.text) for block in answer.content if getattr(block, "type", "") == "text").strip()
    if not text and not calls:
        return Unavailable(why="Claude said nothing")
    return Said(text=text, calls=calls, is_cut=is_cut, model=str(answer.model), tokens=tokens_of(answer))


def _calls(answer: Any) -> list[Any]:
    return [block for block in answer.content or () if getattr(block, "type", "") == "tool_use"]
