"""What a clause does: asks for something, asks about something, forbids, tells, or merely considers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from actions.core.kinds import Kind
from intents.clauses import Clause, Piece, placeholder
from intents.lexicon import english, openings, word_set


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


@dataclass(frozen=True, slots=True)
class _Spoken:
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
        return any(_within(self.words, phrase) for phrase in openings(name))

    def heads(self, start: int, end: int | None = None) -> bool:
        """Whether a verb of something that can be asked for stands in a part of it."""
        return any(self.is_head(piece) for piece in self.body[start:end])


_WH, _AUX = word_set("acts.wh"), word_set("acts.aux")
_FIRST = frozenset({"i", "we"})
_IF = frozenset({"if", "whether"})
_WHEN = frozenset({"once", "when", "whenever", "after"})
_PEOPLE = frozenset({placeholder(Kind.PERSON), placeholder(Kind.TEAM)})
_PERFECT = frozenset({"was", "were", "been", "got", "is", "are", "being", "be"})
_STATES = frozenset({"is", "are", "was", "were", "has", "had", "looks", "seems", "keeps", "does", "did", "broke"})
_SMALL = frozenset({"in", "on", "at", "the", "of", "from", "and", "our", "build", "pipeline", "version", "service"})
_DENIED = frozenset({"did", "does", "is", "was", "has", "are", "were"})
_HAVE = frozenset({"has", "have", "had"})
_MODAL = frozenset(
    {"should", "must", "shall", "would", "may", "might", "could", "can", "will", "need", "do", "does", "did"}
)


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
    spoken = _Spoken(tuple(body), tuple(piece.word for piece in body), asked, is_head, resumes)
    judges: Sequence[Callable[[_Spoken], Act | None]] = (
        (_condition, _considered, _forbidden, _told) if resumes and not asked else _JUDGES
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
    unable = said[0] in _FIRST and said[1:3] in (["can", "not"], ["could", "not"])
    return unable and any(is_head(piece) for piece in clause[3:4])


def _is_noise(body: Sequence[Piece], is_head: IsHead) -> bool:
    """Whether a clause begins with a word that means nothing, before one with which requests begin: "eww, revert it"."""
    return body[0].word not in english() and not is_head(body[0]) and is_head(body[1])


def _only_waits(body: Sequence[Piece]) -> bool:
    """Whether a clause begins with a "wait" that only asks for attention: "wait, why did it fail"."""
    return body[0].word == "wait" and body[1].word in _WH | _AUX - {"might", "may"}


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
    return any(_within(said, phrase) for phrase in openings("later"))


def _within(said: Sequence[str], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(tuple(said[at : at + size]) == phrase for at in range(len(said) - size + 1))


def _condition(spoken: _Spoken) -> Act | None:  # noqa: PLR0911 - one return a case
    said = spoken.words
    first, second = said[0], said[1] if len(said) > 1 else ""
    if first == "had" and second in _FIRST:
        return Act.CONDITION
    if first == "should" and not spoken.asked and not spoken.resumes:
        return Act.CONDITION
    if spoken.starts("condition"):
        return Act.OPINION if first == "should" and spoken.asked else Act.CONDITION
    if spoken.starts("polite_if"):
        gentle = word_set("acts.gentle")
        busy = any(spoken.is_head(piece) and piece.word not in gentle for piece in spoken.body[2:])
        return Act.CONDITION if busy else Act.POLITE
    if first == "when" and (second in _AUX or second == "exactly"):
        return None
    if first == "once" and second in {"more", "again"}:
        return None
    if first in word_set("acts.conditions") and second != "all":
        return Act.CONDITION
    if any(_condition_at(spoken, at) for at in range(1, len(said))):
        return Act.CONDITION
    return None


def _condition_at(spoken: _Spoken, at: int) -> bool:  # noqa: PLR0911 - one return a case
    said, word = spoken.words, spoken.words[at]
    following = said[at + 1] if at + 1 < len(said) else ""
    if word in {"unless", "provided", "assuming"}:
        return True
    if word == "if":
        if set(said[max(0, at - 2) : at]) & word_set("acts.pleased"):
            return False
        return not set(said[max(0, at - 3) : at]) & word_set("acts.embed") and following not in {"you", "possible"}
    if word == "as" and said[at + 1 : at + 3] in {("soon", "as"), ("long", "as")}:
        return True
    if word == "in" and following == "case":
        return True
    if word not in _WHEN or said[0] in _WH | _AUX or not following or following in word_set("acts.not_when"):
        return False
    if word == "after" and said[at - 1] in {"look", "looks", "looking", "looked", "be", "takes"}:
        return False
    part = _Spoken(spoken.body[:at], said[:at], asked=False, is_head=spoken.is_head)
    return part.heads(0) and _told(part) is None


def _question(spoken: _Spoken) -> Act | None:  # noqa: PLR0911 - one return a case
    said = spoken.words
    first, second = said[0], said[1] if len(said) > 1 else ""
    if spoken.starts("why_not"):
        return Act.REQUEST
    if _opinion(spoken):
        return Act.OPINION
    if spoken.starts("request"):
        asks = any(word in _WH or word == "whether" for word in said[2:])
        embeds = set(said[2:5]) & word_set("acts.embed") and any(word in _IF for word in said[3:])
        return Act.QUESTION if asks or embeds else Act.REQUEST
    if first in {"can", "could"} and second == "we":
        sure = len(said) > 2 and spoken.is_head(spoken.body[2]) and any(p.found for p in spoken.body)  # noqa: PLR2004
        return Act.REQUEST if sure else Act.QUESTION
    if first in {"may", "can", "could", "would", "will"} and "please" in said:
        return Act.REQUEST
    if first in {"could", "can", "may"} and second not in word_set("acts.subjects") and _wants(spoken):
        return Act.REQUEST
    if spoken.starts("request_idiom"):
        return Act.REQUEST
    if first in _WH | _AUX:
        plain = (first in {"do", "have"} or (first in _DENIED and second == "not")) and not spoken.asked
        stranger = (
            second not in word_set("acts.subjects") | ({"any"} if first == "do" else {"any", "the"})
            and spoken.body[1:2]
            and spoken.body[1].found is None
        )
        return None if plain and (stranger or second == "not") else Act.QUESTION
    if set(said[:4]) & word_set("acts.embed") and any(word in _WH | _IF for word in said[1:7]):
        return Act.QUESTION
    return Act.QUESTION if spoken.starts("open_question") else None


def _wants(spoken: _Spoken) -> bool:
    """Whether a "could" is about something that shall be: "could version 2 of checkout go to production?"."""
    said = spoken.words
    if not any(piece.found for piece in spoken.body[1:5]):
        return False
    if set(said[2:9]) & {"get", "have", "go", "run"}:
        return True
    return any(said[at] == "be" and spoken.heads(at + 1, at + 3) for at in range(2, len(said)))


def _opinion(spoken: _Spoken) -> bool:
    said = spoken.words
    if said[0] in {"should", "shall", "ought"} and said[1:2] != ("be",):
        return True
    if (
        said[0] == "would"
        and not spoken.starts("request")
        and not spoken.starts("request_idiom")
        and "please" not in said
    ):
        return True
    if said[0] in {"is", "was", "would"} and any(
        p.word.endswith("ing") and spoken.is_head(p) for p in spoken.body[1:2]
    ):
        return True
    return spoken.starts("opinion") or (spoken.asked and spoken.holds("opinion_within"))


def _considered(spoken: _Spoken) -> Act | None:
    said = spoken.words
    if set(said[:3]) & {"maybe", "perhaps", "hypothetically", "imagine", "theoretically"}:
        return Act.HYPOTHETICAL
    pleased = "if" in said and bool(set(said[: said.index("if")]) & word_set("acts.pleased"))
    if pleased:
        return Act.WISH
    asks_back = said[1:2] in {("me",), ("us",)} and said[2:3] and (said[2] in _WH | _IF or said[2] == "of")
    if (said[0] in word_set("acts.errands") and not asks_back) or (
        said[0] in {"tell", "ask"} and said[1:2] not in {("me",), ("us",)}
    ):
        return Act.HYPOTHETICAL
    if spoken.starts("considered"):
        return None if spoken.starts("considered_not") else Act.HYPOTHETICAL
    wanted = set(said) & {"need", "want", "like"}
    if spoken.starts("announced") and not wanted:
        return Act.NEGATED if "not" in said[:4] else Act.LATER
    progressing = said[:2] in {("i", "am"), ("we", "are")} and said[2:3] and said[2].endswith("ing")
    return Act.LATER if progressing and not wanted else None


def _forbidden(spoken: _Spoken) -> Act | None:
    said = spoken.words
    if spoken.starts("forbidden_not"):
        return None
    if spoken.starts("forbidden") or spoken.holds("forbidden_within"):
        return Act.NEGATED
    return Act.NEGATED if any(_forbids_at(spoken, at) for at in range(len(said))) else None


def _forbids_at(spoken: _Spoken, at: int) -> bool:
    said, word = spoken.words, spoken.words[at]
    before = said[at - 1] if at else ""
    if word in {"nobody", "noone"} or (word == "no" and _is_none_wanted(spoken, at + 1)):
        return True
    if word in {"without", "stop"}:
        return bool(said[at + 1 : at + 2]) and said[at + 1].endswith("ing")
    if word not in {"not", "never"} or before not in word_set("acts.before_not"):
        return False
    if before in {"does", "did", "can", "could"}:
        return False
    if before in {"do", "would", "will", "may"}:
        return at > 1 and (said[at - 2] in _FIRST | {"you", "please"} or spoken.heads(at + 1, at + 4))
    return True


def _is_none_wanted(spoken: _Spoken, at: int) -> bool:
    """Whether what follows a "no" is unwanted, as in "no restart"; "no wait, the other" corrects."""
    after = spoken.words[at] if at < len(spoken.words) else ""
    return after == "one" or (spoken.heads(at, at + 1) and after not in word_set("acts.correcting_no"))


def _told(spoken: _Spoken) -> Act | None:
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


def _was(spoken: _Spoken) -> bool:
    """Whether a clause that is no order tells how something was: "yesterday's rollback of checkout was a mess"."""
    said = spoken.words
    if spoken.asked or spoken.heads(0, 1) or set(said) & {"please", "should", "must", "needs"}:
        return False
    return any(
        said[at] in {"was", "were"} and not set(said[max(0, at - 3) : at]) & word_set("acts.was_not")
        for at in range(1, len(said))
    )


def _tells_at(spoken: _Spoken, at: int) -> bool:
    said, word, before = spoken.words, spoken.words[at], spoken.words[at - 1]
    thing = (before.startswith("<") and before not in _PEOPLE) or said[at + 1 : at + 2] == (placeholder(Kind.REQUEST),)
    if word in word_set("acts.saying") and before not in word_set("acts.before_saying") and not thing:
        near = said[max(0, at - 4) : at]
        return not set(near) & _FIRST and near[-1] not in {"to", "will"}
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


_JUDGES = (_condition, _question, _considered, _forbidden, _told)
