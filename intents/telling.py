"""Judges whether a clause tells of what is or was done: "we deployed checkout", "the restart was a mess"."""

from __future__ import annotations

from collections.abc import Sequence

from actions.core.kinds import Kind
from intents.clauses import placeholder
from intents.lexicon import word_set
from intents.spoken import FIRST, Act, Spoken

_PEOPLE = frozenset({placeholder(Kind.PERSON), placeholder(Kind.TEAM)})
_PERFECT = frozenset({"was", "were", "been", "got", "is", "are", "being", "be"})
_HAVE = frozenset({"has", "have", "had"})


def told(spoken: Spoken) -> Act | None:
    """Whether it tells of what is or was done."""
    said = spoken.words
    if spoken.starts("told") or _was(spoken) or any(_tells_at(spoken, at) for at in range(1, len(said))):
        return Act.REPORTED
    if said[0] in {"we", "they", "people"} and len(said) > 1:
        verb = next((at for at in range(1, len(said)) if said[at] not in word_set("acts.adverbs")), 1)
        if (
            verb < len(said)
            and spoken.is_head(spoken.body[verb])
            and said[verb] not in {"approve", "agree", "accept", "withdraw"}
        ):
            return Act.REPORTED
    if (
        said[0].endswith("ing")
        and said[0] not in word_set("acts.performing")
        and said[0] != spoken.body[0].stem
        and spoken.is_head(spoken.body[0])
        and len(said) > 1
    ):
        return Act.REPORTED
    bare = not spoken.asked and _is_past(said[0]) and spoken.is_head(spoken.body[0]) and said[0] != spoken.body[0].stem
    if bare and len(said) > 1 and said[0] not in {"failed", "broken", "cancelled", "approved", "denied", "rejected"}:
        return Act.REPORTED
    return None


def _was(spoken: Spoken) -> bool:
    """Whether a clause that is no order tells how something was: "yesterday's rollback of checkout was a mess"."""
    said = spoken.words
    if spoken.asked or spoken.heads(0, 1) or set(said) & {"please", "should", "must", "needs"}:
        return False
    return any(
        said[at] in {"was", "were"} and not set(said[max(0, at - 3) : at]) & word_set("acts.was_not")
        for at in range(1, len(said))
    )


def _tells_at(spoken: Spoken, at: int) -> bool:
    said, word, before = spoken.words, spoken.words[at], spoken.words[at - 1]
    thing = (before.startswith("<") and before not in _PEOPLE) or said[at + 1 : at + 2] == (placeholder(Kind.REQUEST),)
    if word in word_set("acts.saying") and before not in word_set("acts.before_saying") and not thing:
        near = said[max(0, at - 4) : at]
        return not set(near) & FIRST and near[-1] not in {"to", "will"}
    if word == "had" and said[at + 1 : at + 2] == ("to",):
        return True
    if not _is_past(word) or _is_wanted(said, at) or set(said[:at]) & word_set("acts.relatives"):
        return False
    back = at - 1
    while back > 0 and said[back] in word_set("acts.adverbs"):
        back -= 1
    if said[back] in word_set("acts.subjects") or said[back] in _PEOPLE:
        return said[back] != "it" or spoken.is_head(spoken.body[at])
    return (
        said[back] in _PERFECT
        or said[back] in _HAVE
        or (said[back] in word_set("acts.adverbs") and spoken.is_head(spoken.body[at]))
    )


def _is_past(word: str) -> bool:
    return (word.endswith("ed") and word not in word_set("acts.not_past")) or word in word_set("acts.past")


def _is_wanted(said: Sequence[str], at: int) -> bool:
    """Whether a participle is what somebody wants: "needs to be restarted", "want it deployed"."""
    before = said[max(0, at - 7) : at]
    if "be" in before[-3:] or {"get", "getting"} & set(before):
        return True
    return bool(set(before) & word_set("acts.wanting")) and not set(before) & {"was", "were", "been", "had"}
