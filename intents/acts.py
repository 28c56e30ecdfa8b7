"""What a clause does: asks for something, asks about something, forbids, tells, or merely considers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from intents.clauses import Clause, Piece
from intents.judges import condition, considered, forbidden, question
from intents.lexicon import english, openings, word_set
from intents.spoken import AUX, FIRST, WH, Act, IsHead, Spoken, within
from intents.telling import told

_JUDGES = (condition, question, considered, forbidden, told)
_STATES = frozenset({"is", "are", "was", "were", "has", "had", "looks", "seems", "keeps", "does", "did", "broke"})
_SMALL = frozenset({"in", "on", "at", "the", "of", "from", "and", "our", "build", "pipeline", "version", "service"})


def act_of(clause: Clause, is_head: IsHead) -> Act:
    """What a clause does.

    Args:
        clause: its words.
        is_head: whether a word is the verb of something that can be asked for.
    """
    asked = any(piece.word == "?" for piece in clause)
    body = [piece for piece in clause if not piece.is_mark]
    openers = word_set("acts.openers")
    while (
        len(body) > 1
        and body[0].found is None
        and (body[0].word in openers or _only_waits(body) or _is_noise(body, is_head))
    ):
        body = body[1:]
    if not body:
        return Act.STATEMENT
    resumes = clause[0].word in {"and", "so", "but", "or"} and body[0].word in word_set("clauses.modals")
    spoken = Spoken(tuple(body), tuple(piece.word for piece in body), asked, is_head, resumes)
    judges: Sequence[Callable[[Spoken], Act | None]] = (
        (condition, considered, forbidden, told) if resumes and not asked else _JUDGES
    )
    if _is_refused(clause, is_head):
        judges = (lambda _: Act.NEGATED,)
    for judge in judges:
        act = judge(spoken)
        if act is not None:
            return act
    wishing = word_set("acts.wish") | word_set("acts.wish_modal") | {"please"}
    said = spoken.words
    if any(said[at] in {"can", "could", "may", "will"} and said[at + 1] == "not" for at in range(len(said) - 1)):
        return Act.STATEMENT
    if (set(spoken.words) & wishing or spoken.holds("wished")) and not asked:
        return Act.WISH
    if asked:
        return Act.QUESTION
    judging = body[0].word in word_set("acts.judging") or (body[0].found and _is_told_of(body))
    return Act.COMMAND if not judging and (is_head(body[0]) or body[0].found is not None) else Act.STATEMENT


def _is_told_of(body: Sequence[Piece]) -> bool:
    """Whether a clause that begins with a name tells of it: "checkout 1.2 in production is slow"."""
    plain = (piece.word for piece in body if piece.found is None and piece.word not in _SMALL)
    return next(plain, "") in _STATES


def _is_refused(clause: Clause, is_head: IsHead) -> bool:
    """Whether a clause is "no deploy of …" or "I can't restart …"."""
    said = [piece.word for piece in clause[:4]]
    if said[0] == "no" and len(clause) > 1 and clause[1].word == clause[1].stem and is_head(clause[1]):
        return True
    unable = said[0] in FIRST and said[1:3] in (["can", "not"], ["could", "not"])
    return unable and any(is_head(piece) for piece in clause[3:4])


def _is_noise(body: Sequence[Piece], is_head: IsHead) -> bool:
    """Whether a clause begins with a word that means nothing, before one with which requests begin: "eww, revert it"."""
    return body[0].word not in english() and not is_head(body[0]) and is_head(body[1])


def _only_waits(body: Sequence[Piece]) -> bool:
    """Whether a clause begins with a "wait" that only asks for attention: "wait, why did it fail"."""
    return body[0].word == "wait" and body[1].word in WH | AUX - {"might", "may"}


def undenied(clause: Clause) -> Clause:
    """A clause without what it begins by ruling out: "not production, deploy it to qa"."""
    marks = [at for at, piece in enumerate(clause) if piece.word == ","]
    if clause and clause[0].word == "not" and marks and any(piece.found for piece in clause[: marks[0]]):
        rest = clause[marks[0] + 1 :]
        return rest if any(piece.found is None and not piece.is_mark for piece in rest) else clause
    return clause


def is_later(clause: Clause) -> bool:
    """Whether a clause puts something off to another time."""
    said = tuple(piece.word for piece in clause)
    for at, word in enumerate(said):
        if word in word_set("acts.later") and (
            at == 0 or said[at - 1] not in {"until", "till", "since", "from", "last", "by", "for"}
        ):
            return True
    return any(within(said, phrase) for phrase in openings("later"))
