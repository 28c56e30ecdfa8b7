"""One remedy a playbook: pure functions from a diagnosis and a project's files to what is to be done."""

from __future__ import annotations

from collections.abc import Callable

from actions.analysis.diagnosis import Diagnosis
from actions.analysis.remedies import (
    configuration,
    conflicts,
    flaky,
    node,
    python_missing,
    resources,
    transient,
    variables,
)
from actions.analysis.remedies.protected import guarded
from actions.analysis.remedies.remedy import Case, Remedy

SURE_ENOUGH = 0.7
"""Below this confidence nothing is changed by a machine."""

EVIDENCED = 0.5
"""The same for remedies that find in the project's own code what the log says, before they believe it."""

_EVIDENCED = frozenset({"pb-dep-001", "pb-dep-002", "pb-env-001"})

REMEDIES: dict[str, Callable[[Case], Remedy]] = {
    "pb-dep-001": python_missing.missing,
    "pb-dep-002": node.missing,
    "pb-dep-003": conflicts.conflict,
    "pb-env-001": variables.missing,
    "pb-env-002": configuration.invalid,
    "pb-test-001": flaky.timeout,
    "pb-test-002": flaky.flaky,
    "pb-resource-001": resources.memory,
    "pb-resource-002": resources.disk,
    "pb-infra-001": transient.network,
}
"""Playbook → its remedy."""


def is_mendable(diagnosis: Diagnosis) -> bool:
    """Whether a remedy may be tried: a playbook fits that has one, and the diagnosis is sure enough."""
    return diagnosis.playbook in REMEDIES and diagnosis.confidence >= _needed(diagnosis)


def _needed(diagnosis: Diagnosis) -> float:
    return EVIDENCED if diagnosis.playbook in _EVIDENCED else SURE_ENOUGH


def remedy(case: Case) -> Remedy:
    """What is to be done about a failed job; an edit that touches what machines keep off becomes advice."""
    diagnosis = case.diagnosis
    if diagnosis.playbook is None:
        return case.advise("No playbook mends this.", "It looks like a failure of the code itself, or is not known.")
    if diagnosis.confidence < _needed(diagnosis):
        return case.advise(
            f"The diagnosis is not sure enough to change anything ({diagnosis.confidence:.0%}).",
            f"Look at the proving lines; if they convince you, see the playbook {diagnosis.playbook}.",
        )
    mend = REMEDIES.get(diagnosis.playbook)
    if mend is None:
        return case.advise(
            f"The playbook {diagnosis.playbook} only advises.", "Mend it by hand; the cause stands above."
        )
    return guarded(case, mend(case))
