"""What passes by itself is tried again, and nothing is changed."""

from __future__ import annotations

from actions.analysis.remedies.remedy import Case, Remedy


def network(case: Case) -> Remedy:
    """pb-infra-001: something outside did not answer; the failed jobs run again."""
    return Remedy(
        kind="retry",
        playbook=case.diagnosis.playbook or "",
        summary=f"Run {case.job} again: something outside did not answer in time.",
    )
