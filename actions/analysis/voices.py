"""Who speaks in a line: the failing tool itself, or somebody who only quotes, names or remembers an error."""

import re
from enum import Enum

from actions.analysis.vocabulary import (
    ASSERTED,
    DECORATION,
    FAILED_NAME,
    FOUND_IN_FILE,
    FOUND_IN_TEXT,
    GO_LOCATION,
    HISTORY,
    QUOTED_LINE,
    REASONED,
    TABLE_ROW,
    UNEVENTFUL,
    WARNS,
)


class Voice(Enum):
    """How far a line speaks for itself."""

    PLAIN = "plain"
    WARNING = "warning"
    NEUTRAL = "neutral"


def undecorated(text: str) -> str:
    """What a tool says, without the marks that runners and loggers put before it."""
    for _ in range(5):
        match = DECORATION.match(text)
        if not match:
            break
        text = text[match.end() :]
    return text


def said(text: str) -> str:
    """The part of a line that can be evidence: of a failed test's line in a summary the reason, else the message."""
    reasoned = REASONED.match(undecorated(text))
    return undecorated(reasoned["reason"]) if reasoned else undecorated(text)


def voice(text: str, *, in_failure: bool = False) -> Voice:
    """Classify one line by its form alone.

    Args:
        text: A cleaned line.
        in_failure: Whether the line stands among the details of a failed test, where a file and line number before a
            message is a location and not the find of a search.

    Returns:
        NEUTRAL for what cannot be evidence, WARNING for what is at most a hint, PLAIN for the rest.
    """
    stripped = text.strip()
    if REASONED.match(undecorated(text)) and not UNEVENTFUL.search(text):
        return Voice.PLAIN
    if _shown(text, stripped):
        return Voice.NEUTRAL
    if not in_failure and not GO_LOCATION.match(text) and FOUND_IN_FILE.match(stripped):
        return Voice.NEUTRAL
    if WARNS.search(stripped[:200]) and not stripped.startswith("[INFO]   Run"):
        return Voice.WARNING
    return Voice.PLAIN


def _shown(text: str, stripped: str) -> bool:
    """Whether the form of a line says that it names, recalls or quotes."""
    return (
        UNEVENTFUL.search(text) is not None
        or FAILED_NAME.search(text) is not None
        or HISTORY.match(stripped) is not None
        or FOUND_IN_TEXT.match(stripped) is not None
        or QUOTED_LINE.match(stripped) is not None
        or QUOTED_LINE.match(undecorated(text)) is not None
        or (any(bar in text for bar in "│┃|") and TABLE_ROW.match(text) is not None)
    )


# What is quoted from an address on is a tool's own report: "https://…: reason".
_QUOTED_ADDRESS = re.compile(r"([\"'])https?://[^\"']*\1?")

# Yarn and Ansible put what went wrong between quotation marks.
_QUOTED_REPORT = re.compile(r'error occurred: "|(?:^|: )FAILED! => .*"msg": "')


_FIELD = re.compile(r"\{(?:[^{}]*,\s*)?\w+=[^{}]*$")
_QUOTES = (("\u201c", "\u201d"), ("«", "»"), ("„", "\u201d"), ("[[", "]]"))


def inside_quotes(text: str, at: int) -> bool:
    """Whether a position lies within quotation marks or backticks that opened before it."""
    before = _QUOTED_REPORT.sub("", _QUOTED_ADDRESS.sub("", text[:at]))
    if before.count('"') % 2 or before.count("`") % 2:
        return True
    if _FIELD.search(before):
        return True
    if any(before.count(opening) > before.count(closing) for opening, closing in _QUOTES):
        return True
    return len(re.findall(r"(?<!\w)'|'(?!\w)", before)) % 2 == 1


def only_asserted(text: str, at: int) -> bool:
    """Whether the words before a position say that an error was expected, compared or described, not met."""
    return ASSERTED.search(text[:at]) is not None


_PRINTERS = frozenset(
    (
        *(
            "echo",
            "printf",
            "cat",
            "bat",
            "zcat",
            "grep",
            "egrep",
            "fgrep",
            "rg",
            "zgrep",
            "head",
            "tail",
            "sed",
            "awk",
        ),
        *(
            "less",
            "more",
            "ls",
            "find",
            "tree",
            "tee",
            "cut",
            "tr",
            "sort",
            "uniq",
            "wc",
            "nl",
            "tac",
            "column",
            "fold",
        ),
        *("jq", "yq", "diff", "env", "printenv", "type", "which", "date", "pwd", "read", "Write-Host", "Write-Output"),
        *("true", ":", "exit", "set", "export", "cd", "test", "["),
        *("git-log", "git-show", "git-diff", "git-status", "git-branch"),
    )
)
_SEPARATORS = re.compile(r"&&|\|\||[;|\n]")
_LEADING = re.compile(r"^\s*(?:(?:sudo|time|command|exec|env|then|do|!|\()\s+|[A-Za-z_]\w*=\S*\s+)*")


def only_prints(command: str) -> bool:
    """Whether a command does nothing but print text that it is given or finds: its output is not its failure."""
    parts = [part for part in _SEPARATORS.split(command) if part.strip()]
    if not parts:
        return False
    for part in parts:
        words = part[_leading(part) :].split()
        name = words[0] if words else "true"
        if name == "git":
            name = f"git-{next((word for word in words[1:] if not word.startswith('-')), '')}"
        if name.rsplit("/", 1)[-1] not in _PRINTERS:
            return False
    return True


def _leading(part: str) -> int:
    match = _LEADING.match(part)
    return match.end() if match else 0
