"""Every rule explains its positive examples and leads none of its negative ones."""

import pytest

from actions.analysis.categories import Category
from actions.analysis.diagnosis import diagnose
from actions.analysis.rules import Rule, rule_book
from actions.analysis.trace import read
from actions.analysis.voices import said
from tests.actions.analysis.logs import excerpts, failures

RULES = rule_book().rules
FILES = ("failures.yaml", "more_failures.yaml", "fresh_failures.yaml", "held_out.yaml")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_keeps_its_examples(rule: Rule) -> None:
    for log in rule.examples.positive:
        assert diagnose(log).category is rule.category, log
    for log in rule.examples.negative:
        said = diagnose(log)
        assert said.category is not rule.category or rule.category is Category.NONE, log


def lines_of_all_logs() -> set[str]:
    logs = [log for _, log in excerpts()]
    logs += [case.output for file in FILES for case in failures(file)]
    logs += [log for rule in RULES for log in (*rule.examples.positive, *rule.examples.negative)]
    return {said(line) for log in logs for line in read(log).texts}


def test_whatever_a_rule_matches_holds_one_of_its_anchors() -> None:
    lines = lines_of_all_logs()
    unseen = [
        (rule.id, line)
        for rule in RULES
        for line in lines
        if rule.match(line) and not any(anchor in line.lower() for anchor in rule.anchors)
    ]
    assert not unseen


def test_every_rule_has_examples_and_a_name_of_its_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.examples.positive and rule.examples.negative for rule in RULES)
    assert all(anchor == anchor.lower() for rule in RULES for anchor in rule.anchors)


def test_every_category_but_none_has_a_playbook() -> None:
    playbooks = {rule.category: rule.playbook for rule in RULES}
    assert set(playbooks) == set(Category)
    assert [category for category, playbook in playbooks.items() if playbook is None] == [Category.NONE]
