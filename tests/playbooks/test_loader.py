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
    assert "c.yaml: “open(1)”" in found.value.faults[2]


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads(Path("docs/playbook.schema.json").read_text(encoding="utf-8"))
    assert published == schema(), "`make docs` writes it anew"
