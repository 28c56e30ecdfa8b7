"""The understanding judged on labelled sentences of made-up companies, and scored as `shipmate eval intents` does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from actions import catalog
from actions.core.action import Risk
from actions.core.organization import Organization
from intents.evaluation import Item, Label, Prediction, predict, score
from intents.meaning import Message, Unclear
from intents.recognizer import Recognizer

DATA = Path(__file__).parent / "data"
WRITES = {verb.policy.name for verb in catalog() if verb.policy.risk is not Risk.READ}


@pytest.mark.parametrize(
    ("company", "floor"),
    [
        ("kestrel", 0.97),
        ("ferro", 0.95),
        ("tarn", 0.95),
        ("dolm", 0.95),
        ("orla", 0.92),
        ("brackwater", 0.95),
        ("harrowgate", 0.95),
        ("norrsund", 0.95),
        ("glowgrid", 0.94),
        ("marrowgate", 0.92),
        ("parcelwind", 0.94),
    ],
)
def test_what_people_of_another_company_type_is_understood_and_nothing_unsafe_is_proposed(
    company: str, floor: float, learned: Path
) -> None:
    organization = Organization.model_validate(YAML(typ="safe").load(DATA / f"{company}.yaml"))
    lines = (DATA / f"{company}.jsonl").read_text(encoding="utf-8").splitlines()
    items = [Item.model_validate_json(line) for line in lines]
    figures = score(items, predict(items, Recognizer(catalog(), organization, learned), time.perf_counter), WRITES)
    assert figures.unsafe_ids == ()
    assert figures.exact >= floor, figures.failed


CHANGES = (
    "deploy rates 6.0.0 to production",
    "roll back rates in production",
    "bounce quotes on prod",
    "promote ledger-api from qa to production",
    "rerun the build of rates",
    "cancel R-12",
    "freeze production for 2 hours",
    "lift the freeze on production",
    "make sam admin",
    "take devops away from noor",
)
NO_REQUESTS = (
    "don't {}",
    "please do not {} yet",
    "never {}",
    "let's not {}",
    "no need to {}",
    "if the tests pass, {}",
    "{} once qa is done",
    "when the audit is over, {}",
    "unless noor objects, {}",
    "{} tomorrow",
    "should we {}?",
    "what happens if we {}?",
    "is it safe to {}?",
    "why did you {}?",
    "how do I {}?",
    "noor said {}",
    "the runbook tells us to {}",
    "sam wants me to {}",
    "I forgot to {}",
    "we had to {} last night",
    "I can't {}",
    "maybe we should {}",
    "we might {}",
    "I was going to {}",
    "remind me to {}",
    "tell noor to {}",
    "wait before you {}",
    "nobody should {}",
    'he wrote "{}" in the channel',
    "I dreamt that I had to {}",
    "we decided against it: no {}",
    "translate into French: {}",
    "would you rather {} or wait?",
    "{}... hang on, don't",
)


@pytest.mark.parametrize("frame", NO_REQUESTS)
def test_a_change_in_a_frame_that_asks_for_none_is_never_proposed(recognizer: Recognizer, frame: str) -> None:
    for change in CHANGES:
        meaning = recognizer.recognize(Message(text=frame.format(change)))
        assert isinstance(meaning, Unclear) or meaning.action not in WRITES, (frame, change)


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
