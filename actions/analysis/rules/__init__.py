"""The rules of the diagnosis: data files, each rule with examples that must and must not match, and their loader."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache, cached_property
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from actions.analysis.categories import Category, FixRisk

FIRST_LINES = 500
LAST_LINES = 1500


class Examples(BaseModel):
    """Logs that a rule must explain, and logs that it must not lead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positive: tuple[str, ...]
    negative: tuple[str, ...]


class Rule(BaseModel):
    """One sign of one kind of failure.

    Attributes:
        id: Its name, unique in all files.
        anchors: Lower-case texts; a line without any of them is not looked at.
        pattern: A regular expression, searched without regard to case in the message of a line; its groups ``subject``,
            ``subject2`` … name what the failure is about.
        strength: How much the sign says by itself, from 0 to 1.
        cause: The root cause in one sentence, with ``{subject}`` where one is named.
        subject: A check that the subject must pass.
        context: A pattern that must also be found in one of the lines around.
        unless: A pattern that the line must not hold.
        unless_before: A pattern that the ten lines before must not hold.
        needs_word: A pattern that the line must also hold.
        warning: Whether a line marked as a warning counts in full.
        dominant: Whether the sign explains other failures in the same step (a full disk breaks everything).
        recovered: Whether later success of the same tool takes the sign back.
        stops: Whether a program that says so ends soon after, so that a step which goes on takes the sign back.
        ending: Whether the line that tells how the job ended may be the sign.
        closing: Whether the sign counts only near the end of the step that failed, among the last words of its tool.
        quoted: Whether the tool itself puts the sign in quotation marks.
        passing: Whether the result line of a passed test may be the sign.
        examples: What the rule must and must not match.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    anchors: tuple[str, ...] = Field(min_length=1)
    pattern: str
    strength: float = Field(gt=0, lt=1)
    cause: str
    subject: Literal["python-module", "npm-package", "variable"] | None = None
    context: str | None = None
    unless: str | None = None
    unless_before: str | None = None
    needs_word: str | None = None
    warning: bool = False
    dominant: bool = False
    recovered: bool = False
    stops: bool = False
    ending: bool = False
    closing: bool = False
    passing: bool = False
    quoted: bool = False
    examples: Examples
    category: Category
    playbook: str | None
    risk: FixRisk

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern, re.IGNORECASE)

    def match(self, message: str) -> re.Match[str] | None:
        """Search a message, minding the words that must and must not stand beside the sign."""
        found = self.regex.search(message)
        if found is None or (self.unless and re.search(self.unless, message)):
            return None
        if self.needs_word and not re.search(self.needs_word, message):
            return None
        return found


class RuleBook:
    """All rules with an index that finds the few that may match a line."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        by_anchor: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            for anchor in rule.anchors:
                by_anchor[anchor].append(rule)
        self._words = _cover(by_anchor)

    def sightings(self, lines: list[str]) -> Iterator[tuple[int, Rule]]:
        """Lines in which an anchor of a rule stands, by searching the text for a few words that all anchors share.

        Args:
            lines: The cleaned lines.

        Yields:
            The index of the line and the rule, in no particular order, each pair once.
        """
        lowered = [line.lower() for line in lines]
        text = "\n".join(lowered)
        starts: list[int] = []
        at = 0
        for line in lowered:
            starts.append(at)
            at += len(line) + 1
        seen: set[tuple[int, str]] = set()
        for word, anchors in self._words.items():
            for index in _lines_with(text, word, starts):
                line = lowered[index]
                for anchor, rules in anchors:
                    if anchor in line:
                        for rule in rules:
                            if (index, rule.id) not in seen:
                                seen.add((index, rule.id))
                                yield index, rule


def _lines_with(text: str, word: str, starts: list[int]) -> Iterator[int]:
    line = count = 0
    last = len(starts) - 1
    at = text.find(word)
    while at >= 0:
        count += 1
        if count == FIRST_LINES:
            at = max(at, _last_from(text, word))
        step = 64
        while line + step <= last and starts[line + step] <= at:
            line += step
        while line < last and starts[line + 1] <= at:
            line += 1
        yield line
        if line == last:
            return
        at = text.find(word, starts[line + 1])


def _last_from(text: str, word: str) -> int:
    """Where the last lines with a word begin to be looked at, for a log that says it all the time."""
    at = len(text)
    for _ in range(LAST_LINES):
        at = text.rfind(word, 0, at)
        if at < 0:
            return 0
    return at


def _cover(by_anchor: dict[str, list[Rule]]) -> dict[str, list[tuple[str, list[Rule]]]]:
    """A small set of words so that every anchor holds one of them (the greedy cover), with the anchors of each."""
    open_anchors = set(by_anchor)
    cover: dict[str, list[tuple[str, list[Rule]]]] = {}
    while open_anchors:
        counts = Counter(word for anchor in open_anchors for word in set(re.findall(r"[a-z]{4,}", anchor)))
        word, count = min(counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        if count <= 1:
            word = min(open_anchors)
        held = sorted(anchor for anchor in open_anchors if word in anchor)
        cover[word] = [(anchor, by_anchor[anchor]) for anchor in held]
        open_anchors.difference_update(held)
    return cover


@cache
def rule_book() -> RuleBook:
    """The rules of this package, read at first use."""
    yaml = YAML(typ="safe")
    rules: list[Rule] = []
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            data = yaml.load(file.read_text(encoding="utf-8"))
            shared = {key: data[key] for key in ("category", "playbook", "risk")}
            rules.extend(Rule.model_validate({**shared, **rule}) for rule in data["rules"])
    return RuleBook(tuple(rules))
