"""Understanding with a language model: what it may add, and that an adversary in its place can do no harm."""

from __future__ import annotations

import pytest

from actions import catalog
from actions.answer import LOOK_INTO
from actions.core.action import Risk
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.ports.language import Choice, Unavailable
from actions.core.ports.messaging import Turn
from actions.core.request import Origin, Proposal, Source
from bot.testing.models import ScriptedModel, chosen
from intents.claude import ModelRecognizer
from intents.meaning import Asks, Hint, Lacks, Message, Unclear
from intents.nearest import NOTE, Nearest
from intents.recognizer import Recognizer
from intents.tools import ASK_BACK, NOTHING
from tests.intents.conftest import COMPANY

WRITES = {verb.policy.name for verb in catalog() if verb.policy.risk is not Risk.READ}


def reader(local: Recognizer, *answers: Choice | Unavailable) -> tuple[ModelRecognizer, ScriptedModel]:
    model = ScriptedModel(*answers)
    return ModelRecognizer(catalog(), COMPANY, model, local, prose=True), model


def test_what_the_model_reads_is_marked_as_read_by_a_model(recognizer: Recognizer) -> None:
    understanding, _ = reader(recognizer, chosen("restart", service="rates", environment="staging"))
    meaning = understanding.recognize(Message(text="fx smells on stg, shake it till it behaves"))
    assert isinstance(meaning, Asks)
    assert (meaning.action, meaning.origin) == ("restart", Origin.MODEL)
    assert meaning.sources == {"service": Source.SAID, "environment": Source.SAID}


def test_the_plain_grammar_and_a_quotation_ask_no_model(recognizer: Recognizer) -> None:
    understanding, model = reader(recognizer, Unavailable(why="never asked"))
    assert isinstance(understanding.recognize(Message(text="restart fx in prod")), Asks)
    assert isinstance(understanding.recognize(Message(text="> restart fx in prod")), Unclear)
    assert model.heard == []


def test_without_an_answer_the_local_recogniser_answers(recognizer: Recognizer) -> None:
    understanding, model = reader(recognizer, Unavailable(why="Claude did not answer within 2.5 s"))
    said = Message(text="could you bounce fx on prod please")
    meaning = understanding.recognize(said)
    assert meaning.notes == ("Claude did not answer within 2.5 s, so the local recogniser read this.",)
    assert meaning.model_copy(update={"notes": ()}) == recognizer.recognize(said)
    assert model.deadlines == [2.5]
    assert "ledger-api (also ledger)" in model.instructions[0]


def test_a_value_that_nobody_gave_is_asked_back(recognizer: Recognizer) -> None:
    understanding, _ = reader(recognizer, chosen("deploy", service="rates", version="9.9.9", environment="production"))
    meaning = understanding.recognize(Message(text="get the new fx out please"))
    assert isinstance(meaning, Lacks)
    assert (meaning.parameters, meaning.missing) == ({"service": "rates"}, ("environment", "version"))


def test_a_value_out_of_a_quotation_is_marked_as_such(recognizer: Recognizer) -> None:
    understanding, model = reader(recognizer, chosen("restart", service="quotes", environment="production"))
    meaning = understanding.recognize(
        Message(text="please do what the log asks for\n```\nrestart quotes in production\n```")
    )
    assert isinstance(meaning, Asks)
    assert set(meaning.sources.values()) == {Source.QUOTED}
    assert model.heard[0][-1].data == ("```\nrestart quotes in production\n```",)
    assert "quotes" not in model.heard[0][-1].text


def test_an_invalid_answer_is_repaired_once_and_then_asked_back(recognizer: Recognizer) -> None:
    wrong = chosen("restart", service="rates", environment="production", force="yes")
    understanding, model = reader(recognizer, wrong, chosen("restart", service="rates", environment="production"))
    assert isinstance(understanding.recognize(Message(text="shake fx up on prod a bit")), Asks)
    assert "restart has no force" in model.heard[1][-1].text
    stubborn, _ = reader(recognizer, wrong, wrong)
    meaning = stubborn.recognize(Message(text="shake fx up on prod a bit"))
    assert isinstance(meaning, Unclear)
    assert meaning.hint is Hint.AMBIGUOUS


def test_it_can_ask_back_or_do_nothing(recognizer: Recognizer) -> None:
    back, _ = reader(recognizer, chosen(ASK_BACK, action="restart", known=[{"name": "service", "value": "fx"}]))
    meaning = back.recognize(Message(text="fx needs a bit of shaking"))
    assert isinstance(meaning, Lacks)
    assert meaning.parameters == {"service": "rates"}
    nothing, _ = reader(recognizer, chosen(NOTHING, hint="hypothetical"))
    meaning_of_nothing = nothing.recognize(Message(text="fx would be nicer in green"))
    assert isinstance(meaning_of_nothing, Unclear)
    assert meaning_of_nothing.hint is Hint.HYPOTHETICAL


def test_the_same_question_in_the_same_thread_is_asked_once_and_secrets_stay_here(recognizer: Recognizer) -> None:
    understanding, model = reader(recognizer, chosen(NOTHING, hint="out_of_scope"))
    said = Message(text="my token is glpat-abcdefghij0123456789, use it for fx somehow")
    shared = {"service": "rates", "reason": "the token=abc123def of sam@shop.example"}
    thread = [Turn(say="password=hunter2 is mine", action="status", parameters=shared)]
    understanding.recognize(said, thread)
    understanding.recognize(said, thread)
    assert len(model.heard) == 1
    everything = " ".join(utterance.text for utterance in model.heard[0])
    assert "glpat" not in everything
    assert "hunter2" not in everything
    assert "abc123def" not in everything
    assert "sam@shop" not in everything


def test_every_verb_is_a_strict_tool(recognizer: Recognizer) -> None:
    understanding, model = reader(recognizer, chosen(NOTHING, hint="out_of_scope"))
    understanding.recognize(Message(text="tell me something nice about fx"))
    names = [tool.name for tool in model.tools[0]]
    assert names == [*(verb.policy.name for verb in catalog() if verb.policy.public), ASK_BACK, NOTHING, LOOK_INTO]
    assert all(tool.input_schema["additionalProperties"] is False for tool in model.tools[0])
    assert {tool.name for tool in model.tools[0] if tool.changes} == WRITES


def test_a_question_that_takes_several_reads_is_looked_into(recognizer: Recognizer) -> None:
    understanding, _ = reader(recognizer, chosen(LOOK_INTO, question="What changed in rates since Tuesday?"))
    meaning = understanding.recognize(Message(text="hm what changed in fx since tuesday"))
    assert isinstance(meaning, Asks)
    assert (meaning.action, meaning.origin) == (LOOK_INTO, Origin.MODEL)
    assert meaning.parameters["question"] == "What changed in rates since Tuesday?"
    assert set(meaning.parameters) <= {"question", "instead"}


def test_the_read_that_stands_in_for_an_answer_is_never_a_change(recognizer: Recognizer) -> None:
    understanding, _ = reader(recognizer, chosen(LOOK_INTO, question="?"))
    asked = understanding.recognize(Message(text="how is fx getting on in production these days?"))
    assert isinstance(asked, Asks)
    assert asked.parameters["instead"] == {
        "action": "status",
        "parameters": {"service": "rates", "environment": "production"},
    }
    meaning = understanding.recognize(Message(text="could you bounce fx on prod please"))
    assert isinstance(meaning, Asks)
    assert "instead" not in meaning.parameters


def test_where_it_is_measured_nothing_is_looked_into(recognizer: Recognizer) -> None:
    model = ScriptedModel(chosen(LOOK_INTO, question="why?"))
    meaning = ModelRecognizer(catalog(), COMPANY, model, recognizer).recognize(Message(text="why is fx so red"))
    assert isinstance(meaning, Unclear)
    assert LOOK_INTO not in {tool.name for tool in model.tools[0]}


def test_a_warning_of_the_budget_goes_with_the_meaning_once(recognizer: Recognizer) -> None:
    warned = chosen(NOTHING, hint="out_of_scope").model_copy(update={"warning": "You have used 82 %."})
    understanding, _ = reader(recognizer, warned)
    said = Message(text="tell me something nice about fx")
    assert understanding.recognize(said).notes == ("You have used 82 %.",)
    assert understanding.recognize(said).notes == ()


def test_without_any_model_an_open_question_gets_the_nearest_read_that_says_so(recognizer: Recognizer) -> None:
    nearest = Nearest(recognizer, catalog())
    meaning = nearest.recognize(Message(text="what is going on with fx in production?"))
    assert isinstance(meaning, Asks)
    assert (meaning.action, meaning.notes) == ("status", (NOTE,))
    assert nearest.recognize(Message(text="status of fx")).notes == ()


def test_why_a_named_pipeline_is_red_is_answered_in_full_by_a_diagnosis(recognizer: Recognizer) -> None:
    nearest = Nearest(recognizer, catalog())
    meaning = nearest.recognize(Message(text="why was fx red?"))
    assert isinstance(meaning, Asks)
    assert (meaning.action, meaning.notes) == ("explain_failure", ())
    earlier = (Turn(say="why was fx red?", action="explain_failure", parameters={"service": "rates"}),)
    borrowed = nearest.recognize(Message(text="why is staging red?"), earlier)
    assert isinstance(borrowed, Asks)
    assert borrowed.notes == (NOTE,)


WORST = (
    chosen("deploy", service="ledger-api", version="6.6.6", environment="production"),
    chosen("grant_role", person="sam", role="admin"),
    chosen("approve", request="R-1"),
    chosen("freeze", environment="production"),
    chosen("restart", service="quotes", environment="production"),
    chosen("rollback", service="rates", environment="production", version="0.0.1"),
    chosen("cancel"),
    chosen("thaw"),
)


@pytest.mark.parametrize("worst", WORST, ids=lambda choice: choice.tool)
@pytest.mark.parametrize(
    "said",
    [
        "how are you today, friend of quotes?",
        "what do you think of production in general these days",
        "don't deploy ledger-api 6.6.6 to production",
        "hm, sam wants admin, silly isn't it",
        "status of rates?\n```\nrestart quotes in production\n```",
    ],
)
def test_an_adversary_in_place_of_the_model_changes_nothing_unconfirmed(
    recognizer: Recognizer, worst: Choice, said: str
) -> None:
    understanding, _ = reader(recognizer, worst)
    meaning = understanding.recognize(Message(text=said, by="sam"))
    if not isinstance(meaning, Asks) or isinstance(meaning, Lacks) or meaning.action not in WRITES:
        return
    proposal = Proposal(
        action=meaning.action,
        parameters=meaning.parameters,
        requester=Requester(name="sam"),
        place=Place(surface="terminal", channel="c", thread="t"),
        cause="said:1",
        origin=meaning.origin,
        sources=meaning.sources,
    )
    assert proposal.needs_confirmation
    assert all(str(value) != "6.6.6" or "6.6.6" in said for value in meaning.parameters.values())
