"""Keeps what people think of how they were understood, in a form from which the understanding can be measured."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue

from actions.answer import LOOK_INTO, subject_of
from actions.core.errors import Unreachable
from actions.core.kinds import NAMES
from actions.core.ports.messaging import Sessions, Turn
from actions.core.ports.opinions import Label, Opinion, Opinions
from actions.core.ports.surroundings import Clock
from actions.core.redaction import redact
from actions.core.request import Request
from actions.gate.gate import Gate
from intents.corrections import is_complaint, is_correction
from intents.meaning import Asks, Lacks, Meaning

log = logging.getLogger("shipmate.feedback")


class _Message(NamedTuple):
    """A message that somebody has an opinion of.

    Attributes:
        about: what tells it apart from others.
        before: the turns before it.
        say: the words.
    """

    about: str
    before: Sequence[Turn]
    say: str


@dataclass(frozen=True)
class Feedback:
    """Takes thumbs, complaints and corrections.

    Attributes:
        opinions: where they are kept.
        sessions: the turns of each thread.
        gate: the catalogue and the names.
        clock: the time.
    """

    opinions: Opinions
    sessions: Sessions
    gate: Gate
    clock: Clock

    def rated(self, request: Request, person: str, *, good: bool) -> None:
        """Somebody put a thumb up or down under an answer; kept where it came of words."""
        if not request.said or request.place.surface == "answer":
            return
        try:
            turns = list(self.sessions.turns(request.place.key))
        except Unreachable:
            turns = []
        before = next((turns[:at] for at, turn in enumerate(turns) if turn.request == request.id), [])
        action, parameters = subject_of(request.action, request.parameters)
        did, verdict = _label(action, parameters), "up" if good else "down"
        # That a question in prose was answered well says nothing of what one verb it asks for.
        expect = did if good and action == request.action and action != LOOK_INTO else None
        self._keep(person, verdict, _Message(request.id, before, request.said), did, expect)

    def complains(self, person: str, text: str, turns: Sequence[Turn]) -> bool:
        """Whether a message says that this person's last one was misunderstood; it is then kept."""
        if not turns or not is_complaint(text) or not _may_correct(turns[-1], person):
            return False
        self._keep(person, "down", _message(turns, len(turns) - 1), _did(turns[-1]), None)
        return True

    def corrects(self, person: str, text: str, turns: Sequence[Turn], meaning: Meaning) -> None:
        """Keep what a message says about this person's last one, where it puts that right."""
        at = len(turns) - 1
        if at >= 1 and turns[at].action is None and is_complaint(turns[at].say):
            at -= 1
        elif not is_correction(text):
            return
        if at < 0 or not isinstance(meaning, Asks | Lacks) or not _may_correct(turns[at], person):
            return
        expect = label_of(meaning)
        was, did = turns[at], _did(turns[at])
        if expect == did:
            return
        if self._misspoke(was, meaning):
            # It was understood as it was said; what is worth keeping is how the correction is to be read.
            message = _Message(f"{_about(turns, at)} put right", turns[: at + 1], text)
            self._keep(person, "corrected", message, expect, expect)
        else:
            self._keep(person, "corrected", _message(turns, at), did, expect)

    def _misspoke(self, was: Turn, meaning: Asks) -> bool:
        """Whether every value that is put right stood in the first message itself."""
        if was.action != meaning.action or was.action not in self.gate.catalog:
            return False
        changed = [name for name, value in was.parameters.items() if meaning.parameters.get(name) != value]
        return bool(changed) and all(self._stands_in(was, name) for name in changed)

    def _stands_in(self, turn: Turn, name: str) -> bool:
        verb = self.gate.catalog[str(turn.action)]
        value, said = str(turn.parameters[name]).casefold(), turn.say.casefold()
        if value in said:
            return True
        kind = verb.kind_of(name) if name in verb.model_fields else None
        if kind not in NAMES:
            return False
        words = said.replace(",", " ").replace("?", " ").split()
        return any(self.gate.tools.organization.resolve(kind, word) == turn.parameters[name] for word in words)

    def _keep(self, person: str, verdict: str, message: _Message, did: Label, expect: Label | None) -> None:
        opinion = Opinion.model_validate(
            {
                "at": self.clock.now(),
                "person": person,
                "verdict": verdict,
                "about": message.about,
                "thread": [{"say": redact(turn.say), "did": _done(turn)} for turn in message.before],
                "say": redact(message.say),
                "did": did,
                "expect": expect,
            }
        )
        try:
            self.opinions.keep(opinion)
        except Unreachable as error:
            log.warning("an opinion about %s is not kept: %s", message.about, error)


def label_of(meaning: Asks) -> Label:
    """What a message means, in the form of an evaluation item."""
    missing = meaning.missing if isinstance(meaning, Lacks) else ()
    return _label(meaning.action, meaning.parameters, missing)


def _label(action: str, parameters: Mapping[str, JsonValue], missing: Sequence[str] = ()) -> Label:
    found: Label = {"outcome": "lacks" if missing else "asks", "action": action, "params": _redacted(parameters)}
    return found | {"missing": list(missing)} if missing else found


def _did(turn: Turn) -> Label:
    if turn.action is None:
        return {"outcome": "unclear"}
    return _label(turn.action, turn.parameters, turn.missing)


def _done(turn: Turn) -> JsonValue:
    return {"action": turn.action, "params": _redacted(turn.parameters)} if turn.action and not turn.missing else None


def _redacted(parameters: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: redact(value) if isinstance(value, str) else value for name, value in parameters.items()}


def _may_correct(turn: Turn, person: str) -> bool:
    """Whether a turn is this person's, and not itself a remark about an earlier one."""
    return turn.by == person and not is_complaint(turn.say)


def _message(turns: Sequence[Turn], at: int) -> _Message:
    return _Message(_about(turns, at), turns[:at], turns[at].say)


def _about(turns: Sequence[Turn], at: int) -> str:
    """What tells a turn apart: its request, else what was said after what."""
    before = turns[at - 1].request or turns[at - 1].say if at > 0 else ""
    return turns[at].request or f"{before} / {turns[at].say}"
