"""What a sign is worth where it stands: in the failing step or not, said or quoted, in a failing or passing test."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from actions.analysis.categories import Category
from actions.analysis.leads import reported
from actions.analysis.rules import Rule, rule_book
from actions.analysis.structure import Outcome, Structure
from actions.analysis.subjects import acceptable, decoded, plain
from actions.analysis.surroundings import Surroundings
from actions.analysis.trace import Trace
from actions.analysis.vocabulary import LOUD, REASONED
from actions.analysis.voices import Voice, inside_quotes, only_asserted, said, undecorated, voice

STEP_WORTH = {
    Outcome.FAILED: 1.0,
    Outcome.UNKNOWN: 1.0,
    Outcome.SUPERSEDED: 0.6,
    Outcome.PASSED: 0.12,
    Outcome.AFTERWARDS: 0.1,
}
PER_RULE = 80
RULE_CHARS = 60_000
"""So much text is searched for one rule, from the end of a log on; this is hundreds of lines."""
LEAST = 0.05

_RECOVERED = re.compile(
    r"^(?:Successfully (?:installed|built|downloaded)|added \d+ packages|Done in \d|BUILD SUCCESS)"
    r"|^(?:Resolving deltas: 100%|Download complete|Installed:|Setting up |Saved to|\S+ saved \[)"
    r"|\b(?:succeeded on|success after) (?:retry|attempt)|\bretry succeeded"
)
_TELLING_WARNING = re.compile(
    r"^\s*\[WARN(?:ING)?\]|^##\[warning\]|Retrying \(Retry|TAR_ENTRY_ERROR|^Warning: An error"
    r"|^WARNING: (?:\w+ and )?\w+ing https?://|^WARNING: \w+ could not run to completion"
)
# What a server of Git has to say; its errors are marked as such.
_REMOTE = re.compile(r"remote: (?!\s*(?:error|fatal|ERROR|FATAL))")
_GOES_ON = 300
_ENDS_WITHIN = 80
_CLOSING_LINES = 40
_GRADLE_CAUSES = re.compile(r"went wrong|^\s*> Could not |Execution failed for task|A problem occurred")
_HOST = re.compile(
    r"https?://|\b[\w\-]+(?:\.[\w\-]+)*\.(?:com|org|net|io|dev|edu|gov|sh)(?![.\w])|\b\d+\.\d+\.\d+\.\d+\b"
)
# A test that calls for an error shows its line before the error that it met.
_RAISING = re.compile(
    r"^>? +(?:with )?(?:pytest\.raises|self\.assertRaises\w*)\(|^[\s>|\d]*expect\(.*\.(?:toThrow|raise_error)"
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place where a rule's sign was found, and its worth there."""

    index: int
    rule: Rule
    subject: str | None
    worth: float
    message: str


def sightings(
    trace: Trace,
    structure: Structure,
    *,
    known_good: frozenset[str] = frozenset(),
    project: str | None = None,
    changed: tuple[str, ...] = (),
) -> list[Sighting]:
    """All signs in a trace that are worth something where they stand, in order of the lines.

    Args:
        trace: The cleaned trace.
        structure: Its skeleton.
        known_good: Normalised lines of a successful run of the same job; they cannot be why this one failed.
        project: The last part of the project's path.
        changed: Paths of the project's own files that are known, such as those the commit changed.
    """
    scale = _Scale(trace, structure, known_good, project)
    scale.end_of_log += "".join(f"\n{path.removesuffix('.py')}/" for path in changed)
    by_rule: dict[str, list[tuple[int, Rule]]] = defaultdict(list)
    for index, rule in rule_book().sightings(trace.texts):
        by_rule[rule.id].append((index, rule))
    found: list[Sighting] = []
    for places in by_rule.values():
        places.sort(key=lambda place: place[0])
        found.extend(_kept(scale, places))
    found.sort(key=lambda sighting: sighting.index)
    return found


def _kept(scale: "_Scale", places: list[tuple[int, Rule]]) -> Iterable[Sighting]:
    """The last places of one rule (and a few of the first): the end of a log says why it ended."""
    kept = spent = 0
    for index, rule in reversed(places[:20] + places[20:][-8 * PER_RULE :]):
        spent += len(scale.trace.texts[index])
        sighting = scale.weigh(index, rule)
        if sighting is not None:
            kept += 1
            yield sighting
        if kept >= PER_RULE or spent >= RULE_CHARS:
            return


class _Scale:
    """Weighs single lines; remembers what it found out about a line for the next rule."""

    def __init__(self, trace: Trace, structure: Structure, known_good: frozenset[str], project: str | None) -> None:
        self.trace = trace
        self.structure = structure
        self.known_good = known_good
        self.project = project
        self.around = Surroundings(trace, structure)
        self.end_of_log = "\n".join(trace.texts[-1500:])
        self._places: dict[int, float] = {}
        self._voices: dict[int, Voice] = {}
        self._subjects: dict[tuple[str, str], bool] = {}

    def weigh(self, index: int, rule: Rule) -> Sighting | None:
        text = self.trace.texts[index]
        message = said(text)
        match = rule.match(message)
        if match is None or not self._in_context(index, rule) or self._early_end(index, text):
            return None
        if rule.closing and not self._among_the_last(index):
            return None
        worth = rule.strength * self._place(index, rule) * self._words(index, rule, message, match.start())
        if worth < LEAST:
            return None
        name = next((value for key, value in match.groupdict().items() if key.startswith("subject") and value), None)
        if name is not None:
            name = decoded(name)
            if not self._acceptable(rule, name):
                return None
            name = plain(rule.subject, name)
        if rule.recovered:
            worth *= self._recovery(index)
        if rule.stops and self.structure.step_at(index).end - index > _ENDS_WITHIN:
            worth *= 0.6
        return Sighting(index, rule, name, worth, message)

    def _acceptable(self, rule: Rule, name: str) -> bool:
        key = (rule.subject or "", name)
        if key not in self._subjects:
            self._subjects[key] = acceptable(rule.subject, name, self.end_of_log, self.project)
        return self._subjects[key]

    def _among_the_last(self, index: int) -> bool:
        """Whether the line is one of the last of a step that did not pass."""
        step = self.structure.step_at(index)
        return step.end - index <= _CLOSING_LINES and step.outcome not in {Outcome.PASSED, Outcome.AFTERWARDS}

    def _early_end(self, index: int, text: str) -> bool:
        """Whether a line claims that the job has ended, and the log goes on."""
        return text.startswith("ERROR: Job failed") and (
            index not in self.structure.endings or self.around.echoed(index)
        )

    def _in_context(self, index: int, rule: Rule) -> bool:
        texts = self.trace.texts
        if rule.context and not any(re.search(rule.context, line) for line in texts[max(0, index - 12) : index + 3]):
            return False
        return not (
            rule.unless_before
            and any(re.search(rule.unless_before, line) for line in texts[max(0, index - 10) : index + 1])
        )

    def _words(self, index: int, rule: Rule, message: str, at: int) -> float:
        """The worth of how it is said."""
        kind = self._voice(index)
        text = self.trace.texts[index]
        if kind is Voice.NEUTRAL:
            ending = rule.ending and text.startswith(("ERROR: Job failed", "##[error]", 'The command "'))
            return 1.0 if ending or (rule.passing and not text.lstrip().startswith("[INFO] Running")) else 0.0
        worth = 1.0
        if _REMOTE.match(text):
            worth *= 0.5
        if kind is Voice.WARNING:
            worth *= 0.9 if rule.warning and _TELLING_WARNING.search(text) else 0.3
        if rule.category is Category.NONE:
            return worth
        if self._within_a_test(index, rule):
            worth *= 0.6
        if any(
            _RAISING.search(line)
            for line in self.trace.texts[max(0, index - (30 if REASONED.match(text) else 4)) : index]
        ):
            worth *= 0.4
        if only_asserted(message, at) or not (LOUD.match(text) or reported(message, at)):
            worth *= 0.25
        if not rule.quoted and inside_quotes(message, at):
            worth *= 0.35
        return worth

    def _within_a_test(self, index: int, rule: Rule) -> bool:
        """Whether a network fault is a detail of a failed test that names no host: the test's own stand-in, most likely."""
        if rule.category is not Category.NETWORK_TRANSIENT or _HOST.search(self.trace.texts[index]):
            return False
        before, _, _ = self.structure.around(index)
        return before == "fail"

    def _voice(self, index: int) -> Voice:
        if index not in self._voices:
            before, _, _ = self.structure.around(index)
            text = self.trace.texts[index]
            if text.lstrip().startswith("> ") and any(
                _GRADLE_CAUSES.search(line) for line in self.trace.texts[max(0, index - 8) : index + 1]
            ):
                text = text.lstrip()[2:]  # Gradle draws the chain of causes with arrows
            self._voices[index] = voice(text, in_failure=before == "fail")
        return self._voices[index]

    def _place(self, index: int, rule: Rule) -> float:
        if index not in self._places:
            self._places[index] = self._place_alone(index)
        worth = self._places[index]
        if rule.ending and index in self.structure.endings:
            return 1.0
        return worth

    def _place_alone(self, index: int) -> float:
        """The worth of where it is said, whatever it is."""
        shown = self.structure.in_header(index) or self.structure.in_print(index)
        if shown or self.around.echoed(index) or self.around.of_commit(index):
            return 0.0
        step = self.structure.step_at(index)
        worth = STEP_WORTH[step.outcome]
        if self.structure.in_capture(index):
            worth *= 0.25
        if self.around.of_passing_test(index):
            worth *= 0.08
        if self.around.recalled(index) or self.around.framed(index) or self.around.underlined(index):
            worth *= 0.4
        if self.known_good and normalised(self.trace.texts[index]) in self.known_good:
            worth *= 0.1
        return worth

    def _recovery(self, index: int) -> float:
        """What is left of a sign after which the same tool succeeds, or the step simply goes on for long."""
        step = self.structure.step_at(index)
        if not self.structure.tests and step.end - index > _GOES_ON:
            return 0.6
        recovered = any(_RECOVERED.search(line) for line in self.trace.texts[index + 1 : min(step.end, index + 400)])
        return 0.3 if recovered else 1.0


_NUMBERS = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{7,64}\b|\d+", re.IGNORECASE)
_PLACES = re.compile(r"(?:/tmp|/var/folders|/builds|/home|/root|/Users|[A-Z]:\\)[^\s:'\",)]*[/\\]")


def normalised(text: str) -> str:
    """A line without what differs from run to run: numbers, hashes, and the directories of the runner."""
    return " ".join(_NUMBERS.sub("#", _PLACES.sub("", undecorated(text))).split())[:300]
