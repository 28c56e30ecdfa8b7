"""What a clause can do, and a clause as those see it who judge which it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from intents.clauses import Piece
from intents.lexicon import openings, word_set


class Act(StrEnum):
    """What a clause does. Only the first three, and a few statements, may lead to a change."""

    COMMAND = "command"
    REQUEST = "request"
    WISH = "wish"
    STATEMENT = "statement"
    QUESTION = "question"
    OPINION = "opinion"
    NEGATED = "negated"
    CONDITION = "condition"
    REPORTED = "reported"
    HYPOTHETICAL = "hypothetical"
    LATER = "later"
    POLITE = "polite"
    """A politeness that says nothing: "if you have a minute"."""


ACTIVE = frozenset({Act.COMMAND, Act.REQUEST, Act.WISH})
IsHead = Callable[[Piece], bool]

WH, AUX = word_set("acts.wh"), word_set("acts.aux")
FIRST = frozenset({"i", "we"})


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clause as the judges see it: without openers, marks and politeness before it.

    Attributes:
        body: the pieces.
        words: their words.
        asked: whether a question mark ends it.
        is_head: whether a word is the verb of something that can be asked for.
        resumes: whether it goes on with the subject of the clause before: "and should be restarted".
    """

    body: tuple[Piece, ...]
    words: tuple[str, ...]
    asked: bool
    is_head: IsHead
    resumes: bool = False

    def starts(self, name: str) -> bool:
        """Whether it begins with one of a list of phrases."""
        return any(self.words[: len(phrase)] == phrase for phrase in openings(name))

    def holds(self, name: str) -> bool:
        """Whether one of a list of phrases is in it."""
        return any(within(self.words, phrase) for phrase in openings(name))

    def heads(self, start: int, end: int | None = None) -> bool:
        """Whether a verb of something that can be asked for stands in a part of it."""
        return any(self.is_head(piece) for piece in self.body[start:end])


def within(said: Sequence[str], phrase: tuple[str, ...]) -> bool:
    """Whether a phrase stands among words."""
    size = len(phrase)
    return any(tuple(said[at : at + size]) == phrase for at in range(len(said) - size + 1))
