"""Every shape of every playbook, and all that must be left alone; writes the table in docs/playbooks.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from playbooks.loader import load
from tests.playbooks.sandbox.cases import LEFT, MENDED
from tests.playbooks.sandbox.floor import Floor, Outcome, outcomes_of
from tests.playbooks.sandbox.shape import Case

pytestmark = pytest.mark.e2e

PAGE = Path("docs/playbooks.md")
_TABLE = re.compile(
    r"(?s)(<!-- what the end-to-end run found: begin -->\n).*?(<!-- what the end-to-end run found: end -->)"
)
FIXED_AT_LEAST = 0.8
SHAPES_AT_LEAST = 3


@pytest.fixture(scope="module")
def outcomes(floor: Floor) -> dict[str, Outcome]:
    return outcomes_of(floor, [*MENDED, *LEFT])


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.name)
def test_it_is_mended_and_proven(case: Case, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[case.name]
    assert found.is_fixed(case), found.card
    assert not found.is_wrong(case), found.files


@pytest.mark.parametrize("case", LEFT, ids=lambda case: case.name)
def test_it_is_left_alone(case: Case, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[case.name]
    assert not found.is_wrong(case), found.card
    assert case.left in found.card


def test_each_playbook_mends_what_it_is_for_and_nothing_goes_wrong(outcomes: dict[str, Outcome]) -> None:
    """The table in the docs is written by this run, so that it can say nothing but what happened."""
    lines = ["| Playbook | Cases | Fixed | Left alone | Wrong |", "|---|---|---|---|---|"]
    library = load()
    for name in sorted({case.playbook for case in MENDED}):
        cases = [case for case in MENDED if case.playbook == name]
        wrong = sum(outcomes[case.name].is_wrong(case) for case in cases)
        fixed = sum(outcomes[case.name].is_fixed(case) for case in cases) - wrong
        lines.append(
            f"| {name} {library[name].title} | {len(cases)} | {fixed} | {len(cases) - fixed - wrong} | {wrong} |"
        )
        assert len(cases) >= SHAPES_AT_LEAST
        assert fixed >= FIXED_AT_LEAST * len(cases), name
        assert wrong == 0, name
    wrong = sum(outcomes[case.name].is_wrong(case) for case in LEFT)
    assert wrong == 0
    lines.append(f"| what must be left alone | {len(LEFT)} | 0 | {len(LEFT) - wrong} | {wrong} |")
    page = PAGE.read_text(encoding="utf-8")
    written = _TABLE.sub(lambda found: "\n".join((found[1].rstrip(), *lines, found[2])), page)
    PAGE.write_text(written, encoding="utf-8")
    assert written == page, f"{PAGE} said otherwise; it has been written anew, so commit it"
