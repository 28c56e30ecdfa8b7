"""Claude, over the anthropic SDK: each answer within a deadline of its own, behind a breaker and a budget."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from actions.connectors.anthropic_messages import choice_of, messages_of, said_of, tokens_of, tools_of
from actions.core.ports.language import Choice, Said, Tool, Unavailable, Usage, Utterance

if TYPE_CHECKING:
    import anthropic

log = logging.getLogger("shipmate.claude")

DEFAULT_MODELS = {
    "understanding": "claude-haiku-5-5",
    "answers": "claude-sonnet-5-5",
    "diagnosis": "claude-sonnet-5-5",
}
"""The model of each purpose where the configuration names none: a fast one to read with, a thorough one otherwise."""
ENDING_MODELS = {"claude-sonnet-4-5": "2026-11-30"}
"""Models that the vendor ends, and when; `shipmate check` says so of one that is configured."""
MAX_TOKENS = {"understanding": 1024, "diagnosis": 512}
"""How long an answer of each purpose may be, in tokens."""
_MAX_TOKENS = 2048
CONCURRENCY = 8
"""Calls under way at once; one that came too late keeps its place until it is given up."""
FAILURES = 3
"""After so many failures in a row nothing is asked for a while."""
PAUSE = 30.0
"""For how long, in seconds."""
_GRACE = 5.0
"""How long after the deadline an answer may still come, in seconds, so that what it cost is counted."""
_CHECK = 5.0
"""How long `fault` waits, in seconds."""
_TOO_STRICT = ("strict", "grammar", "too complex", "optional parameters", "compil")
A = TypeVar("A", Choice, Said)


class _Ask(NamedTuple):
    """Who asks what for."""

    purpose: str
    person: str
    cause: str
    model: str
    deadline: float


class _Failed(Exception):
    """Claude gave no answer that could be judged: it is down, busy, or broken."""


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
        self._models = {**DEFAULT_MODELS, **(models or {})}
        self._usage = usage
        self._clock = clock
        self._lock = threading.Lock()
        self._client: anthropic.Anthropic | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._under_way = 0
        self._failed = 0
        self._closed_until = 0.0
        self._lax: set[str] = set()

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
        """Have the model choose exactly one of the tools within `deadline` seconds."""
        asked = self._asked(purpose, person, cause, deadline)
        known = {tool.name for tool in tools}

        def work() -> Choice | Unavailable:
            forced = {"type": "any", "disable_parallel_tool_use": True}
            given = self._given(asked, instructions, conversation) | {"tool_choice": forced}
            answer = self._with_tools(
                asked, tools, lambda listed: self._connected().messages.create(**given, tools=listed)
            )
            self._count(asked, answer)
            return choice_of(answer, known)

        return self._within(asked, work)

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
        """Have the model take its turn, and hand on its words as they come."""
        asked = self._asked(purpose, person, cause, deadline)
        until = self._clock() + deadline

        def work() -> Said | Unavailable:
            choice = {"type": "auto"} if may_call else {"type": "none"}
            given = self._given(asked, instructions, conversation) | {"tool_choice": choice}
            answer = self._with_tools(asked, tools, lambda listed: self._streamed(given, listed, until, tell))
            self._count(asked, answer)
            if answer.stop_reason is None:
                # What was said so far may be half of a sentence that would have gone on with "not".
                raise _Failed(_late(deadline) if self._clock() > until else "Claude's answer broke off")
            return said_of(answer)

        return self._within(asked, work)

    def fault(self, model: str) -> str:
        """Why a model cannot be used, as a sentence; empty where it can. Asks for nothing that costs."""
        client = self._connected()
        import anthropic  # noqa: PLC0415 - imported by now

        try:
            client.models.retrieve(model, timeout=_CHECK)
        except (anthropic.AuthenticationError, anthropic.PermissionDeniedError):
            return "Claude does not accept ANTHROPIC_API_KEY."
        except anthropic.NotFoundError:
            return f"Claude knows no model {model}."
        except anthropic.APIStatusError as error:
            return f"Claude answered {error.status_code} when asked for {model}."
        except anthropic.AnthropicError as error:
            return f"Claude could not be asked for {model} ({type(error).__name__})."
        return ""

    def close(self) -> None:
        """Let go of the connection and its threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _asked(self, purpose: str, person: str, cause: str, deadline: float) -> _Ask:
        # Importing the SDK takes a second, which would be most of the first question's time.
        self._connected()
        return _Ask(purpose, person, cause, self._models.get(purpose, DEFAULT_MODELS["understanding"]), deadline)

    def _within(self, asked: _Ask, work: Callable[[], A | Unavailable]) -> A | Unavailable:
        """Have it done on a thread of its own, and wait for it no longer than it may take."""
        refusal = self._usage.refusal(asked.person, asked.purpose) if self._usage else None
        if refusal:
            return Unavailable(why=refusal)
        if self._clock() < self._closed_until:
            return Unavailable(why="Claude failed several times in a row and is given a rest")
        with self._lock:
            if self._under_way >= CONCURRENCY:
                return Unavailable(why="Too many questions to Claude are under way")
            self._under_way += 1
            pool = self._pool = self._pool or ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="claude")
        future = pool.submit(_tried, work)
        future.add_done_callback(lambda _: self._ended())
        answer: A | Unavailable
        try:
            answer, is_up = future.result(timeout=asked.deadline)
        except Late:
            future.cancel()
            answer, is_up = Unavailable(why=_late(asked.deadline)), False
        self._judge(is_up=is_up)
        if isinstance(answer, Unavailable) or self._usage is None:
            return answer
        warning = self._usage.warning(asked.person)
        return answer.model_copy(update={"warning": warning}) if warning else answer

    def _ended(self) -> None:
        with self._lock:
            self._under_way -= 1

    def _judge(self, *, is_up: bool) -> None:
        """Keep the breaker: a failure counts, an answer of any kind forgives."""
        with self._lock:
            self._failed = 0 if is_up else self._failed + 1
            if self._failed >= FAILURES:
                self._closed_until, self._failed = self._clock() + PAUSE, 0

    def _given(self, asked: _Ask, instructions: str, conversation: Sequence[Utterance]) -> dict[str, Any]:
        return {
            "model": asked.model,
            "max_tokens": MAX_TOKENS.get(asked.purpose, _MAX_TOKENS),
            "system": [{"type": "text", "text": instructions, "cache_control": {"type": "ephemeral"}}],
            "messages": messages_of(conversation),
            "timeout": asked.deadline + _GRACE,
        }

    def _with_tools(self, asked: _Ask, tools: Sequence[Tool], ask: Callable[[Any], Any]) -> Any:
        """Ask with strict tools; without, from then on, where the API cannot make so large a grammar of them."""
        import anthropic  # noqa: PLC0415 - importing it costs more than a second

        strict = asked.model not in self._lax
        try:
            return ask(tools_of(tools, strict=strict))
        except anthropic.BadRequestError as error:
            if not strict or not any(sign in str(error).casefold() for sign in _TOO_STRICT):
                raise
            log.warning("%s takes these tools only when they are not strict: %s", asked.model, error)
            self._lax.add(asked.model)
            return ask(tools_of(tools, strict=False))

    def _streamed(self, given: dict[str, Any], tools: Any, until: float, tell: Callable[[str], None]) -> Any:
        """Hand on the words as they come; the whole answer at the end."""
        with self._connected().messages.stream(**given, tools=tools) as stream:
            for event in stream:
                if self._clock() > until:
                    break  # nobody waits any more
                if event.type == "text":
                    tell(event.text)
            return stream.current_message_snapshot

    def _count(self, asked: _Ask, answer: Any) -> None:
        """Count an answer, whatever it is worth and even where nobody waits for it any more."""
        if self._usage is None:
            return
        try:
            self._usage.record(
                person=asked.person,
                purpose=asked.purpose,
                model=str(answer.model),
                cause=asked.cause,
                tokens=tokens_of(answer),
            )
        except Exception:
            log.exception("what an answer for %s took could not be counted", asked.cause)

    def _connected(self) -> anthropic.Anthropic:
        import anthropic  # noqa: PLC0415 - importing it costs more than a second

        from actions.connectors.anthropic_patience import bounded  # noqa: PLC0415 - as above

        with self._lock:
            if self._client is None:
                client = anthropic.DefaultHttpxClient(event_hooks={"response": [bounded()]})
                self._client = anthropic.Anthropic(
                    api_key=self._key, base_url=self._base_url, max_retries=0, http_client=client
                )
            return self._client


def _late(deadline: float) -> str:
    return f"Claude did not answer within {deadline:g} s"


def _tried(work: Callable[[], A | Unavailable]) -> tuple[A | Unavailable, bool]:
    """The answer, and whether Claude is up; whatever breaks is no answer."""
    import anthropic  # noqa: PLC0415 - importing it costs more than a second

    try:
        return work(), True
    except _Failed as error:
        return Unavailable(why=str(error)), False
    except anthropic.APIStatusError as error:
        return Unavailable(why=f"Claude answered {error.status_code}"), False
    except anthropic.AnthropicError as error:
        return Unavailable(why=f"Claude could not be asked ({type(error).__name__})"), False
    except Exception as error:  # noqa: BLE001 - a broken answer, whatever breaks, is no answer
        return Unavailable(why=f"Claude's answer could not be read ({type(error).__name__})"), False
