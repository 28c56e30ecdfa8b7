"""Judges of what a clause does: each says what it is, or None where it is nothing of its own."""

from __future__ import annotations

from intents.lexicon import word_set
from intents.spoken import AUX, FIRST, WH, Act, Spoken
from intents.telling import told

_IF = frozenset({"if", "whether"})
_WHEN = frozenset({"once", "when", "whenever", "after"})
_DENIED = frozenset({"did", "does", "is", "was", "has", "are", "were"})


def condition(spoken: Spoken) -> Act | None:  # noqa: PLR0911 - one return a case
    """Whether it sets a condition, and which kind."""
    said = spoken.words
    first, second = said[0], said[1] if len(said) > 1 else ""
    if first == "had" and second in FIRST:
        return Act.CONDITION
    if first == "should" and not spoken.asked and not spoken.resumes:
        return Act.CONDITION
    if spoken.starts("condition"):
        return Act.OPINION if first == "should" and spoken.asked else Act.CONDITION
    if spoken.starts("polite_if"):
        gentle = word_set("acts.gentle")
        busy = any(spoken.is_head(piece) and piece.word not in gentle for piece in spoken.body[2:])
        return Act.CONDITION if busy else Act.POLITE
    if first == "when" and (second in AUX or second == "exactly"):
        return None
    if first == "once" and second in {"more", "again"}:
        return None
    if first in word_set("acts.conditions") and second != "all":
        return Act.CONDITION
    if any(_condition_at(spoken, at) for at in range(1, len(said))):
        return Act.CONDITION
    return None


def _condition_at(spoken: Spoken, at: int) -> bool:  # noqa: PLR0911 - one return a case
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
    if word not in _WHEN or said[0] in WH | AUX or not following or following in word_set("acts.not_when"):
        return False
    if word == "after" and said[at - 1] in {"look", "looks", "looking", "looked", "be", "takes"}:
        return False
    part = Spoken(spoken.body[:at], said[:at], asked=False, is_head=spoken.is_head)
    return part.heads(0) and told(part) is None


def question(spoken: Spoken) -> Act | None:  # noqa: PLR0911 - one return a case
    """Whether it asks: for something, about something, or for an opinion."""
    said = spoken.words
    first, second = said[0], said[1] if len(said) > 1 else ""
    if spoken.starts("why_not"):
        return Act.REQUEST
    if _opinion(spoken):
        return Act.OPINION
    if spoken.starts("request"):
        asks = any(word in WH or word == "whether" for word in said[2:])
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
    if first in WH | AUX:
        plain = (first in {"do", "have"} or (first in _DENIED and second == "not")) and not spoken.asked
        stranger = (
            second not in word_set("acts.subjects") | ({"any"} if first == "do" else {"any", "the"})
            and spoken.body[1:2]
            and spoken.body[1].found is None
        )
        return None if plain and (stranger or second == "not") else Act.QUESTION
    if set(said[:4]) & word_set("acts.embed") and any(word in WH | _IF for word in said[1:7]):
        return Act.QUESTION
    return Act.QUESTION if spoken.starts("open_question") else None


def _wants(spoken: Spoken) -> bool:
    """Whether a "could" is about something that shall be: "could version 2 of checkout go to production?"."""
    said = spoken.words
    if not any(piece.found for piece in spoken.body[1:5]):
        return False
    if set(said[2:9]) & {"get", "have", "go", "run"}:
        return True
    return any(said[at] == "be" and spoken.heads(at + 1, at + 3) for at in range(2, len(said)))


def _opinion(spoken: Spoken) -> bool:
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


def considered(spoken: Spoken) -> Act | None:
    """Whether it merely considers something, or puts it off."""
    said = spoken.words
    if set(said[:3]) & {"maybe", "perhaps", "hypothetically", "imagine", "theoretically"}:
        return Act.HYPOTHETICAL
    pleased = "if" in said and bool(set(said[: said.index("if")]) & word_set("acts.pleased"))
    if pleased:
        return Act.WISH
    asks_back = said[1:2] in {("me",), ("us",)} and said[2:3] and (said[2] in WH | _IF or said[2] == "of")
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


def forbidden(spoken: Spoken) -> Act | None:
    """Whether it forbids something."""
    said = spoken.words
    if spoken.starts("forbidden_not"):
        return None
    if spoken.starts("forbidden") or spoken.holds("forbidden_within"):
        return Act.NEGATED
    return Act.NEGATED if any(_forbids_at(spoken, at) for at in range(len(said))) else None


def _forbids_at(spoken: Spoken, at: int) -> bool:
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
        return at > 1 and (said[at - 2] in FIRST | {"you", "please"} or spoken.heads(at + 1, at + 4))
    return True


def _is_none_wanted(spoken: Spoken, at: int) -> bool:
    """Whether what follows a "no" is unwanted, as in "no restart"; "no wait, the other" corrects."""
    after = spoken.words[at] if at < len(spoken.words) else ""
    return after == "one" or (spoken.heads(at, at + 1) and after not in word_set("acts.correcting_no"))
