"""Every rule explains its positive examples and leads none of its negative ones."""

import pytest

from actions.analysis.categories import Category
from actions.analysis.diagnosis import diagnose
from actions.analysis.rules import Rule, rule_book

RULES = rule_book().rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_keeps_its_examples(rule: Rule) -> None:
    for log in rule.examples.positive:
        assert diagnose(log).category is rule.category, log
    for log in rule.examples.negative:
        said = diagnose(log)
        assert said.category is not rule.category or rule.category is Category.NONE, log


def test_every_rule_has_examples_and_a_name_of_its_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.examples.positive and rule.examples.negative for rule in RULES)
    assert all(anchor == anchor.lower() for rule in RULES for anchor in rule.anchors)


def test_every_category_but_none_has_a_playbook() -> None:
    playbooks = {rule.category: rule.playbook for rule in RULES}
    assert set(playbooks) == set(Category)
    assert [category for category, playbook in playbooks.items() if playbook is None] == [Category.NONE]
