"""From what a surface delivers to a person's own words: mark-up resolved, and everything that is quoted kept apart."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from intents.lexicon import data_lines, is_short_form, word_set

END = frozenset(".!?\n;")
"""Tokens that end a sentence."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a value or a mark of punctuation.

    Attributes:
        text: as typed.
        word: in lower case, without a possessive ending.
        possessive: whether it had one.
    """

    text: str
    word: str
    possessive: bool = False

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation."""
        return not any(character.isalnum() for character in self.word)


@dataclass(frozen=True, slots=True)
class Words:
    """A person's own words, and what they quoted.

    Attributes:
        text: their own words.
        tokens: the same, split.
        quoted: what they quoted, in pieces.
    """

    text: str
    tokens: tuple[Token, ...]
    quoted: tuple[str, ...]


_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_BLOCK_LINE = re.compile(r"^[ \t]*>(?!>>)[^\n]*$", re.MULTILINE)
_BLOCK_REST = re.compile(r"^[ \t]*>>>.*\Z", re.MULTILINE | re.DOTALL)
_FORWARDED = re.compile(
    r"^[ \t*_-]*(?:(?:begin )?forwarded message|fwd?:|fw:|original message|on .{5,60} wrote:).*\Z",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_SAYS = re.compile(
    r"""
    \b(?:says?|said|wrote|writes|reads|states|printed|prints|shows|posted|pasted|output|commented|replied|logs?|messages?|alert|ticket
      |mail|email|note|error|comment|commit|title|readme|description|runbook|wiki|bot|trace)
    (?:\ (?:was|is|me|us|this|that|the\ following))?\s*:\s*
    (?P<rest>\S[^\n]*(?:\n(?![ \t]*\n)[^\n]+)*)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_OF_WORDS = re.compile(
    r"""
    ^[^\n:]{0,60}?\b(?:translat\w*|spell|pronounce|proofread|rephrase|reword|rewrite|summari[sz]e|interpret|paraphrase|mean|means|meaning
      |parse|decode|read\ (?:out|aloud)|line|sentence|text|snippet|example|phrase|string|output|comment|message)(?:\ \w+){0,4}
    \ *:\s*(?P<rest>\S[^\n]*)
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
"""What is said of words that follow: "translate into German: …", "what does this line mean: …"."""
_JSON = re.compile(r"\{\s*\"[\w-]+\"\s*:.*\}", re.DOTALL)
_PICTURE = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]\ufe0f?")
_SCRATCH = re.compile(r"\b(?:scratch|strike|correct) that\b(?=\W+\w)", re.IGNORECASE)
_SLASHED = re.compile(r"\b(blue|b) ?/ ?(green|g)\b", re.IGNORECASE)
_INLINE_QUOTE = re.compile(r"(?<=:)[ \t]*>[^\n]*")
_LOG_LINE = re.compile(
    r"""
    ^[ \t]*(?:\$\ |\#\ |\+\ |\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d{1,2}:\d\d(?::\d\d)?\]?[ ]
      |\[(?:FIRING|RESOLVED|ERROR|WARN|INFO|DEBUG|CRITICAL|ALERT)
      |(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|CRITICAL|ALERT|SYSTEM|ASSISTANT|USER|ADMIN|ROOT)\b\s*[:\]|-]
      |Traceback\ |\s+at\ \S+\(|File\ "|npm\ ERR!)[^\n]*$
    """,
    re.MULTILINE | re.VERBOSE,
)
_QUOTES = re.compile(
    r"“[^”]*[”\"]|„[^“”]*[“”]|«[^»]*»|\"[^\"]*\"|(?<!\w)‘[^’]*’(?!\w)|(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`"  # noqa: RUF001 - as typed
)
_SPEAKER = re.compile(r"^[ \t]*@?(?P<name>[\w.-]{2,32})[ \t]*(?:\[[^\]]*\]|\(\d[^)]*\))?:[ \t]+\S[^\n]*$", re.MULTILINE)
_MENTION = re.compile(r"<@(?P<id>[UWB][A-Z0-9]+)(?:\|(?P<label>[^>]*))?>")
_ADDRESSED = re.compile(r"(?:^|(?<=[\s,]))@(?P<name>[\w.-]+)[,:]?(?=\s)")
_CHANNEL = re.compile(r"<#[A-Z0-9]+(?:\|(?P<label>[^>]*))?>|<!(?:here|channel|everyone)(?:\|[^>]*)?>")
_LINK = re.compile(r"<(?:https?|mailto):[^|>]*\|(?P<label>[^>]*)>|<?https?://[^\s>]*>?")
_EMOJI_CODE = re.compile(r":(?P<code>[a-z][a-z0-9_+-]*|\+1|-1)(?:::[a-z0-9-]+)?:")
_PLUS_ONE = re.compile(r"(?<![\w.])\+1(?![\w.])")
_MINUS_ONE = re.compile(r"👎|:(?:-1|thumbsdown):|(?<![\w.])-1(?![\w.])|\bthumbs[- ]?down\b", re.IGNORECASE)
_THUMB = re.compile(r"[👍✅🚢]|:(?:\+1|thumbsup|white_check_mark|shipit|ship):|\bthumbs[- ]?up\b", re.IGNORECASE)
_STYLE = re.compile(r"(?<![\w*])[*~](?=\S)([^*~\n]+?)(?<=\S)[*~](?![\w*])|(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)")
_DASH = re.compile(r"(?<=\s)-(?=\s)")
_ARROW = re.compile(r"\s*(?:->|=>|→|➡️?|⇒)\s*")
_GLUED = re.compile(r"(?<=[A-Za-z\]])[@:=](?=v?\d|\s*sha)")
_TOKEN = re.compile(
    r"\{\w+\}|#\d+|@?\w+(?:[.\-/+'’_&]\w+)*|\.{2,}|[,.;:!?()\n]|--+|[—–…]",  # noqa: RUF001 - dashes that people type
)
_POSSESSIVE = re.compile(r"(?:['’]s|(?<=s)['’])$")  # noqa: RUF001 - the apostrophe that telephones type
_SHORT_QUOTE = 2


def own_words(text: str, is_person: Callable[[str], bool], handle: Callable[[str], str | None]) -> Words:
    """Separate what a person says from what they quote, and split it into tokens.

    Args:
        text: as the surface delivered it; Slack's mark-up is understood.
        is_person: whether a word is somebody's name, so that a pasted "name: text" is seen as theirs.
        handle: the name of the person whom Slack knows by an id, None for others (such as the bot itself).
    """
    quoted: list[str] = []

    def away(found: re.Match[str]) -> str:
        quoted.append(found[0].strip())
        return "\n" if "\n" in found[0] else " "

    def unless_short(found: re.Match[str]) -> str:
        inner = found[0][1:-1].strip()
        said = set(found.string[: found.start()].casefold().split()[-2:]) & word_set("acts.saying")
        if len(inner.split()) <= (1 if said else _SHORT_QUOTE):
            return f" {inner} "
        quoted.append(inner)
        return " … "

    def rest_away(found: re.Match[str]) -> str:
        quoted.append(found["rest"])
        return found[0][: found.start("rest") - found.start()].rstrip(": ") + "\n"

    def speaker_away(found: re.Match[str]) -> str:
        return away(found) if is_person(found["name"]) else found[0]

    text = html.unescape(_MENTION.sub(lambda m: f" @{handle(m['id']) or ''} ".replace(" @ ", " "), text))
    text = _ADDRESSED.sub(lambda m: m[0] if is_person(m["name"]) else " ", text)
    text = _LINK.sub(lambda m: m["label"] or " ", _CHANNEL.sub(" ", text))
    for pattern in (_FENCE, _JSON, _BLOCK_REST, _BLOCK_LINE, _FORWARDED, _LOG_LINE):
        text = pattern.sub(away, text)
    text = _SPEAKER.sub(speaker_away, text)
    text = _INLINE_QUOTE.sub(away, text)
    text = _SAYS.sub(rest_away, text)
    text = _OF_WORDS.sub(rest_away, text)
    text = _QUOTES.sub(unless_short, text)
    text = _MINUS_ONE.sub(" thumbsdown ", _PLUS_ONE.sub(" thumbsup ", _THUMB.sub(" thumbsup ", text)))
    text = _PICTURE.sub(" , ", text)
    text = _SLASHED.sub(" blue-green ", _SCRATCH.sub("sorry", text))
    text = _polite().sub(" ", _EMOJI_CODE.sub(" ", text))
    text = _STYLE.sub(lambda m: m[1] or m[2], text)
    text = _GLUED.sub(" ", _ARROW.sub(" to ", _DASH.sub(" — ", text)))
    return Words(text, tuple(tokens(text)), tuple(quoted))


@cache
def _polite() -> re.Pattern[str]:
    """Politeness that changes nothing in what a sentence asks for: "be so kind as to"."""
    return re.compile(r"\b(?:" + "|".join(data_lines("politeness.txt")) + r")\b", re.IGNORECASE)


def tokens(text: str) -> list[Token]:
    """Split plain words into tokens; `{placeholders}` stay whole."""
    return [_token(typed) for typed in _TOKEN.findall(text)]


def _token(typed: str) -> Token:
    word = typed.casefold().replace("’", "'")  # noqa: RUF001 - the apostrophe that telephones type
    if is_short_form(word):
        return Token(typed, word)
    bare = _POSSESSIVE.sub("", word)
    return Token(typed, bare, possessive=bare != word)
