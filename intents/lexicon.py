"""General knowledge of English words: which are real, what they are forms of, which go together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_SHORT = 3
_DOUBLED = 4


@cache
def _data(name: str) -> str:
    return files("intents").joinpath("data", name).read_text(encoding="utf-8")


def data_lines(name: str) -> list[str]:
    """The lines of a data file, without comments and blank ones."""
    return [line.strip() for line in _data(name).splitlines() if line.strip() and not line.startswith("#")]


@cache
def word_set(name: str) -> frozenset[str]:
    """A small set of words out of `words.txt`."""
    return _sets()[name]


@cache
def _sets() -> Mapping[str, frozenset[str]]:
    pairs = (line.partition(": ") for line in data_lines("words.txt"))
    return {name: frozenset(listed.split()) for name, _, listed in pairs}


@cache
def openings(name: str) -> tuple[tuple[str, ...], ...]:
    """A list of phrases out of `openings.txt`, each as its words."""
    for line in data_lines("openings.txt"):
        listed, _, phrases = line.partition(": ")
        if listed == name:
            return tuple(tuple(phrase.split()) for phrase in phrases.split(" | "))
    raise KeyError(name)


@cache
def _irregular() -> Mapping[str, str]:
    pairs = (line.partition(": ") for line in data_lines("stems.txt"))
    return {form: stem for stem, _, forms in pairs for form in forms.split()}


@cache
def _short_forms() -> Mapping[str, tuple[str, ...]]:
    pairs = (line.partition(":") for line in data_lines("short_forms.txt"))
    return {short: tuple(full.split()) for short, _, full in pairs}


@cache
def english() -> frozenset[str]:
    """Common English words; a word among them is not a typing mistake for a name."""
    return frozenset(_data("english.txt").split()) | _irregular().keys() | STOP | _short_forms().keys()


@cache
def clusters() -> Mapping[str, tuple[str, ...]]:
    """For a word's stem, the groups of near synonyms that it is in."""
    found: dict[str, tuple[str, ...]] = {}
    for line in data_lines("synonyms.txt"):
        name, _, words = line.partition(":")
        for word in words.split():
            key = stem(word)
            found[key] = (*found.get(key, ()), name)
    return found


def is_short_form(word: str) -> bool:
    """Whether a word is a contraction or a chat's short form, such as "what's" and "pls"."""
    return word in _short_forms()


def expand(word: str) -> tuple[str, ...]:
    """A contraction or a chat's short form in full words; other words alone."""
    return _short_forms().get(word, (word,))


@cache
def stem(word: str) -> str:
    """A word without the endings of its forms; rough, but alike for all forms of the usual verbs."""
    if word in _irregular():
        return _irregular()[word]
    for ending in ("ing", "ed", "es", "s"):
        if not word.endswith(ending) or word.endswith(("ss", "us", "is")):
            continue
        base = word[: -len(ending)]
        if len(base) < _SHORT or not any(vowel in base for vowel in "aeiouy"):
            continue
        if ending == "es" and not base.endswith(("s", "x", "z", "ch", "sh", "o")):
            continue
        if ending in {"ing", "ed"}:
            return _restored(base)
        return base[:-1] + "y" if ending == "s" and base.endswith("ie") else base
    return word


def _restored(base: str) -> str:
    """The verb whose -ing or -ed form left this base: freez → freeze, stopp → stop."""
    if len(base) >= _DOUBLED and base[-1] == base[-2] and base[-1] not in "sl":
        return base[:-1]
    known = english()
    if base + "e" in known and base not in known:
        return base + "e"
    return base[:-1] + "y" if base.endswith("i") else base


STOP = word_set("lexicon.stop")
"""Words that carry little of a sentence's meaning."""
