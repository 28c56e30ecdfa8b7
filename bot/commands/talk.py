"""`shipmate chat` and `shipmate say`: a person at a terminal, or a script, talks to a running Shipmate."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from io import TextIOWrapper

from actions.core.errors import Refused
from bot import instance
from bot.commands.up import tokens_file
from bot.settings import Settings
from bot.surfaces.terminal.client import PATIENCE, Client
from bot.surfaces.terminal.lines import converse
from bot.surfaces.terminal.talk import OneVoice, Talk, Voices

DEFAULT_PERSON = "dana"
"""Who speaks in the sandbox where nobody else is named."""


_STARTING, _STEP = 2.0, 0.02


class NoToken(Refused):
    """Nothing says who is speaking."""

    def __init__(self) -> None:
        super().__init__(
            "Shipmate has to know who you are.",
            remedy="Have `shipmate token create NAME` make you a token, and set SHIPMATE_TOKEN to it.",
        )


def chat(arguments: argparse.Namespace, settings: Settings) -> int:
    """Talk: at a terminal with a live screen, else one sentence a line."""
    talk, client = connect(settings, arguments.person or "", arguments.thread)
    try:
        return run(talk, settings, as_json=arguments.json)
    finally:
        client.close()


def say(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say one sentence and print the settled reply; 1 where it was refused, failed or not understood."""
    _forgive()
    talk, client = connect(settings, arguments.person or "", arguments.thread)
    try:
        last = converse(talk, [" ".join(arguments.sentence)], sys.stdout, as_json=arguments.json, now=_now)
    finally:
        client.close()
    request = last.request if last else None
    return int(request is None or not (request.state == "done" or request.state.awaits_people))


def run(talk: Talk, settings: Settings, *, as_json: bool) -> int:
    """Talk over standard input."""
    _forgive()
    if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        from bot.surfaces.terminal.chat import Chat  # noqa: PLC0415 - a script needs no screen

        Chat(talk, now=_now, history=settings.state_dir / "history", colour=settings.no_color is None).run()
    else:
        converse(talk, sys.stdin, sys.stdout, as_json=as_json, now=_now)
    return 0


def _forgive() -> None:
    """Show what cannot be decoded or encoded as a mark, in place of failing over it."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def connect(settings: Settings, person: str, thread: str = "") -> tuple[Talk, Client]:
    """A talk with the Shipmate that the settings name, or that runs on this state directory.

    Args:
        settings: where to look.
        person: who speaks; by default the token's person, in the sandbox dana.
        thread: the thread to go on in; empty for a new one.

    Raises:
        NoToken: nothing says who speaks.
        OneVoice: somebody else is to speak than the token's person.
        UnknownName: the sandbox knows nobody of that name.
        NobodyAnswers: nothing answers there.
    """
    here = instance.running(settings.state_dir)
    for _ in range(int(_STARTING / _STEP)):
        if here is not None or settings.token is not None or settings.url is not None:
            break
        # One that was started a moment ago, in another window or by a script, is not known yet.
        time.sleep(_STEP)
        here = instance.running(settings.state_dir)
    client = Client((settings.url or (here.url if here else settings.address)).rstrip("/"))
    if settings.token is not None:
        token = settings.token.get_secret_value()
        own = client.words(token).person
        if person and person != own:
            raise OneVoice(own)
        return Talk(client, Voices(own, {own: token}), thread), client
    if here is None or not here.sandbox:
        raise NoToken
    tokens = _handed_out(settings)
    voices = Voices(next(iter(tokens)), tokens)
    voices.switch(person or (DEFAULT_PERSON if DEFAULT_PERSON in tokens else voices.person))
    return Talk(client, voices, thread), client


def _handed_out(settings: Settings) -> dict[str, str]:
    """Everybody's tokens, which a sandbox that has just been started may take a moment to write."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            found: dict[str, str] = json.loads(tokens_file(settings).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            if time.monotonic() >= until:
                raise NoToken from None
            time.sleep(_STEP)
        else:
            return found


def _now() -> datetime:
    return datetime.now(UTC)
