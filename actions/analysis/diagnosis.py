"""Why a job failed: reads its log, weighs the signs in it, and says what it is or that no playbook mends it."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from actions.analysis.categories import Category, FixRisk
from actions.analysis.rules import rule_book
from actions.analysis.segmentation import segment
from actions.analysis.stalls import stalled
from actions.analysis.structure import Outcome, Structure
from actions.analysis.trace import Trace, read
from actions.analysis.weighing import Sighting, normalised, sightings

ACCEPTED = 0.5
"""Below this worth a sign is not believed."""

DOMINANT = 0.75
"""From this worth on a full disk or want of memory explains the other failures beside it."""

CLEAR_MARGIN = 0.1
KILLED, OUT_OF_TIME = 137, 124
OF_REASON = {
    "job_execution_timeout": Category.TEST_TIMEOUT,
    "stuck_or_timeout_failure": Category.TEST_TIMEOUT,
    "runner_system_failure": Category.NETWORK_TRANSIENT,
    "scheduler_failure": Category.NETWORK_TRANSIENT,
}
"""What GitLab's own words for a failure mean; all but the first are believed only where the log is silent."""
PROVING_LINES = 6


class ProvingLine(BaseModel):
    """A line of the log that shows what is said about it; secrets in it are masked."""

    model_config = ConfigDict(frozen=True)

    number: int = Field(ge=1)
    text: str


class JobEvidence(BaseModel):
    """What is known of a job beside its log; everything is optional and nothing of it is trusted more than the log.

    Attributes:
        job: The job's name.
        project: The project's path, such as ``shop/checkout``.
        exit_code: The exit code of the script; where it is not known, the one that the log tells.
        failure_reason: The CI system's own word, such as GitLab's ``job_execution_timeout``.
        retry_passed: Whether the same job passed on the same commit when it ran again.
        passing_trace: The log of the job's last successful run.
        diff: The commit's diff. What it names is surer; a module whose files it changes is the project's own.
        ci_config: The text of ``.gitlab-ci.yml``. What it names is surer.
    """

    model_config = ConfigDict(frozen=True)

    job: str | None = None
    project: str | None = None
    exit_code: int | None = None
    failure_reason: str | None = None
    retry_passed: bool | None = None
    passing_trace: str | None = None
    diff: str | None = None
    ci_config: str | None = None


class Diagnosis(BaseModel):
    """What broke a job.

    Attributes:
        category: The kind of failure; ``none`` for the code's own failures and for what is not known.
        root_cause: One sentence.
        lines: The lines that prove it, in order.
        confidence: How sure the diagnosis is, from 0 to 1; for ``none``, that no playbook fits.
        risk: How much a fix of this kind can harm.
        fingerprint: The same for the same failure in another run.
        subject: The package, module, variable or key it is about.
        playbook: The name of the playbook that mends this kind.
        rule: The rule that led.
    """

    model_config = ConfigDict(frozen=True)

    category: Category
    root_cause: str
    lines: tuple[ProvingLine, ...]
    confidence: float = Field(ge=0, le=1)
    risk: FixRisk
    fingerprint: str
    subject: str | None = None
    playbook: str | None = None
    rule: str | None = None


def diagnose(
    log: str | Iterable[str], *, evidence: JobEvidence | None = None, redact: Callable[[str], str] = str
) -> Diagnosis:
    """Say why a job failed.

    Args:
        log: The job's log, whole or in parts as they stream in. It may hold anything; nothing in it is an instruction.
        evidence: What else is known of the job.
        redact: Masks secrets in text that leaves this function.

    Returns:
        The diagnosis; of category ``none`` where no sign is worth believing.
    """
    evidence = evidence or JobEvidence()
    trace = read(log)
    skeleton = segment(trace)
    known_good = (
        frozenset(normalised(line) for line in read(evidence.passing_trace).texts)
        if evidence.passing_trace
        else frozenset()
    )
    project = evidence.project.rsplit("/", 1)[-1] if evidence.project else None
    signs = sightings(trace, skeleton, known_good=known_good, project=project, changed=_changed(evidence.diff))
    verdict = _with_silence(_with_evidence(_decide(signs), signs, evidence, skeleton.exit_code), trace)
    return _written(verdict, trace, skeleton, evidence, redact)


def _changed(diff: str | None) -> tuple[str, ...]:
    """The paths that a diff changes; a module that lies under one of them is the project's own."""
    return tuple(match[1] for match in _CHANGED.finditer(diff or ""))


_CHANGED = re.compile(r"^(?:---|\+\+\+) [ab]/(\S+)", re.MULTILINE)


class _Verdict(NamedTuple):
    """A category with the signs for it, best first, and how sure it is."""

    category: Category
    signs: list[Sighting]
    confidence: float


def _decide(signs: list[Sighting]) -> _Verdict:
    """The category whose signs weigh most, unless they are too weak or the code's own failure weighs as much."""
    groups: dict[Category, list[Sighting]] = defaultdict(list)
    for sign in signs:
        groups[sign.rule.category].append(sign)
    weights = {category: _weight(group) for category, group in groups.items()}
    own = weights.pop(Category.NONE, 0.0)
    own_signs = _best_first(groups[Category.NONE])
    if not weights:
        return _Verdict(Category.NONE, own_signs, max(0.6, min(own, 0.95)))
    best = max(weights, key=lambda category: (weights[category], category.value))
    weight = weights[best]
    leads = _best_first(groups[best])
    rivals = [own, *(other for category, other in weights.items() if category is not best)]
    dominant = leads[0].rule.dominant and leads[0].worth >= DOMINANT
    if weight < ACCEPTED or (own >= weight and not dominant):
        return _Verdict(Category.NONE, own_signs or leads, max(0.5, min(0.95, 1 - weight / 2)))
    margin = weight - max(rivals)
    return _Verdict(best, leads, round(min(0.99, max(0.5, weight - (0.15 if margin < CLEAR_MARGIN else 0.0))), 2))


def _weight(group: list[Sighting]) -> float:
    """The best sign counts in full; further lines that say the same add a little."""
    best = max(sign.worth for sign in group)
    others = len({sign.message for sign in group if sign.worth >= ACCEPTED}) - 1
    return best + 0.02 * min(max(others, 0), 5)


def _best_first(group: list[Sighting]) -> list[Sighting]:
    """By worth; of equals, what names its subject and then what was said first."""
    return sorted(group, key=lambda sign: (-round(sign.worth, 2), sign.subject is None, sign.index))


def _with_evidence(verdict: _Verdict, signs: list[Sighting], evidence: JobEvidence, exit_code: int | None) -> _Verdict:
    """Let what is known beside the log speak where the log alone is silent or weak."""
    told = _told_by_the_runner(verdict, signs, evidence, exit_code)
    if told is not None:
        return told
    if (
        evidence.retry_passed
        and verdict.category in {Category.NONE, Category.TEST_TIMEOUT}
        and _a_test_failed(verdict.signs)
    ):
        return _Verdict(Category.FLAKY_TEST, verdict.signs, 0.85)
    if evidence.retry_passed is False and verdict.category in {Category.NETWORK_TRANSIENT, Category.FLAKY_TEST}:
        return verdict._replace(confidence=round(verdict.confidence * 0.7, 2))
    subject = verdict.signs[0].subject if verdict.signs and verdict.category is not Category.NONE else None
    if subject and any(subject in text for text in (evidence.diff or "", evidence.ci_config or "")):
        return verdict._replace(confidence=min(0.99, round(verdict.confidence + 0.05, 2)))
    return verdict


def _told_by_the_runner(
    verdict: _Verdict, signs: list[Sighting], evidence: JobEvidence, exit_code: int | None
) -> _Verdict | None:
    """What the runner's own word or the exit code says; None where the log says more."""
    silent = verdict.category is Category.NONE
    unexplained = silent and not any(sign.worth >= ACCEPTED for sign in verdict.signs)
    reason = OF_REASON.get(evidence.failure_reason or "")
    if reason and (evidence.failure_reason == "job_execution_timeout" or unexplained):
        mine = [sign for sign in signs if sign.rule.category is reason]
        return _Verdict(reason, mine or verdict.signs, 0.95 if reason is Category.TEST_TIMEOUT else 0.7)
    code = exit_code if evidence.exit_code is None else evidence.exit_code
    if silent and code == KILLED:
        return _Verdict(Category.OOM, verdict.signs, 0.75)
    if unexplained and code == OUT_OF_TIME:
        return _Verdict(Category.TEST_TIMEOUT, verdict.signs, 0.7)
    return None


def _with_silence(verdict: _Verdict, trace: Trace) -> _Verdict:
    """A job that nothing else explains and that was cancelled after a long silence ran into its time limit."""
    if verdict.category is not Category.NONE or any(sign.worth >= ACCEPTED for sign in verdict.signs):
        return verdict
    index = stalled(trace)
    if index is None:
        return verdict
    rule = next(rule for rule in rule_book().rules if rule.id == "job-time-limit")
    return _Verdict(Category.TEST_TIMEOUT, [Sighting(index, rule, None, 0.8, trace.texts[index])], 0.8)


def _a_test_failed(signs: list[Sighting]) -> bool:
    return any(
        sign.rule.id in {"assertion", "test-failures"} or sign.rule.category is Category.TEST_TIMEOUT for sign in signs
    )


_PLAYBOOKS = {Category.TEST_TIMEOUT: "pb-test-001", Category.FLAKY_TEST: "pb-test-002", Category.OOM: "pb-resource-001"}


def _written(
    verdict: _Verdict, trace: Trace, skeleton: Structure, evidence: JobEvidence, redact: Callable[[str], str]
) -> Diagnosis:
    lead = verdict.signs[0] if verdict.signs else None
    own = verdict.category is Category.NONE
    led = lead is not None and lead.rule.category is verdict.category
    subject = redact(lead.subject) if lead and lead.subject and led and not own else None
    cause = _cause(verdict, skeleton, led=led)
    anchor = subject or _said_by(verdict.signs) or normalised(_last_words(trace))
    key = "|".join((verdict.category.value, lead.rule.id if lead else "", anchor, evidence.job or ""))
    return Diagnosis(
        category=verdict.category,
        root_cause=redact(cause),
        lines=_proving(verdict.signs, trace, redact),
        confidence=verdict.confidence,
        risk=lead.rule.risk if lead and led else (FixRisk.HIGH if own else FixRisk.LOW),
        fingerprint=hashlib.sha256(key.encode(errors="replace")).hexdigest()[:16],
        subject=subject,
        playbook=None if own else (lead.rule.playbook if lead and led else _PLAYBOOKS.get(verdict.category)),
        rule=lead.rule.id if lead and led else None,
    )


def _said_by(signs: list[Sighting]) -> str:
    """What the best signs say, whichever of them came first."""
    best = [sign for sign in signs if round(sign.worth, 2) == round(signs[0].worth, 2)]
    return min((normalised(sign.message) for sign in best), default="")


def _cause(verdict: _Verdict, skeleton: Structure, *, led: bool) -> str:
    if led:
        lead = verdict.signs[0]
        name = lead.subject
        text = lead.rule.cause.format(
            subject=name or "it",
            subject_or=f"“{name}”" if name else "a package",
            for_subject=f" for “{name}”" if name else "",
            which=f" ({name})" if name else "",
        )
        return text if lead.rule.category is not Category.NONE else f"{text} {lead.message.strip()[:160]}"
    if verdict.category is Category.OOM:
        return "The process was killed with exit code 137, as the kernel does for want of memory."
    if verdict.category is Category.TEST_TIMEOUT:
        return "The job ran into its time limit."
    if verdict.category is Category.FLAKY_TEST:
        return "A test failed and the same job passed when it ran again on the same commit."
    failed = next((step for step in skeleton.steps if step.outcome is Outcome.FAILED and step.command), None)
    if failed:
        return f"The command “{failed.command[:120]}” failed for a reason that no rule knows."
    return "The job failed for a reason that no rule knows."


def _proving(signs: list[Sighting], trace: Trace, redact: Callable[[str], str]) -> tuple[ProvingLine, ...]:
    chosen: dict[str, int] = {}
    for sign in signs:
        if len(chosen) < PROVING_LINES:
            chosen.setdefault(sign.message, sign.index)
    return tuple(
        ProvingLine(number=trace.numbers[index], text=redact(trace.texts[index].strip()[:400]))
        for index in sorted(chosen.values())
    )


def _last_words(trace: Trace) -> str:
    return next((text for text in reversed(trace.texts) if text.strip()), "")
