"""Webhooks of GitLab while GitLab itself does not answer: the failure is looked into as soon as it does."""

from __future__ import annotations

from typing import NoReturn

from actions.core.errors import Unreachable
from actions.core.ports.ledger import RequestQuery
from actions.core.request import Request
from tests.bot.hooks.company import Company
from tests.bot.test_failures import prove


def attempts(here: Company) -> list[Request]:
    found = here.bot.house.kept.ledger.find(RequestQuery(actions=("fix_pipeline",)))
    return list(reversed(found))


def went_on(here: Company, *, seconds: int) -> None:
    for _ in range(seconds // 5):
        here.bot.tick(5)
        here.bot.house.playing.tick()


def test_a_failure_that_could_not_be_looked_into_is_looked_into_a_minute_later() -> None:
    here = Company()
    real = here.bot.pipelines.get

    def down(*_: object, **__: object) -> NoReturn:
        raise Unreachable("GitLab", "GitLab does not answer.")

    here.bot.pipelines.get = down  # type: ignore[method-assign]
    here.pipeline()
    here.settle()
    assert [each.outcome for each in attempts(here)] == ["failed"]
    here.bot.pipelines.get = real  # type: ignore[method-assign]
    went_on(here, seconds=70)
    assert len(attempts(here)) == 2
    prove(here.bot, attempts(here)[-1].id)
    assert attempts(here)[-1].outcome == "proposed"


def test_a_fix_that_did_not_prove_itself_is_not_tried_again_by_itself() -> None:
    here = Company()
    attempt = here.failure_and_proof("failed")
    assert attempt.outcome == "not proven"
    went_on(here, seconds=300)
    assert len(attempts(here)) == 1
