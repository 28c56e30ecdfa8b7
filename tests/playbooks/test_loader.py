"""Reading playbooks: the library, an organization's own, and faults with their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actions import catalog
from actions.analysis.categories import Category
from actions.analysis.remedies import REMEDIES
from playbooks.loader import FaultyPlaybooks, load
from playbooks.playbook import schema

OWN = """\
name: pb-dep-001
title: Missing package, our way
for: As the library's, but it only says what it would do.
match: {category: dependency-missing-python}
autonomy: {start: shadow, highest: shadow}
"""


def test_the_library_has_a_playbook_for_every_remedy_and_every_category() -> None:
    library = load()
    assert set(REMEDIES) <= set(library)
    mended = {playbook.match.category for playbook in library.values() if playbook.match}
    assert mended == set(Category) - {Category.NONE}


def test_every_step_of_the_library_is_a_verb_with_its_parameters() -> None:
    for playbook in load().values():
        for step in playbook.steps:
            assert set(step.parameters) <= set(catalog()[step.action].model_fields)


def test_an_organizations_own_playbook_takes_the_place_of_the_librarys(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(OWN, encoding="utf-8")
    library = load(tmp_path)
    assert library["pb-dep-001"].title == "Missing package, our way"
    assert library.places["pb-dep-001"] == tmp_path / "ours.yaml"
    assert len(library) == len(load())


def test_every_fault_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OWN.replace("highest: shadow", "highest: sometimes"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text("name: [\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text(
        "name: nightly\ntitle: x\nfor: y\non: [{event: pipeline.failed, where: 'open(1)'}]\n"
        "steps: [{id: one, action: status, with: {}}]\n",
        encoding="utf-8",
    )
    with pytest.raises(FaultyPlaybooks) as found:
        load(tmp_path)
    assert len(found.value.faults) == 3
    assert "a.yaml:5: autonomy.highest" in found.value.faults[0]
    assert "c.yaml:4: “open(1)”" in found.value.faults[2]


STEPS = """\
name: ours
title: Ours
for: A test.
on:
  - cron: "0 7 * *"
"""

FAULTY = """\
name: ours
title: Ours
for: A test.
on:
  - event: pipeline.failed
steps:
  - id: one
    action: explane_failure
    with: {service: checkout}
  - id: two
    action: run_pipeline
    when: steps.tow.outcome == "done"
    with:
      ref: -x
      branch: main
  - id: three
    action: tell
    with: {text: "${vent.service}"}
"""


def test_steps_are_held_against_the_verbs_and_each_fault_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(FAULTY, encoding="utf-8")
    with pytest.raises(FaultyPlaybooks) as found:
        load(tmp_path, catalog())
    said = [fault.removeprefix(f"{tmp_path}/") for fault in found.value.faults]
    for expected in (
        "ours.yaml:8: there is no action “explane_failure”; did you mean explain_failure",
        'ours.yaml:12: “steps.tow.outcome == "done"” reads the step tow, which there is not; there are one, two, three',
        "ours.yaml:15: run_pipeline takes no branch; it takes service, ref",
        "ours.yaml:10: run_pipeline needs service under `with`",
        "ours.yaml:14: “-x” is not a branch or tag.",
        "ours.yaml:18: “vent.service” reads vent, and there are event, steps and previous",
    ):
        assert any(line.startswith(expected) for line in said), (expected, said)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (STEPS + "steps: [{id: one, action: help}]\n", "ours.yaml:5: on.0: “0 7 * *” has 4 fields"),
        (OWN + "match: {category: OOM, pattern: '('}\n", "duplicate key"),
        (OWN.replace("category: dep", "pattern: '(', category: dep"), "ours.yaml:4: match.pattern: “(” is no regular"),
        (OWN.replace("{start: shadow", "{start: auto"), "it starts at auto, which is beyond the highest stage, shadow"),
        (OWN + "notify: {slack: '#general'}\n", "ours.yaml:6: notify.slack"),
        (OWN + "\tx: 1\n", "ours.yaml:6: "),
    ],
)
def test_each_kind_of_fault_is_told_in_words(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(FaultyPlaybooks, match=r"ours\.yaml") as found:
        load(tmp_path, catalog())
    assert says in found.value.faults[0]


def test_the_example_in_the_docs_can_be_used(tmp_path: Path) -> None:
    page = Path("docs/playbooks.md").read_text(encoding="utf-8")
    examples = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    playbooks = [example for example in examples if example.startswith("name:")]
    assert len(playbooks) >= 3
    for number, example in enumerate(playbooks):
        (tmp_path / f"{number}.yaml").write_text(example, encoding="utf-8")
    load(tmp_path, catalog())


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads(Path("docs/playbook.schema.json").read_text(encoding="utf-8"))
    assert published == schema(), "`make docs` writes it anew"
