"""What the class keywords of an action say."""

from __future__ import annotations

from abc import ABC
from datetime import timedelta

from pydantic import BaseModel

from actions.core.action import Action, Risk, Sample
from actions.core.context import Context
from actions.core.people import Role
from actions.core.reply import Reply


class Nothing(BaseModel):
    """A result that says nothing."""


class Kind(Action[Nothing], ABC, risk=Risk.CHANGE, needs=Role.DEVOPS, queue="deploy", timeout=timedelta(minutes=5)):
    """Base of two verbs."""

    def reply(self, result: Nothing, context: Context) -> Reply:
        return Reply(title="Nothing")

    @classmethod
    def sample(cls) -> Sample:
        return Sample(action=cls(), result=Nothing())


class One(Kind, name="one", phrases=("do one",), queue="inline"):
    """Say where it runs."""


class Another(Kind, name="another"):
    """Say nothing."""


class Plain(Action[Nothing], ABC, name="plain"):
    """Stand beside them."""


def test_what_a_base_class_says_holds_for_the_verbs_below_it() -> None:
    said = Another.policy
    assert (said.risk, said.needs, said.queue, said.timeout) == (
        Risk.CHANGE,
        Role.DEVOPS,
        "deploy",
        timedelta(minutes=5),
    )


def test_a_verb_may_say_otherwise_and_its_words_are_its_own() -> None:
    assert One.policy.queue == "inline"
    assert One.policy.risk is Risk.CHANGE
    assert (One.policy.phrases, Another.policy.phrases) == (("do one",), ())


def test_what_one_kind_says_does_not_reach_another() -> None:
    assert (Plain.policy.risk, Plain.policy.needs, Plain.policy.queue) == (Risk.READ, Role.VIEWER, "query")
