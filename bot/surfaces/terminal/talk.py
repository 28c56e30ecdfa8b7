"""A talk from one terminal: who speaks, what a key or a `/command` means, and following what is under way."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from actions.core.errors import Refused
from actions.core.kinds import Kind, UnknownName
from bot.surfaces.terminal.client import WAIT
from bot.wire import Answer, Words

COMMANDS = {
    "/as": "speak as another person of the sandbox: /as erin",
    "/keys": "what keys and commands there are",
    "/quit": "end the chat; what is under way goes on",
}
_KEYS = "123456789"


class House(Protocol):
    """A running Shipmate, as `client.Client` reaches it."""

    def say(self, token: str, say: str, thread: str) -> Answer:
        """Say something."""

    def press(self, token: str, offer: str, fields: dict[str, JsonValue], thread: str) -> Answer:
        """Press a button."""

    def request(
        self, token: str, request_id: str, *, after_version: int = 0, after_draft: int = 0, wait: float = 0
    ) -> Answer:
        """A request as it stands, at its next change, or as soon as more is written of its answer."""

    def words(self, token: str) -> Words:
        """What can be typed."""


class UnknownCommand(Refused):
    """There is no such command of the chat."""

    def __init__(self, given: str) -> None:
        super().__init__(f"There is no command {given}.", remedy=f"Known are {', '.join(COMMANDS)}.")


class OneVoice(Refused):
    """Only the sandbox hands out everybody's tokens."""

    def __init__(self, person: str) -> None:
        super().__init__(
            f"Here you speak as {person}: only the sandbox hands out everybody's tokens.",
            remedy="Set SHIPMATE_TOKEN to the other person's own token.",
        )


class Quit(Exception):
    """The person wants to end the talk."""


class Pressed(NamedTuple):
    """A button that a key stands for.

    Attributes:
        offer: the id behind it.
        asks_for: what the person fills in first.
    """

    label: str
    offer: str
    asks_for: tuple[str, ...]


@dataclass
class Voices:
    """Who can speak here, by their tokens.

    Attributes:
        person: who speaks now.
        tokens: everybody's tokens in the sandbox, elsewhere the one person's own.
    """

    person: str
    tokens: Mapping[str, str] = field(repr=False)

    @property
    def token(self) -> str:
        """The token of who speaks now."""
        return self.tokens[self.person]

    def switch(self, person: str) -> None:
        """Speak as somebody else.

        Raises:
            OneVoice: there are no other tokens here.
            UnknownName: nobody is called so.
        """
        if person not in self.tokens:
            if len(self.tokens) == 1:
                raise OneVoice(self.person)
            raise UnknownName(Kind.PERSON, person, self.tokens)
        self.person = person


@dataclass
class Keys:
    """Which button each digit stands for.

    Digits are handed out in turn, so that a card that changes takes none that may just be pressed for another one.
    """

    _next: int = 0
    _held: dict[str, Pressed] = field(default_factory=dict)
    _cards: dict[tuple[str, ...], Sequence[str]] = field(default_factory=dict)

    def of(self, answer: Answer) -> Sequence[str]:
        """A key for each button of an answer, the same as long as its buttons are; "" beyond the ninth."""
        if answer.offers not in self._cards:
            keys = [_KEYS[(self._next + index) % len(_KEYS)] for index in range(min(len(answer.offers), len(_KEYS)))]
            self._next += len(keys)
            for key, button, offer in zip(keys, answer.reply.buttons, answer.offers, strict=False):
                self._held[key] = Pressed(button.label, offer, button.asks_for)
            self._cards[answer.offers] = [*keys, *[""] * (len(answer.offers) - len(keys))]
        return self._cards[answer.offers]

    def restart(self) -> None:
        """Begin with 1 again: what was shown before has no keys any more."""
        self._next = 0
        self._held.clear()
        self._cards.clear()

    def get(self, key: str) -> Pressed | None:
        """What a key stands for."""
        return self._held.get(key)


class Talk:
    """One thread, in which several people may speak in turn.

    Args:
        house: the running Shipmate.
        voices: who can speak.
        thread: the thread's id; a new one where it is empty.
    """

    def __init__(self, house: House, voices: Voices, thread: str = "") -> None:
        self._house = house
        self.voices = voices
        self.keys = Keys()
        self._thread = thread or f"t{secrets.token_urlsafe(18)}"
        self._asking = False
        self._choices: tuple[str, ...] = ()

    @property
    def asking(self) -> bool:
        """Whether Shipmate has asked something and waits for the answer, so that digits are part of it."""
        return self._asking

    def hear(self, line: str) -> Answer | str:
        """Take a line: a command of the chat, the number of a choice or button, or a sentence.

        Returns:
            Shipmate's answer, or a word of the chat itself.

        Raises:
            Quit: the person wants to end.
            ShipmateError: it could not be taken.
        """
        line = line.strip()
        if line.startswith("/"):
            return self._command(line)
        if line.isdecimal() and line.isascii():
            if self._asking and 0 < int(line) <= len(self._choices):
                line = self._choices[int(line) - 1]
            elif not self._asking and (pressed := self.keys.get(line)):
                return self.press(pressed, {})
        return self._heard(self._house.say(self.voices.token, line, self._thread))

    def press(self, pressed: Pressed, fields: dict[str, JsonValue]) -> Answer:
        """Press a button, with what the person filled in."""
        return self._heard(self._house.press(self.voices.token, pressed.offer, fields, self._thread))

    def settle(self, answer: Answer) -> Answer:
        """Follow an answer's request, with the eyes of who speaks now, until nothing more happens by itself."""
        token = self.voices.token
        while not answer.settled:
            answer = self.next(answer, token)
        return answer

    def look(self, request_id: str) -> Answer:
        """A request as it stands."""
        return self._house.request(self.voices.token, request_id)

    def next(self, answer: Answer, token: str) -> Answer:
        """The answer's request at its next change, or as it stands when nothing changed for a while."""
        if answer.request is None:
            return answer
        return self._house.request(
            token, answer.request.id, after_version=answer.request.version, after_draft=len(answer.draft), wait=WAIT
        )

    def words(self) -> Words:
        """What can be typed."""
        return self._house.words(self.voices.token)

    def _heard(self, answer: Answer) -> Answer:
        question = answer.reply.question
        self._asking = question is not None
        self._choices = tuple(choice.value for choice in question.choices) if question else ()
        return answer

    def _command(self, line: str) -> str:
        command, _, rest = line.partition(" ")
        match command:
            case "/as":
                self.voices.switch(rest.strip().lstrip("@").casefold())
                return f"You speak as {self.voices.person}."
            case "/quit" | "/exit" | "/q":
                raise Quit
            case "/keys" | "/help" | "/?":
                return "\n".join(f"{name:<7}{text}" for name, text in COMMANDS.items()) + (
                    "\nA digit on an empty line presses the button beside it. `help` lists what Shipmate can do."
                )
            case _:
                raise UnknownCommand(command)
