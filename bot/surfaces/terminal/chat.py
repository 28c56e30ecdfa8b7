"""The chat in a terminal: what is under way is redrawn in place above the line one types on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as Word
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout
from pydantic import JsonValue

from actions.core.errors import ShipmateError, Unreachable
from bot.surfaces.terminal.completion import Completion
from bot.surfaces.terminal.render import Look, draw
from bot.surfaces.terminal.talk import Pressed, Quit, Talk
from bot.wire import Answer

_REFRESH = 0.5
"""How often elapsed times are drawn anew, in seconds."""
_AGAIN = 2.0
"""How long to wait before following again after nobody answered, in seconds."""

_LASTS = timedelta(seconds=1)
"""How long something has been under way before its buttons get keys."""

WELCOME = "Say what you want done, or “help”. Digits press buttons, Tab completes, /keys lists commands, /quit ends."


class _Live(NamedTuple):
    """A card of something under way, and since when it is shown."""

    answer: Answer
    since: datetime


class Chat:
    """A talk at a terminal.

    Args:
        talk: the talk.
        now: the time.
        history: the file in which lines are remembered; none are where it is None.
        colour: whether to use colours.
        keyboard: where keys come from; the terminal by default.
        screen: where it is drawn; the terminal by default.
    """

    def __init__(
        self,
        talk: Talk,
        *,
        now: Callable[[], datetime],
        history: Path | None = None,
        colour: bool = True,
        keyboard: Input | None = None,
        screen: Output | None = None,
    ) -> None:
        self._talk = talk
        self._now = now
        self._colour = colour
        self._live: dict[str, _Live] = {}
        self._printed: dict[str, int] = {}
        self._followed: set[str] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._session: PromptSession[str] = PromptSession(
            completer=_Words(Completion(talk.words(), tuple(talk.voices.tokens))),
            complete_while_typing=True,
            history=FileHistory(str(history)) if history else None,
            key_bindings=self._bindings(),
            erase_when_done=True,
            refresh_interval=_REFRESH,
            input=keyboard,
            output=screen,
        )

    def run(self) -> None:
        """Talk until the person ends it; what is under way goes on without us."""
        self._print(WELCOME)
        with patch_stdout(raw=True):
            while not self._ending.is_set():
                try:
                    line = self._session.prompt(self._message)
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    break
                if line.strip():
                    self._take(line.strip())
        self._ending.set()

    def _take(self, line: str) -> None:
        pressed = None if self._talk.asking else self._talk.keys.get(line)
        self._print(f"{self._bold(self._talk.voices.person)}> {f'[{line}] {pressed.label}' if pressed else line}")
        try:
            heard = self._talk.press(pressed, self._fill_in(pressed)) if pressed else self._talk.hear(line)
            if isinstance(heard, str):
                self._print(heard)
                return
            self._show(heard)
            if heard.follow:
                self._show(self._talk.look(heard.follow))
        except Quit:
            self._ending.set()
        except ShipmateError as error:
            self._print(f"✖ {error}")

    def _fill_in(self, pressed: Pressed) -> dict[str, JsonValue]:
        """Ask for what the button asks for; what is left empty is not given."""
        asked = {name: self._session.prompt(f"{name.replace('_', ' ')}: ").strip() for name in pressed.asks_for}
        return {name: value for name, value in asked.items() if value}

    def _show(self, answer: Answer) -> None:
        """Draw an answer: for good where it has settled, in place while it goes on; and follow it to its end."""
        request = answer.request
        with self._lock:
            if answer.offers and not self._live:
                self._talk.keys.restart()
            known = request is not None and request.id in self._followed
            if request is not None and not request.settled:
                self._live.setdefault(request.id, _Live(answer, self._now()))
        if answer.settled:
            self._print_reply(answer)
        if request is not None and not request.state.is_final and not known:
            with self._lock:
                self._followed.add(request.id)
            token = self._talk.voices.token
            threading.Thread(target=self._follow, args=(answer, token), name=request.id, daemon=True).start()

    def _follow(self, answer: Answer, token: str) -> None:
        while not self._ending.is_set() and answer.request and not answer.request.state.is_final:
            try:
                newer = self._talk.next(answer, token)
            except Unreachable:
                self._ending.wait(_AGAIN)
                continue
            except ShipmateError as error:
                self._print(f"✖ {error}")
                break
            if newer.request and (newer.request.version > answer.request.version or newer.draft != answer.draft):
                self._changed(newer)
            answer = newer
        with self._lock:
            if answer.request:
                self._live.pop(answer.request.id, None)
                self._followed.discard(answer.request.id)

    def _changed(self, answer: Answer) -> None:
        if answer.request is None:
            return
        with self._lock:
            if answer.settled:
                self._live.pop(answer.request.id, None)
            else:
                since = self._live[answer.request.id].since if answer.request.id in self._live else self._now()
                self._live[answer.request.id] = _Live(answer, since)
        if answer.settled:
            self._print_reply(answer)
            if answer.follow and answer.follow not in self._followed:
                with suppress(ShipmateError):
                    self._show(self._talk.look(answer.follow))
        # Between two prompts there is nothing to redraw, and its loop may be closed.
        with suppress(RuntimeError):
            self._session.app.invalidate()

    def _message(self) -> ANSI:
        """What stands above and before the line one types: the cards of what is under way, then who speaks."""
        with self._lock:
            live = list(self._live.values())
        look = self._look(links="none")
        cards = [draw(one.answer.reply, look, keys=self._keys(one), brief=not one.answer.draft) for one in live]
        return ANSI("\n".join([*cards, f"{self._bold(self._talk.voices.person)}> "]))

    def _keys(self, live: _Live) -> Sequence[str] | None:
        """The keys of a card under way; one that may be over in a moment takes none."""
        return self._talk.keys.of(live.answer) if self._now() - live.since >= _LASTS else None

    def _print_reply(self, answer: Answer) -> None:
        """Print a card for good, once for each version of its request."""
        if answer.request:
            with self._lock:
                if self._printed.get(answer.request.id, 0) >= answer.request.version:
                    return
                self._printed[answer.request.id] = answer.request.version
        self._print(draw(answer.reply, self._look(links="words"), keys=self._talk.keys.of(answer)))

    def _look(self, *, links: str) -> Look:
        width = max(self._session.output.get_size().columns, 20)
        words = links == "words"
        return Look(
            now=self._now(), width=width, colour=self._colour, links="words" if words and self._colour else "none"
        )

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._colour else text

    def _print(self, text: str) -> None:
        print(text)  # noqa: T201 - patch_stdout puts it above the line one types on

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()

        @Condition
        def on_an_empty_line() -> bool:
            return not self._session.default_buffer.text and not self._talk.asking

        for digit in "123456789":

            @bindings.add(digit, filter=on_an_empty_line)
            def _(event: KeyPressEvent) -> None:
                key = event.key_sequence[0].key
                if self._talk.keys.get(key):
                    event.app.exit(result=key)
                else:
                    event.current_buffer.insert_text(key)

        return bindings


class _Words(Completer):
    """Hands our completion to the prompt."""

    def __init__(self, completion: Completion) -> None:
        self._completion = completion

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Word]:
        """The words that could stand at the cursor."""
        for found in self._completion.candidates(document.text_before_cursor):
            yield Word(found.text, start_position=-found.replaces, display_meta=found.about)
