"""Claude, over the anthropic SDK: one forced choice of a tool, within a deadline of its own, behind a breaker and a budget."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from typing import TYPE_CHECKING, Any

from actions.core.ports.language import Choice, Tool, Unavailable, Usage, Utterance

if TYPE_CHECKING:
    import anthropic

DEFAULT_MODEL = "claude-haiku-5-5"
MAX_TOKENS = 1024
CONCURRENCY = 8
"""Calls under way at once; one that came too late keeps its place until the SDK gives it up."""
FAILURES = 3
"""After so many failures in a row nothing is asked for a while."""
PAUSE = 30.0
"""For how long, in seconds."""
_GRACE = 5.0
"""How long after the deadline the SDK may still wait, in seconds, so that a late answer closes its own connection."""


class Claude:
    """A connection to Claude, opened when it is first needed.

    Args:
        key: the API key.
        base_url: where the API is; the vendor's own where it is None.
        models: the model of each purpose; others have the default one.
        usage: counts, and refuses what is over budget.
        clock: tells a time in seconds that only ever grows.
    """

    def __init__(
        self,
        key: str,
        *,
        base_url: str | None = None,
        models: Mapping[str, str] | None = None,
        usage: Usage | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = key
        self._base_url = base_url
        self._models = dict(models or {})
        self._usage = usage
        self._clock = clock
        self._lock = threading.Lock()
        self._client: anthropic.Anthropic | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._under_way = 0
        self._failed = 0
        self._closed_until = 0.0

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
        refusal = self._usage.refusal(person, purpose) if self._usage else None
        if refusal:
            return Unavailable(why=refusal)
        if self._clock() < self._closed_until:
            return Unavailable(why="Claude failed several times in a row and is given a rest")
        model = self._models.get(purpose, DEFAULT_MODEL)
        with self._lock:
            if self._under_way >= CONCURRENCY:
                return Unavailable(why="too many questions to Claude are under way")
            self._under_way += 1
            pool = self._pool = self._pool or ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="claude")
        answer = pool.submit(self._ask, model, instructions, tools, conversation, deadline)
        answer.add_done_callback(lambda _: self._ended())
        try:
            choice = answer.result(timeout=deadline)
        except Late:
            answer.cancel()
            choice = Unavailable(why=f"Claude did not answer within {deadline:g} s")
        self._judge(choice)
        if isinstance(choice, Choice) and self._usage:
            self._usage.record(
                person=person,
                purpose=purpose,
                model=choice.model,
                input_tokens=choice.input_tokens,
                output_tokens=choice.output_tokens,
            )
        return choice

    def close(self) -> None:
        """Let go of the connection and its threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _ended(self) -> None:
        with self._lock:
            self._under_way -= 1

    def _judge(self, choice: Choice | Unavailable) -> None:
        """Keep the breaker: a failure counts, an answer forgives."""
        with self._lock:
            self._failed = 0 if isinstance(choice, Choice) else self._failed + 1
            if self._failed >= FAILURES:
                self._closed_until, self._failed = self._clock() + PAUSE, 0

    def _ask(
        self,
        model: str,
        instructions: str,
        tools: Sequence[Tool],
        conversation: Sequence[Utterance],
        deadline: float,
    ) -> Choice | Unavailable:
        import anthropic  # noqa: PLC0415 - importing it costs more than a second

        try:
            answer = self._connected().messages.create(
                model=model,
                max_tokens=MAX_TOKENS,
                system=[{"type": "text", "text": instructions, "cache_control": {"type": "ephemeral"}}],
                messages=_messages(conversation),
                tools=[_tool(tool) for tool in tools],
                tool_choice={"type": "any", "disable_parallel_tool_use": True},
                timeout=deadline + _GRACE,
            )
        except anthropic.APIStatusError as error:
            return Unavailable(why=f"Claude answered {error.status_code}")
        except anthropic.AnthropicError as error:
            return Unavailable(why=f"Claude could not be asked ({type(error).__name__})")
        except Exception as error:  # noqa: BLE001 - a broken answer, whatever breaks, is no answer
            return Unavailable(why=f"Claude's answer could not be read ({type(error).__name__})")
        return _choice(answer, {tool.name for tool in tools})

    def _connected(self) -> anthropic.Anthropic:
        import anthropic  # noqa: PLC0415 - importing it costs more than a second

        with self._lock:
            if self._client is None:
                self._client = anthropic.Anthropic(api_key=self._key, base_url=self._base_url, max_retries=0)
            return self._client


def _choice(answer: Any, known: set[str]) -> Choice | Unavailable:
    """The tool that was chosen; Unavailable for a refusal, an answer in words, or one that was cut short."""
    if answer.stop_reason == "refusal":
        return Unavailable(why="Claude refused to answer")
    chosen = [block for block in answer.content or () if getattr(block, "type", "") == "tool_use"]
    if not chosen or answer.stop_reason == "max_tokens":
        return Unavailable(why="Claude chose no action")
    block = chosen[0]
    if block.name not in known or not isinstance(block.input, dict):
        return Unavailable(why="Claude chose something that does not exist")
    return Choice(
        tool=block.name,
        fields=block.input,
        model=str(answer.model),
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
    )


def _tool(tool: Tool) -> Any:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema, "strict": True}


def _messages(conversation: Sequence[Utterance]) -> Any:
    """The conversation with turns of one side joined, beginning with the person's, as the API demands."""
    joined: list[dict[str, str]] = []
    for utterance in conversation:
        role = "user" if utterance.role == "person" else "assistant"
        text = "\n".join((utterance.text, *(_data(part) for part in utterance.data))).strip() or "(no words)"
        if joined and joined[-1]["role"] == role:
            joined[-1]["content"] += f"\n{text}"
        elif joined or role == "user":
            joined.append({"role": role, "content": text})
    if joined and joined[-1]["role"] == "assistant":
        joined.append({"role": "user", "content": "Choose again, for my last message."})
    return joined


def _data(text: str) -> str:
    """Text by others, marked; what could end the mark early is taken out."""
    return f"<data>\n{text.replace('<data>', '').replace('</data>', '')}\n</data>"
