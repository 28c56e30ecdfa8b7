"""What the local recogniser learns from: every verb's own phrases, examples and sayings, and talk that asks for nothing."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.core.action import Action, Risk
from actions.core.catalog import Catalog
from actions.core.kinds import Kind
from intents.clauses import Piece, pieces, placeholder
from intents.entities import Names
from intents.lexicon import STOP, data_lines, stem, word_set
from intents.text import tokens

Verb = type[Action[Any]]
NONE = "none:"
"""What a label begins with that stands for talk asking for nothing."""

_GROUP = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_AFTER = re.compile(r"after (\w+): (.+)")
_MAX_VARIANTS = 32
_ENOUGH = 60
"""Lessons that a verb has at the least, so that it is heard beside those with many."""
_ALTOGETHER = 6000
"""Lessons that such repetition may lead to."""
_OURS = Action.__module__.partition(".")[0]
_FORBIDDING = ("do not", "never", "please do not")
_FREE = frozenset({Kind.TEXT, Kind.TOPIC, Kind.VERB, Kind.PLAYBOOK})


_NO_NAMES = Names({})


@dataclass(frozen=True, slots=True)
class Lesson:
    """A sentence and what it is an example of: a verb's name, or NONE and a hint."""

    label: str
    parts: tuple[Piece, ...]
    negated: bool = False


def variants(phrase: str) -> list[str]:
    """A phrase with each of its optional `[…]` parts present and absent."""
    pending = [phrase]
    done: list[str] = []
    while pending and len(done) + len(pending) < _MAX_VARIANTS:
        current = pending.pop()
        group = _GROUP.search(current)
        if group is None:
            done.append(" ".join(current.split()))
        else:
            head, tail = current[: group.start()], current[group.end() :]
            pending += [head + tail, head + group[1] + tail]
    return done


def sayings(verb: Verb) -> list[str]:
    """A verb's paraphrases, with those in `sayings/<name>.txt` beside the module that defines it."""
    return [line for line in _lines(verb) if not _AFTER.fullmatch(line)]


def _lines(verb: Verb) -> list[str]:
    module = sys.modules.get(verb.__module__)
    where = getattr(module, "__file__", None)
    path = Path(where).parent / "sayings" / f"{verb.policy.name}.txt" if where else None
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
    return [*verb.policy.paraphrases, *(line.strip() for line in lines if line.strip() and not line.startswith("#"))]


def follow_ups(catalog: Catalog) -> dict[tuple[str, frozenset[str]], str]:
    """What certain short words mean after a certain verb: sayings such as "after freeze: lift it"."""
    found: dict[tuple[str, frozenset[str]], str] = {}
    for verb in public(catalog):
        for line in _lines(verb):
            match = _AFTER.fullmatch(line)
            if match:
                words = frozenset(token.word for token in tokens(match[2])) - word_set("model.around")
                found[match[1], words] = verb.policy.name
    return found


def fingerprint(catalog: Catalog) -> str:
    """A hash of all that is learned from and of what learns, so that a model is fitted again when any of it changes."""
    seen = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.*")):
        if source.suffix in {".py", ".txt"}:
            seen.update(source.read_bytes())
    for verb in public(catalog):
        policy = verb.policy
        fields = [[name, verb.kind_of(name), verb.choices_of(name)] for name in verb.model_fields]
        seen.update(
            json.dumps([policy.name, policy.risk, policy.phrases, policy.examples, sayings(verb), fields]).encode()
        )
    return seen.hexdigest()[:20]


def public(catalog: Catalog) -> Iterator[Verb]:
    """The verbs that people may ask for."""
    return (verb for verb in catalog if verb.policy.public)


def lessons(catalog: Catalog) -> list[Lesson]:
    """Everything that is learned from."""
    names = _sample_names(catalog)
    found: list[Lesson] = []
    for verb in public(catalog):
        seen = set()
        for phrase in verb.policy.phrases:
            seen.update(variants(phrase))
        seen.update(text for saying in sayings(verb) for text in variants(saying))
        for text in sorted(seen):
            found += [Lesson(verb.policy.name, tuple(parts)) for parts in _delexicalised(text, verb)]
        split = [tokens(example) for example in verb.policy.examples]
        found += [Lesson(verb.policy.name, tuple(pieces(words, names.find(words)))) for words in split]
    found += [numbered for lesson in found if (numbered := _with_bare_number(lesson)) is not None]
    return [*_balanced(found), *_none(catalog)]


def _with_bare_number(lesson: Lesson) -> Lesson | None:
    """A saying with a pipeline whose number stands alone: "why did 812 fail"."""
    pipeline, number = placeholder(Kind.PIPELINE), Piece("<number>", "<number>")
    if not any(part.word == pipeline for part in lesson.parts):
        return None
    return Lesson(lesson.label, tuple(number if part.word == pipeline else part for part in lesson.parts))


def _balanced(found: Sequence[Lesson]) -> list[Lesson]:
    """The lessons, with those of verbs that have few said more often, also without their last value."""
    few = Counter(lesson.label for lesson in found)
    enough = min(_ENOUGH, _ALTOGETHER // max(1, len(few)))
    result = list(found)
    for label, count in few.items():
        own = [lesson for lesson in found if lesson.label == label]
        if count < enough:
            own += [Lesson(label, short) for lesson in own if (short := _without_last_value(lesson.parts))]
            result += [own[at % len(own)] for at in range(count, enough)]
    return result


def _without_last_value(parts: Sequence[Piece]) -> tuple[Piece, ...]:
    """A saying without its last value and the word before it, where another value is left; else nothing."""
    places = [at for at, part in enumerate(parts) if part.word.startswith("<")]
    if len(places) < 2:  # noqa: PLR2004 - one stays
        return ()
    last = places[-1]
    return (*parts[: last - 1], *parts[last + 1 :])


def _none(catalog: Catalog) -> Iterable[Lesson]:
    """Talk that asks for nothing; `hint: words`, with kinds of value as placeholders."""
    kinds = {**{str(kind): placeholder(kind) for kind in Kind}, "number": "<number>"}
    for verb in public(catalog):
        if verb.policy.risk is not Risk.READ:
            for phrase in verb.policy.phrases:
                for opening in _FORBIDDING:
                    for parts in _delexicalised(f"{opening} {variants(phrase)[0]}", verb):
                        yield Lesson(f"{NONE}negated", tuple(parts))
    newly = _newly_in_scope(catalog)
    for line in data_lines("none.txt"):
        hint, _, text = line.partition(":")
        if hint == "out_of_scope" and newly & {stem(token.word) for token in tokens(text)}:
            continue
        for variant in variants(text):
            words = tokens(variant)
            parts = [
                Piece(kinds[part.word[1:-1]], kinds[part.word[1:-1]])
                if part.word[1:-1] in kinds and part.word[0] == "{"
                else part
                for part in pieces(words, _NO_NAMES.find(words))
            ]
            yield Lesson(NONE + hint.strip(), tuple(parts))


def _newly_in_scope(catalog: Catalog) -> frozenset[str]:
    """Words that only the verbs of plug-ins speak of, such as "incident": they are out of scope no longer."""
    said = {verb: {stem(t.word) for p in verb.policy.phrases for t in tokens(p)} for verb in public(catalog)}
    added = {verb for verb in said if not verb.__module__.startswith(f"{_OURS}.")}
    usual = {word for verb, words in said.items() if verb not in added for word in words}
    return frozenset(word for verb in added for word in said[verb] - usual - STOP if word.isalpha())


def _delexicalised(text: str, verb: Verb) -> Iterator[list[Piece]]:
    """A saying with the kinds of its parameters for their placeholders; choices are written out, free text is cut."""
    texts = [text]
    for name in _SLOT.findall(text):
        if name in verb.model_fields and verb.choices_of(name) and verb.kind_of(name) is Kind.TEXT:
            values = [value.replace("_", " ") for value in verb.choices_of(name)]
            texts = [one.replace(f"{{{name}}}", value) for one in texts for value in values]
    for one in texts:
        words = tokens(one)
        yield [_slotted(part, verb) for part in pieces(words, _NO_NAMES.find(words)) if not _is_free(part, verb)]


def _is_free(part: Piece, verb: Verb) -> bool:
    name = part.word[1:-1]
    return part.word.startswith("{") and name in verb.model_fields and verb.kind_of(name) in _FREE


def _slotted(part: Piece, verb: Verb) -> Piece:
    name = part.word[1:-1]
    if part.word.startswith("{") and name in verb.model_fields:
        word = placeholder(verb.kind_of(name))
        return Piece(word, word)
    return part


def _sample_names(catalog: Catalog) -> Names:
    """The names that the verbs' own samples and examples use."""
    named: dict[Kind, dict[str, str]] = {
        Kind.ENVIRONMENT: {name: name for name in ("production", "staging", "development", "prod", "dev")},
    }
    for verb in public(catalog):
        action = verb.sample().action
        for name, value in action.parameters().items():
            kind = type(action).kind_of(name)
            if kind in {Kind.SERVICE, Kind.ENVIRONMENT, Kind.PERSON, Kind.ROLE, Kind.TEAM}:
                named.setdefault(kind, {})[str(value)] = str(value)
    return Names(named)


def surroundings(verb: Verb) -> dict[str, dict[str, int]]:
    """For each parameter, how often each sign stood beside it in the verb's phrases and sayings."""
    found: dict[str, Counter[str]] = {name: Counter() for name in verb.model_fields}
    if not _is_told_by_place(verb):
        return {}
    for text in (*verb.policy.phrases, *sayings(verb)):
        for variant in variants(text):
            said = [token.word for token in tokens(variant)]
            kinds = [word[1:-1] for word in said if word.startswith("{") and word[1:-1] in verb.model_fields]
            plain = [placeholder(verb.kind_of(word[1:-1])) if word[1:-1] in found else word for word in said]
            for at, word in enumerate(said):
                if word[1:-1] in found:
                    same = [name for name in kinds if verb.kind_of(name) is verb.kind_of(word[1:-1])]
                    found[word[1:-1]].update(signs(plain, at, first=same[0] == word[1:-1], only=len(same) == 1))
    return {name: dict(counted) for name, counted in found.items()}


def _is_told_by_place(verb: Verb) -> bool:
    """Whether a verb has several parameters of one kind, or a version that it need not have."""
    kinds = [verb.kind_of(name) for name in verb.model_fields if verb.kind_of(name) is not Kind.TEXT]
    optional = [verb.kind_of(name) for name, field in verb.model_fields.items() if not field.is_required()]
    return len(set(kinds)) < len(kinds) or Kind.VERSION in optional


def signs(words: Sequence[str], at: int, *, first: bool, only: bool) -> list[str]:
    """What stands beside a value, by which parameters of one kind are told apart.

    Args:
        words: the sentence, with kinds for values.
        at: where the value is.
        first: whether it is the first of its kind.
        only: whether it is the only one.
    """
    padded = ["^", "^", *words, "$", "$"]
    here = at + 2
    place = "only" if only else "first" if first else "last"
    return [
        f"<1 {padded[here - 1]}",
        f"<2 {padded[here - 2]} {padded[here - 1]}",
        f">1 {padded[here + 1]}",
        f">2 {padded[here + 1]} {padded[here + 2]}",
        f"@ {place}",
        "#",
    ]


def risky(catalog: Catalog) -> frozenset[str]:
    """The verbs that change something."""
    return frozenset(verb.policy.name for verb in catalog if verb.policy.risk is not Risk.READ)
