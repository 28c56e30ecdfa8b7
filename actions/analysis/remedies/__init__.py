"""One remedy a playbook: pure functions from a diagnosis and a project's files to what is to be done."""

from __future__ import annotations

from collections.abc import Callable

from actions.analysis.diagnosis import Diagnosis
from actions.analysis.remedies import transient
from actions.analysis.remedies.protected import guarded
from actions.analysis.remedies.remedy import Case, Remedy

SURE_ENOUGH = 0.7
"""Below this confidence nothing is changed by a machine."""

REMEDIES: dict[str, Callable[[Case], Remedy]] = {
    "pb-infra-001": transient.network,
}
"""Playbook → its remedy."""


def is_mendable(diagnosis: Diagnosis) -> bool:
    """Whether a remedy may be tried: a playbook fits that has one, and the diagnosis is sure enough."""
    return diagnosis.playbook in REMEDIES and diagnosis.confidence >= SURE_ENOUGH


def remedy(case: Case) -> Remedy:
    """What is to be done about a failed job; an edit that touches what machines keep off becomes advice."""
    diagnosis = case.diagnosis
    if diagnosis.playbook is None:
        return case.advise("No playbook mends this.", "It looks like a failure of the code itself, or is not known.")
    if diagnosis.confidence < SURE_ENOUGH:
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
