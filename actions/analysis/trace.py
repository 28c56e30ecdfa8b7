"""A job log made readable: no colours, time stamps or overwritten progress, and a bounded part of it in memory."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

HEAD_CHARS = 250_000
TAIL_CHARS = 1_000_000
PART_CHARS = 64_000
HEAD_LINES = 20_000
TAIL_LINES = 50_000
SKIMMED_LINES = 2_000
WORD_LINES = 200
LINE_CHARS = 640
LINE_END_CHARS = 240

# Whatever a rule looks for contains one of these words; a line of a long log's middle without any of them is not kept.
TELLING_WORDS = (
    *("error", "err!", "err_", "fail", "fatal", "exception", "cannot", "could not", "unable", "not found", "no module"),
    *("no space", "memory", "killed", "timed out", "timeout", "conflict", "invalid", "missing", "unbound", "exceeded"),
    *("exited with", "flak"),
)

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_SECTION = re.compile(r"section_(?:start|end):\d+:[\w.\-]+(?:\[[^\]]*\])?\r?")
_STAMP = re.compile(
    r"""(?:
        (?P<iso>\[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?)
        (?:\ (?P<stream>\d\d[OE])(?P<joined>[+ ]|$)|\s|$)
      | (?P<clock>\[?\d?\d:\d\d:\d\d(?:[.,]\d+)?(?:\ [AP]M)?\]?):?\s+
    )""",
    re.VERBOSE,
)
# `gh run view --log` puts the job's and the step's name before each line.
_JOB_AND_STEP = re.compile(r"[^\t]{1,100}\t[^\t]{1,100}\t(?=\ufeff?\d{4}-\d\d-\d\dT)")
_BUILDKIT = re.compile(r"#\d{1,4} (?:\d+\.\d+ )?(?=\S)")
# Travis writes its terminal control sequences as "nl" when a log is saved as plain text.
_TRAVIS_RESIDUE = re.compile(r"(?:nl)+(?=[A-Z$\s]|travis_|$)")


# Halves of a letter, as they stand for bytes that are none; no store or stream takes them.
_BROKEN = re.compile(r"[\ud800-\udfff]")


@dataclass(slots=True)
class Trace:
    """The lines of a log that are kept, in order.

    Attributes:
        texts: The cleaned lines.
        numbers: For each kept line its number in the whole log, from 1.
        stamps: For each kept line its time of day in seconds, -1.0 where the log says none.
        total: How many lines the whole log has.
    """

    texts: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)
    total: int = 0

    def __len__(self) -> int:
        return len(self.texts)


def read(log: str | Iterable[str]) -> Trace:
    """Clean a log and keep its beginning, its end and the telling lines between.

    Args:
        log: The whole text, or its parts in order as they stream in (a part may end within a line).

    Returns:
        The kept lines; for a log under a million characters that is all of them.
    """
    parts = [log] if isinstance(log, str) else log
    trace = Trace()
    for number, raw in _bounded(_blocks(piece for part in parts for piece in _parts(part))):
        text, stamp = _clean(raw)
        trace.total = number
        if stamp == _JOINED and trace.texts:
            trace.texts[-1] = (trace.texts[-1] + text)[:LINE_CHARS]
            continue
        trace.texts.append(text)
        trace.numbers.append(number)
        trace.stamps.append(stamp)
    return trace


def _parts(log: str) -> Iterator[str]:
    for start in range(0, len(log), PART_CHARS):
        yield log[start : start + PART_CHARS]


def _blocks(parts: Iterable[str]) -> Iterator[str]:
    """Whole lines in blocks, however the log was cut into parts."""
    rest = ""
    for part in parts:
        text = rest + part
        cut = text.rfind("\n") + 1
        if not cut and len(text) > TAIL_CHARS:
            cut = len(text)  # a line without an end must not fill the memory
        if cut:
            yield text[:cut]
        rest = text[cut:]
    if rest:
        yield rest


def _bounded(blocks: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Numbered raw lines: all of the head, the telling ones of the middle, all of the tail."""
    number = head = 0
    waiting: deque[tuple[str, int]] = deque()
    waiting_chars = waiting_lines = 0
    skimmed: deque[tuple[int, str]] = deque(maxlen=SKIMMED_LINES)
    for block in blocks:
        if head < HEAD_CHARS and number < HEAD_LINES:
            head += len(block)
            for line in _lines(block):
                number += 1
                yield number, line
            continue
        lines = block.count("\n")
        waiting.append((block, lines))
        waiting_chars += len(block)
        waiting_lines += lines
        while len(waiting) > 1 and (
            waiting_chars - len(waiting[0][0]) >= TAIL_CHARS or waiting_lines - waiting[0][1] >= TAIL_LINES
        ):
            old, lines = waiting.popleft()
            waiting_chars -= len(old)
            waiting_lines -= lines
            skimmed.extend(_telling(old, number))
            number += lines
    yield from skimmed
    for block, _ in waiting:
        for line in _lines(block):
            number += 1
            yield number, line


def _lines(block: str) -> list[str]:
    lines = block.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _telling(block: str, before: int) -> Iterator[tuple[int, str]]:
    """Lines of a block that hold a telling word, by searching the block as a whole: most of a long log is progress."""
    lowered = block.lower()
    if len(lowered) != len(block):  # a few letters change length; positions would be off
        lowered = block
    starts: set[int] = set()
    for word in TELLING_WORDS:
        at = lowered.find(word)
        enough = len(starts) + WORD_LINES
        while at >= 0 and len(starts) < enough:
            starts.add(block.rfind("\n", 0, at) + 1)
            end = block.find("\n", at)
            at = lowered.find(word, end) if end >= 0 else -1
    number = before
    last = 0
    for start in sorted(starts):
        number += block.count("\n", last, start)
        last = start
        end = block.find("\n", start)
        yield number + 1, block[start : end if end >= 0 else len(block)]


_JOINED = -2.0
_NO_TIME = -1.0


def _clean(raw: str) -> tuple[str, float]:
    if len(raw) > LINE_CHARS:
        raw = raw[: LINE_CHARS - LINE_END_CHARS] + " … " + raw[-LINE_END_CHARS:]
    if not raw.isascii():
        raw = _BROKEN.sub("\ufffd", raw)
    if "\x1b" in raw:
        raw = _ESCAPES.sub("", raw)
    if "section_" in raw:
        raw = _SECTION.sub("", raw)
    stamp = _NO_TIME
    if raw[:1] in "[0123456789\ufeff" or "\t" in raw[:100]:
        raw, stamp = _without_stamp(raw)
    if "\r" in raw:
        # A progress line is overwritten; what stays on the screen is its last state.
        raw = next((part for part in reversed(raw.split("\r")) if part.strip()), "")
        if raw[:1] in "[0123456789":
            raw, _ = _without_stamp(raw)
    if raw[:1] == "#" and (build := _BUILDKIT.match(raw)):
        raw = raw[build.end() :]
    elif raw[:2] == "nl" and (residue := _TRAVIS_RESIDUE.match(raw)):
        raw = raw[residue.end() :]
    return raw.rstrip(), stamp


def _without_stamp(raw: str) -> tuple[str, float]:
    if "\t" in raw and (prefix := _JOB_AND_STEP.match(raw)):
        raw = raw[prefix.end() :]
    raw = raw.lstrip("\ufeff")
    match = _STAMP.match(raw)
    if not match:
        return raw, _NO_TIME
    rest = raw[match.end() :]
    if match["joined"] == "+":
        return rest, _JOINED
    clock = re.search(r"(\d?\d):(\d\d):(\d\d)", match[0])
    if clock is None:
        return rest, _NO_TIME
    hours, minutes, seconds = map(int, clock.groups())
    return rest, float(hours * 3600 + minutes * 60 + seconds)
