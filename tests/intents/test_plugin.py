"""A plug-in's verb is understood from its own phrases, examples and paraphrases, and nothing in `intents` knows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from actions import catalog
from actions.core.action import Action, Risk, Sample
from actions.core.context import Context
from actions.core.kinds import EnvironmentName, ServiceName
from actions.core.people import Role
from actions.core.reply import Reply
from actions.core.request import Origin
from intents.meaning import Asks, Lacks, Message, Unclear
from intents.recognizer import Recognizer
from tests.intents.conftest import COMPANY


class Purged(BaseModel):
    """What was purged."""


class PurgeCache(
    Action[Purged],
    name="purge_cache",
    risk=Risk.CHANGE,
    needs=Role.DEVELOPER,
    phrases=("purge [the] cache of {service} in {environment}",),
    examples=("purge the cache of checkout in staging",),
    paraphrases=(
        "empty the cache of {service} in {environment}",
        "{service} serves stale pages in {environment}, drop its cache",
        "wipe what {service} has cached on {environment}",
        "throw away the cached pages of {service} in {environment}",
    ),
):
    """Throw away everything that a service has cached."""

    service: ServiceName
    environment: EnvironmentName

    def reply(self, result: Purged, context: Context) -> Reply:
        """Say so."""
        return Reply(title="Purged")

    @classmethod
    def sample(cls) -> Sample:
        """A finished example."""
        return Sample(action=cls(service="checkout", environment="staging"), result=Purged())


@pytest.fixture(scope="module")
def recognizer(learned: Path) -> Recognizer:
    return Recognizer(catalog([PurgeCache]), COMPANY, learned)


def test_its_phrases_are_plain_grammar(recognizer: Recognizer) -> None:
    meaning = recognizer.recognize(Message(text="purge the cache of fx in prod"))
    assert isinstance(meaning, Asks)
    assert (meaning.action, meaning.origin) == ("purge_cache", Origin.GRAMMAR)
    assert meaning.parameters == {"service": "rates", "environment": "production"}


def test_other_words_are_understood_and_shown_back(recognizer: Recognizer) -> None:
    meaning = recognizer.recognize(Message(text="hey, please wipe the cached stuff of quotes on staging"))
    assert isinstance(meaning, Asks)
    assert (meaning.action, meaning.origin) == ("purge_cache", Origin.STATISTICAL)
    assert meaning.parameters == {"service": "quotes", "environment": "staging"}


def test_what_holds_for_every_verb_holds_for_it(recognizer: Recognizer) -> None:
    lacking = recognizer.recognize(Message(text="empty the cache of quotes"))
    assert isinstance(lacking, Lacks)
    assert lacking.missing == ("environment",)
    for said in ("don't purge the cache of fx in prod", "should we purge the cache of fx in prod?"):
        assert isinstance(recognizer.recognize(Message(text=said)), Unclear)
