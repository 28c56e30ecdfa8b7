"""Splits a message into clauses of words and values, so that each can be judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actions.core.kinds import Kind
from intents.lexicon import expand, stem, word_set
from intents.text import END, Token
from intents.values import Found


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, a mark of punctuation, or a name or value in a message.

    Attributes:
        word: in lower case; for a value its kind, such as "<service>".
        stem: the word without the endings of its forms.
        found: the name or value.
        corrected: whether a typing mistake was mended.
        text: as typed.
    """

    word: str
    stem: str
    found: Found | None = None
    corrected: bool = False
    text: str = ""

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation."""
        return self.found is None and not any(c.isalnum() for c in self.word)


Clause = tuple[Piece, ...]
Sentence = tuple[Clause, ...]

_BREAKS = frozenset({",", ":", "--", "—", "–", "…", "..", "...", "(", ")"})  # noqa: RUF001 - dashes that people type
_JOINERS = frozenset({"but", "so", "then", "however", "though", "otherwise", "instead"})
_CONDITIONS = frozenset({"if", "unless", "because", "whereas", "while", "although", "since"})
_SUBJECTS = word_set("clauses.subjects")
_RESUMES = _SUBJECTS | word_set("clauses.modals") | _JOINERS | {"if", "do"}
_FEW = 4
_GLUE = word_set("clauses.glue") | word_set("slots.corrections")


def placeholder(kind: Kind) -> str:
    """How a value of a kind is written among words."""
    return f"<{kind}>"


def pieces(
    tokens: Sequence[Token], found: Sequence[Found], spell: Callable[[str], str | None] = lambda _: None
) -> list[Piece]:
    """Words and values in order; contractions are written out and typing mistakes in words mended."""
    result: list[Piece] = []
    begins = {value.start: value for value in found}
    at = 0
    while at < len(tokens):
        value = begins.get(at)
        if value is not None:
            word = "<number>" if value.weak and Kind.PIPELINE in value.readings else placeholder(value.kind)
            typed = " ".join(token.text for token in tokens[value.start : value.end])
            result.append(Piece(word, word, value, text=typed))
            at = value.end
            continue
        token = tokens[at]
        at += 1
        if token.is_mark:
            result.append(Piece(token.word, token.word, text=token.text))
            continue
        mended = spell(token.word)
        result += [
            Piece(word, stem(word), corrected=mended is not None, text=token.text)
            for word in expand(mended or token.word)
        ]
    return result


def sentences(parts: Sequence[Piece], is_head: Callable[[Piece], bool]) -> list[Sentence]:
    """Split into sentences of clauses.

    Args:
        parts: the message.
        is_head: whether a word may begin a request, so that "and" before it joins two requests.
    """
    result: list[Sentence] = []
    current: list[Piece] = []
    for piece in parts:
        if piece.word in END:
            if piece.word == "?":
                current.append(piece)
            if current:
                result.append(_clauses(current, is_head))
            current = []
        else:
            current.append(piece)
    if current:
        result.append(_clauses(current, is_head))
    return [sentence for sentence in result if sentence]


def _clauses(parts: list[Piece], is_head: Callable[[Piece], bool]) -> Sentence:
    raw: list[list[Piece]] = [[]]
    for at, piece in enumerate(parts):
        following = parts[at + 1] if at + 1 < len(parts) else None
        if piece.word in _BREAKS:
            raw.append([])
        elif piece.word == "and" and at and _is_pair(raw[-1], is_head):
            raw[-1].append(piece)
        elif piece.found is None and at and _begins_clause(piece, parts[at - 1], following, is_head):
            raw.append([piece])
        else:
            raw[-1].append(piece)
    return tuple(tuple(clause) for clause in _merged([clause for clause in raw if clause]))


def _is_pair(clause: list[Piece], is_head: Callable[[Piece], bool]) -> bool:
    """Whether an "and" joins two verbs that are one: "stop and start it", "go and fix it"."""
    last = clause[-1] if clause else None
    joins = last is not None and (is_head(last) or last.word in {"go", "come", "try", "down"})
    return joins and len(clause) <= _FEW and not any(piece.found for piece in clause)


def _begins_clause(piece: Piece, before: Piece, following: Piece | None, is_head: Callable[[Piece], bool]) -> bool:
    if piece.word in _JOINERS:
        return before.word not in {"and", "even", "if"}
    if piece.word in {"and", "or"} and following is not None and before.word != "ahead":
        return following.found is None and (is_head(following) or following.word in _RESUMES)
    if piece.word in {"until", "till"} and following is not None and before.word not in {"wait", "not", "hold"}:
        return following.word in _SUBJECTS
    if piece.word in {"if", "unless", "because", "although", "whereas"}:
        return before.word not in word_set("clauses.before_if")
    return False


def _continues(clause: list[Piece]) -> bool:
    """Whether a clause goes on with the one before: "…, which is outdated", "…, last <duration>", "…, only the red ones"."""
    if clause[0].word in {"which", "whose", "whom"} and clause[-1].word != "?":
        return True
    if clause[0].word == "only" and not any(piece.found for piece in clause):
        return len(clause) <= _FEW
    return any(piece.found for piece in clause) and all(
        piece.found is not None or piece.word in _GLUE | word_set("clauses.remainder") or piece.is_mark
        for piece in clause
    )


def _merged(clauses: list[list[Piece]]) -> list[list[Piece]]:
    """Join what is no clause of its own (a list of values, a greeting) to its neighbour."""
    result: list[list[Piece]] = []
    pending: list[Piece] = []
    for clause in clauses:
        bare = all(piece.found is not None or piece.word in _GLUE or piece.is_mark for piece in clause)
        bare = bare or (bool(result) and _continues(clause))
        if bare and result:
            result[-1] = [*result[-1], Piece(",", ","), *clause]
        elif bare or _continues(clause):
            pending += [*clause, Piece(",", ",")]
        else:
            result.append([*pending, *clause])
            pending = []
    if pending:
        result.append(pending)
    return result
