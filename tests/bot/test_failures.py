"""Failed pipelines, as people live through them: why one failed, and what may be done about it."""

from __future__ import annotations

from typing import NoReturn

import pytest

from actions.core.errors import Unreachable
from actions.core.ports.packages import Packages
from actions.core.reply import Block, Paragraph, Preformatted, Reply, Tone
from actions.core.request import State
from bot.conversation import Answer
from bot.testing import Bot

MISSING = """\
$ python3 -m unittest discover -s tests
Traceback (most recent call last):
  File "app.py", line 1, in <module>
    import lantern
ModuleNotFoundError: No module named 'lantern'
ERROR: Job failed: exit code 1
"""
TRANSIENT = """\
$ curl -fsS https://downloads.example/tool.tgz -o tool.tgz
curl: (6) Could not resolve host: downloads.example
ERROR: Job failed: exit code 6
"""
OWN = """\
$ python3 -m pytest
FAILED tests/test_totals.py::test_delivery - AssertionError: assert 2490 == 2000
========================= 1 failed, 12 passed in 0.31s =========================
ERROR: Job failed: exit code 1
"""


@pytest.fixture
def bot() -> Bot:
    return Bot()


def words(reply: Reply) -> str:
    return " ".join([reply.title, *(_words(block) for block in reply.blocks)])


def _words(block: Block) -> str:
    match block:
        case Paragraph():
            return " ".join(str(getattr(span, "text", span)) for span in block.text)
        case Preformatted():
            return block.text
        case _:
            return ""


def test_the_latest_failure_is_explained_with_its_lines_and_buttons(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    answer = bot.ask("sam", "explain_failure", service="checkout")
    bot.settle()
    card = bot.card(answer)
    assert card.tone is Tone.BAD
    assert "Pipeline #811 of checkout failed" in card.title
    assert "2  curl: (6) Could not resolve host: downloads.example" in words(card)
    assert [button.label for button in card.buttons] == ["Fix it", "Retry", "Show log"]


def test_a_failure_of_the_code_itself_offers_no_fix(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=OWN)
    answer = bot.ask("sam", "explain_failure", service="checkout", pipeline="811")
    bot.settle()
    assert [button.label for button in bot.card(answer).buttons] == ["Retry", "Show log"]


def test_a_failure_that_was_mended_meanwhile_says_so_and_offers_nothing(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    bot.pipelines.add("shop/checkout", "success", ref="other")
    answer = bot.ask("sam", "explain_failure", service="checkout")
    bot.settle()
    assert bot.card(answer).tone is Tone.BAD
    bot.pipelines.add("shop/checkout", "success")
    answer = bot.ask("sam", "explain_failure", service="checkout")
    bot.settle()
    card = bot.card(answer)
    assert (card.tone, card.buttons) == (Tone.NEUTRAL, ())
    assert "main has passed since:  #813" in words(card)


def test_what_has_not_failed_is_not_explained(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "success")
    answer = bot.ask("sam", "explain_failure", service="checkout", pipeline="811")
    bot.settle()
    assert "has not failed: it is success" in words(bot.card(answer))


def test_what_passes_by_itself_is_tried_again_once(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    answer = bot.ask("sam", "fix_pipeline", service="checkout")
    bot.work()
    assert bot.pipelines.get("shop/checkout", "811").status == "running"
    bot.pipelines.finish("shop/checkout", "811", "success")
    bot.settle()
    assert bot.request(answer).outcome == "green again"
    assert "green again at another try" in bot.card(answer).title


def test_what_fails_again_is_told_with_the_diagnosis(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    answer = bot.ask("sam", "fix_pipeline", service="checkout")
    bot.work()
    bot.pipelines.finish("shop/checkout", "811", "failed")
    bot.settle()
    assert (bot.request(answer).state, bot.request(answer).outcome) == (State.FAILED, "not proven")
    assert "does not pass by itself" in words(bot.card(answer))


def test_a_failure_of_the_code_itself_is_left_alone_with_advice(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=OWN)
    answer = bot.ask("sam", "fix_pipeline", service="checkout")
    bot.settle()
    assert bot.request(answer).outcome == "left alone"
    assert "is left to people: No playbook mends this" in words(bot.card(answer))
    assert not bot.repositories.requests


def test_a_viewer_may_not_fix(bot: Bot) -> None:
    bot.pipelines.add("shop/checkout", "failed", trace=TRANSIENT)
    assert bot.request(bot.ask("vic", "fix_pipeline", service="checkout")).state is State.REFUSED


def test_nothing_to_merge_is_told(bot: Bot) -> None:
    answer = bot.ask("sam", "merge_fix")
    bot.settle()
    assert "No fix is open here" in words(bot.card(answer))


CI = "unit:\n  script:\n    - pip install -r requirements.txt\n    - python3 -m unittest discover -s tests\n"


class Index:
    """A package index that has two versions of `lantern`."""

    def versions(self, ecosystem: str, name: str, settings: object) -> tuple[str, ...]:
        return ("2.1.0", "2.0.0") if name == "lantern" else ()

    def lock(self, files: object) -> None:
        return None


@pytest.fixture
def broken() -> Bot:
    """checkout's pipeline #811 fails for want of a package; sam made the commit."""
    bot = Bot(outside={Packages: Index})
    files = {".gitlab-ci.yml": CI, "requirements.txt": "flask==3.0.0\n", "app.py": "import lantern\n"}
    made = bot.repositories.commit("shop/checkout", "main", files, author="sam")
    bot.pipelines.add("shop/checkout", "failed", trace=MISSING, sha=made.id)
    return bot


def prove(bot: Bot, answer: Answer | str, status: str = "success") -> None:
    """Let the pipelines on the fix's branch end."""
    for _ in range(30):
        for (project, number), pipeline in list(bot.pipelines.pipelines.items()):
            if pipeline.ref.startswith("shipmate/") and pipeline.status == "running":
                bot.pipelines.finish(project, number, status)
        bot.tick()
        if bot.request(answer).state.is_final:
            return


def test_a_fix_is_proposed_once_it_is_proven_and_merged_by_a_person(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    assert broken.request(answer).state is State.WAITING
    assert not broken.repositories.requests, "nothing is proposed before it is proven"
    prove(broken, answer)
    card = broken.card(answer)
    assert "A proven fix for pipeline #811 of checkout: Add lantern==2.1.0 to requirements.txt" in card.title
    assert "+lantern==2.1.0" in words(card)
    assert [button.label for button in card.buttons] == ["Merge", "Discard"]
    merged = broken.press("lena", card, "Merge")
    broken.settle()
    assert broken.card(merged).title == "Merged the fix of checkout into main"
    main = broken.repositories.branches["shop/checkout", "main"]
    assert "lantern==2.1.0" in broken.repositories.trees["shop/checkout", main]["requirements.txt"]


def test_why_it_failed_is_told_while_the_proof_goes_on(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    broken.tick(2)
    said = " ".join(step.detail for step in broken.request(answer).steps)
    assert "Python cannot import “lantern”" in said
    assert "Line 5: ModuleNotFoundError: No module named 'lantern'" in said


def test_a_fix_that_does_not_prove_itself_leaves_nothing_behind(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    prove(broken, answer, "failed")
    assert broken.request(answer).outcome == "not proven"
    assert "unit is failed with it, too" in words(broken.card(answer))
    assert not broken.repositories.requests
    assert [branch for _, branch in broken.repositories.branches] == ["main"]


def test_where_several_fixes_are_open_none_is_guessed(broken: Bot) -> None:
    files = {".gitlab-ci.yml": CI, "requirements.txt": "flask==3.0.0\n", "app.py": "import lantern\n"}
    made = broken.repositories.commit("shop/catalog", "main", files, author="sam")
    broken.pipelines.add("shop/catalog", "failed", trace=MISSING, sha=made.id)
    fixes = []
    for service in ("checkout", "catalog"):
        fixes.append(broken.ask("lena", "fix_pipeline", service=service))
        broken.work()
        prove(broken, fixes[-1])
    first, second = (broken.request(answer).id for answer in fixes)
    for verb in ("merge_fix", "discard_fix"):
        unnamed = broken.ask("lena", verb)
        broken.settle()
        said = words(broken.card(unnamed))
        assert f"Several fixes are open: {second} (catalog), {first} (checkout). Name the one you mean" in said
    merged = broken.ask("lena", "merge_fix", request=first)
    broken.settle()
    assert broken.card(merged).title == "Merged the fix of checkout into main"


def test_who_broke_it_does_not_merge_its_fix_alone(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    prove(broken, answer)
    refused = broken.press("sam", broken.card(answer), "Merge")
    broken.settle()
    assert "somebody else has to look at its fix" in words(broken.card(refused))


def test_a_fix_is_discarded(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    prove(broken, answer)
    gone = broken.press("sam", broken.card(answer), "Discard")
    broken.settle()
    assert broken.card(gone).title == "Discarded the fix of checkout"
    assert broken.repositories.requests["shop/checkout", "1"].state == "closed"
    again = broken.press("lena", broken.card(answer), "Merge")
    broken.settle()
    assert "is closed already" in words(broken.card(again))


def test_a_fix_is_cancelled_and_its_branch_removed(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    broken.tick()
    broken.press("lena", broken.card(answer), "Cancel")
    broken.settle()
    assert broken.request(answer).state is State.CANCELLED
    assert [branch for _, branch in broken.repositories.branches] == ["main"]


def test_a_worker_that_dies_after_the_branch_was_made_makes_no_second_one(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    real = broken.repositories.propose

    def dying(*arguments: object, **named: object) -> object:
        real(*arguments, **named)  # type: ignore[arg-type]
        raise SystemExit

    broken.repositories.propose = dying  # type: ignore[method-assign,assignment]
    with pytest.raises(SystemExit):
        broken.work()
    broken.repositories.propose = real  # type: ignore[method-assign]
    broken.tick(31)
    prove(broken, answer)
    assert broken.request(answer).outcome == "proposed"
    assert len(broken.pipelines.pipelines) == 2, "the pipeline that failed, and one on the branch"


def test_a_branch_that_an_earlier_ledger_left_behind_is_not_taken_for_ones_own(broken: Bot) -> None:
    sha = broken.pipelines.get("shop/checkout", "811").sha
    broken.repositories.branches["shop/checkout", "shipmate/fix-811-r-1"] = sha
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    assert (broken.request(answer).id, broken.request(answer).state) == ("R-1", State.WAITING)
    prove(broken, answer)
    assert broken.request(answer).outcome == "proposed"
    opened = broken.repositories.requests["shop/checkout", "1"]
    assert opened.source == f"shipmate/fix-811-{broken.request(answer).marker.lower()}"


def test_a_project_whose_pushes_start_no_pipeline_is_asked_for_one(broken: Bot) -> None:
    broken.repositories.pushes = False
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    prove(broken, answer)
    assert broken.request(answer).outcome == "proposed"


def test_shipmates_own_attempts_are_not_mended_in_turn(broken: Bot) -> None:
    broken.pipelines.add("shop/checkout", "failed", ref="shipmate/fix-811-r-1", trace=MISSING)
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.settle()
    assert "not mended in turn" in words(broken.card(answer))


def test_gitlab_being_down_in_the_midst_is_told_and_waited_for(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    real = broken.pipelines.recent

    def down(*_: object, **__: object) -> NoReturn:
        raise Unreachable("GitLab", "GitLab does not answer.")

    broken.pipelines.recent = down  # type: ignore[method-assign]
    broken.tick(2)
    steps = broken.request(answer).steps
    assert "GitLab does not answer; trying again" in [step.detail for step in steps]
    broken.pipelines.recent = real  # type: ignore[method-assign]
    prove(broken, answer)
    assert broken.request(answer).outcome == "proposed"


def test_a_fix_that_changed_since_it_was_proven_is_not_merged(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    prove(broken, answer)
    known = broken.repositories.requests["shop/checkout", "1"]
    broken.repositories.requests["shop/checkout", "1"] = known.model_copy(update={"sha": "f" * 40})
    refused = broken.press("lena", broken.card(answer), "Merge")
    broken.settle()
    assert "has changed since it was proven" in words(broken.card(refused))
    assert broken.repositories.requests["shop/checkout", "1"].state == "opened"


def test_a_fix_that_would_go_into_another_branch_than_it_was_proven_for_is_not_merged(broken: Bot) -> None:
    answer = broken.ask("lena", "fix_pipeline", service="checkout")
    broken.work()
    prove(broken, answer)
    known = broken.repositories.requests["shop/checkout", "1"]
    broken.repositories.requests["shop/checkout", "1"] = known.model_copy(update={"target": "release"})
    refused = broken.press("lena", broken.card(answer), "Merge")
    broken.settle()
    assert "was proven for main, and now it would go into release" in words(broken.card(refused))
    assert broken.repositories.requests["shop/checkout", "1"].state == "opened"


def test_what_failed_for_a_merge_request_is_told_and_nothing_of_it_is_run(broken: Bot) -> None:
    made = broken.pipelines.pipelines["shop/checkout", "811"].sha
    ref = "refs/merge-requests/7/head"
    number = broken.pipelines.add("shop/checkout", "failed", ref=ref, trace=MISSING, sha=made).id
    answer = broken.ask("lena", "fix_pipeline", service="checkout", pipeline=number)
    broken.settle()
    assert broken.request(answer).outcome == "left alone"
    told = broken.card(answer)
    assert "ran for merge request !7" in told.title
    assert "It would be: Add lantern==2.1.0" in words(told)
    assert [branch for _, branch in broken.repositories.branches] == ["main"]
