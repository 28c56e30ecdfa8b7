"""The understanding judged on labelled sentences of three made-up companies, and scored as `shipmate eval intents` does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from actions import catalog
from actions.core.action import Risk
from actions.core.organization import Organization
from intents.evaluation import Item, Label, Prediction, predict, score
from intents.recognizer import Recognizer

DATA = Path(__file__).parent / "data"
WRITES = {verb.policy.name for verb in catalog() if verb.policy.risk is not Risk.READ}


@pytest.mark.parametrize("company", ["kestrel", "ferro", "tarn"])
def test_what_people_of_another_company_type_is_understood_and_nothing_unsafe_is_proposed(
    company: str, learned: Path
) -> None:
    organization = Organization.model_validate(YAML(typ="safe").load(DATA / f"{company}.yaml"))
    lines = (DATA / f"{company}.jsonl").read_text(encoding="utf-8").splitlines()
    items = [Item.model_validate_json(line) for line in lines]
    figures = score(items, predict(items, Recognizer(catalog(), organization, learned), time.perf_counter), WRITES)
    assert figures.unsafe_ids == ()
    assert figures.exact >= 0.93, figures.failed


def _scored(expected: Label, proposed: Label) -> tuple[float, int]:
    item = Item(id="a", kind="k", say="…", expect=expected)
    figures = score([item], [Prediction(id="a", label=proposed, seconds=0.001)], WRITES)
    return figures.exact, figures.unsafe


DEPLOY = Label(outcome="asks", action="deploy", params={"service": "a", "version": "1.0", "environment": "qa"})
UNCLEAR = Label(outcome="unclear")


@pytest.mark.parametrize(
    ("expected", "proposed", "exact", "unsafe"),
    [
        (DEPLOY, DEPLOY, 1, 0),
        (DEPLOY, DEPLOY.model_copy(update={"params": {**DEPLOY.params, "environment": "live"}}), 0, 1),
        (DEPLOY, DEPLOY.model_copy(update={"params": {**DEPLOY.params, "strategy": "canary"}}), 0, 0),
        (DEPLOY, UNCLEAR, 0, 0),
        (UNCLEAR, DEPLOY, 0, 1),
        (UNCLEAR, Label(outcome="asks", action="status", params={"service": "a"}), 0, 0),
        (Label(outcome="lacks", action="restart", params={"service": "a"}, missing=("environment",)),
         Label(outcome="asks", action="restart", params={"service": "a", "environment": "qa"}), 0, 1),
        (Label(outcome="asks", action="audit", params={"since": "48h"}),
         Label(outcome="asks", action="audit", params={"since": "2d"}), 1, 0),
        (Label(outcome="asks", action="deny", params={"request": "R-1", "reason": "no tests"}),
         Label(outcome="asks", action="deny", params={"request": "r-1"}), 1, 0),
    ],
)  # fmt: skip
def test_a_proposal_is_judged_before_any_confirmation(
    expected: Label, proposed: Label, exact: float, unsafe: int
) -> None:
    assert _scored(expected, proposed) == (exact, unsafe)
