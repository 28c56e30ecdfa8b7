"""One shape a playbook on real broken repositories: pushed to the sandbox, failed there, mended on a branch, proven, proposed."""

from __future__ import annotations

import pytest

from tests.playbooks.sandbox.cases import LEFT, MENDED
from tests.playbooks.sandbox.floor import Floor, Outcome, outcomes_of
from tests.playbooks.sandbox.shape import Case

pytestmark = pytest.mark.wheels

QUICK = [case for case in MENDED if case.is_quick]
QUICKLY_LEFT = [case for case in LEFT if case.is_quick]


@pytest.fixture(scope="module")
def outcomes(floor: Floor) -> dict[str, Outcome]:
    return outcomes_of(floor, [*QUICK, *QUICKLY_LEFT])


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_it_is_mended_and_proven(case: Case, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[case.name]
    assert found.is_fixed(case), found.card
    assert not found.is_wrong(case), found.files


@pytest.mark.parametrize("case", QUICKLY_LEFT, ids=lambda case: case.name)
def test_it_is_left_alone(case: Case, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[case.name]
    assert not found.is_wrong(case), found.card
    assert case.left in found.card


def test_every_playbook_has_a_shape_here() -> None:
    assert {case.playbook for case in QUICK} == {case.playbook for case in MENDED}
