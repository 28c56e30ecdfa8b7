"""What must hold of every verb there will ever be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from actions import catalog
from actions.core.action import Action, Need, Operation, Risk
from actions.core.catalog import Verb
from actions.core.reply import Reply
from bot.testing import Bot

VERBS = list(catalog())


@pytest.fixture(params=VERBS, ids=[verb.policy.name for verb in VERBS])
def verb(request: pytest.FixtureRequest) -> Verb:
    found: Verb = request.param
    return found


def test_its_name_can_be_typed(verb: Verb) -> None:
    assert re.fullmatch(r"[a-z][a-z_]{1,30}", verb.policy.name)


def test_it_is_described_in_a_sentence(verb: Verb) -> None:
    assert verb.description().endswith(".")
    assert len(verb.description()) <= 150


def test_its_phrases_name_only_its_parameters(verb: Verb) -> None:
    for phrase in (*verb.policy.phrases, *verb.policy.paraphrases):
        unknown = set(re.findall(r"{(\w+)}", phrase)) - set(verb.model_fields)
        # A paraphrase may hold a value that the verb does not take, as "did {version} reach {environment}" asks for status.
        assert not unknown - {"version"}, phrase


def test_it_can_be_said(verb: Verb) -> None:
    if verb.policy.public:
        assert verb.policy.phrases
        assert verb.policy.examples


def test_its_parameters_survive_json(verb: Verb) -> None:
    action: Action[Any] = verb.sample().action
    assert verb.model_validate(action.parameters()) == action


def test_its_result_survives_json_and_draws(verb: Verb) -> None:
    sample = verb.sample()
    result = verb.result_type.model_validate_json(sample.result.model_dump_json())
    assert result == sample.result
    bot = Bot()
    answer = bot.ask("ada", "whoami")
    reply = sample.action.reply(result, bot.house.gate.context(bot.request(answer)))
    assert isinstance(reply, Reply)
    assert reply.title
    for button in reply.buttons:
        assert button.action in catalog()
        catalog()[button.action].model_validate(button.parameters)


def test_what_changes_something_says_who_may(verb: Verb) -> None:
    if verb.policy.risk is not Risk.READ:
        assert verb.policy.needs != "viewer"


def test_what_locks_has_a_place_and_a_poller(verb: Verb) -> None:
    if verb.policy.lock:
        assert {"service", "environment"} <= set(verb.model_fields)
        assert verb.policy.poller
        assert verb.policy.needs is Need.BY_ENVIRONMENT
    if issubclass(verb, Operation):
        assert verb.policy.poller
        assert verb.policy.queue not in {"inline", "query"}


def test_a_stranger_may_not_change_anything_with_it(verb: Verb) -> None:
    if verb.policy.risk is Risk.READ:
        return
    answer = Bot().ask("nobody-known", verb.policy.name, **verb.sample().action.parameters())
    assert answer.kind == "error" or (answer.request is not None and answer.request.state == "refused")
