"""Words in a message that stand where a name should and are none: a name that is not known is never replaced by another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from intents.clauses import Piece
from intents.lexicon import word_set

_ARTICLES = frozenset({"the", "a", "an", "our", "my", "this", "that", "service", "environment", "env", "version"})
_PRONOUNS = frozenset({"it", "her", "him", "them", "me", "us", "you", "there", "here", "these", "those", "once", "now"})
_OF = frozenset({"of", "for"})
_PLACES = frozenset({"to", "in", "on", "into", "onto", "from", "at"})
_EVERYTHING = frozenset({"everything", "all", "anything", "everywhere", "every", "any", "nobody"})

_GREETINGS = frozenset({"hi", "hey", "hello", "morning", "thanks", "is", "at", "after", "you", "evening", "afternoon"})


class Strangers(NamedTuple):
    """What stands where a name should.

    Attributes:
        names: words that mean nothing at all, or stand after "of" and "for".
        places: words that stand after "to", "in" and their like.
    """

    names: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def every(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.names, *self.places)

    def without(self, taken: Collection[str]) -> Strangers:
        """Those that are not values of the request themselves.

        Args:
            taken: the values, in small letters.
        """
        names, places = ([word for word in words if word.casefold() not in taken] for words in self)
        return Strangers(tuple(names), tuple(places))


def strangers(parts: Sequence[Piece], knows: Callable[[str], bool], means: Callable[[str], bool]) -> Strangers:
    """The strangers in a message.

    Args:
        parts: the message.
        knows: whether a word is English, a name, or means something here.
        means: whether a word was ever seen in what verbs are asked with; an English word that was not is no name either.
    """
    names: list[str] = []
    places: list[str] = []
    before = ""
    for piece in parts:
        word = piece.word
        plain = word in _ARTICLES | _PRONOUNS or piece.is_mark or not any(letter.isalpha() for letter in word)
        if piece.found is None and not plain:
            in_place = word not in word_set("strangers.times") and before in _OF | _PLACES
            if not knows(word) or (in_place and not means(word)):
                (places if before in _PLACES else names).append(piece.text)
        if word not in _ARTICLES:
            before = word
    return Strangers(tuple(names), tuple(places))


def spoken_of_everything(parts: Sequence[Piece]) -> bool:
    """Whether a message says that it means everything."""
    return bool({piece.word for piece in parts} & _EVERYTHING)


def spoken_of_all(parts: Sequence[Piece]) -> bool:
    """Whether a message speaks of every service: "restart everything", "all services"."""
    words = [piece.word for piece in parts if not piece.is_mark]
    if {"everything", "every", "each"} & set(words):
        return True
    return any(word == "all" and at and words[at - 1] not in _GREETINGS for at, word in enumerate(words))
