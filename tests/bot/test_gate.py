"""Ways past the gate, or to lose or double something, that are closed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.core.catalog import Catalog
from actions.core.errors import Rejected, Unreachable
from actions.core.people import Requester, Standing
from actions.core.reply import Paragraph, Reply
from actions.core.request import Origin, Request, State, Verdict
from actions.gate.case import Case
from actions.gate.gate import ATTEMPTS
from actions.gate.polling import poll_due
from actions.gate.sweep import sweep
from bot.conversation import Answer
from bot.testing import COMPANY, Bot

TWO = {"approvals": [{"environments": ["production"], "roles": ["devops"], "count": 2}]}
PEOPLE = [*COMPANY["people"], {"name": "otto", "roles": ["developer"]}, {"name": "petra", "roles": ["devops"]}]


@pytest.fixture
def bot() -> Bot:
    return Bot({**COMPANY, **TWO, "people": PEOPLE})


def words(reply: Reply) -> str:
    paragraphs = [block for block in reply.blocks if isinstance(block, Paragraph)]
    return " ".join([reply.title, *(str(span) for p in paragraphs for span in p.text)])


def to(bot: Bot, environment: str, who: str = "dana", service: str = "checkout") -> Answer:
    answer = bot.ask(who, "deploy", service=service, version="v1.4.2", environment=environment)
    bot.work()
    return answer


def forget(bot: Bot, verb: str) -> None:
    """Take a verb out of the catalogue, as when its plug-in is uninstalled."""
    left = Catalog(found for found in bot.house.catalog if found.policy.name != verb)
    gate = replace(bot.house.gate, catalog=left)
    desk = replace(bot.house.desk, gate=gate)
    cards = replace(bot.house.cards, catalog=left, desk=desk)
    bot.house = replace(bot.house, catalog=left, gate=gate, desk=desk, cards=cards)


# -- approvals --------------------------------------------------------------------------------------------------------


def test_one_person_approves_once_and_is_told_so(bot: Bot) -> None:
    answer = to(bot, "production")
    bot.ask("erin", "approve", request=answer.request.id)  # type: ignore[union-attr]
    again = bot.ask("erin", "approve", request=answer.request.id)  # type: ignore[union-attr]
    assert "You have approved R-1 already" in words(again.reply)
    assert bot.request(answer).state is State.AWAITING_APPROVAL


def test_who_has_approved_can_still_deny(bot: Bot) -> None:
    answer = to(bot, "production")
    bot.ask("erin", "approve", request="R-1")
    bot.ask("erin", "deny", request="R-1", reason="I saw it fail in staging")
    assert bot.request(answer).state is State.DENIED
    assert "erin denied it: I saw it fail in staging" in words(bot.card(answer))


def test_an_approval_ends_with_the_role_that_gave_it(bot: Bot) -> None:
    bot.ask("ada", "grant_role", person="otto", role="devops")
    answer = to(bot, "production")
    bot.ask("otto", "approve", request=answer.request.id)  # type: ignore[union-attr]
    bot.ask("ada", "revoke_role", person="otto", role="devops")
    bot.ask("erin", "approve", request=answer.request.id)  # type: ignore[union-attr]
    assert bot.request(answer).state is State.AWAITING_APPROVAL
    assert not bot.cluster.commits
    bot.ask("petra", "approve", request=answer.request.id)  # type: ignore[union-attr]
    bot.settle()
    assert bot.request(answer).outcome == "deployed"


def test_a_role_that_ends_between_the_last_approval_and_the_work_waits_again_and_expires(bot: Bot) -> None:
    bot.ask("ada", "grant_role", person="otto", role="devops")
    answer = to(bot, "production")
    for who in ("erin", "otto"):
        bot.ask(who, "approve", request=answer.request.id)  # type: ignore[union-attr]
    bot.ask("ada", "revoke_role", person="otto", role="devops")
    bot.work()
    assert bot.request(answer).state is State.AWAITING_APPROVAL
    bot.tick(3600)
    assert bot.request(answer).state is State.EXPIRED
    assert not bot.cluster.commits


def test_a_role_from_the_door_counts_for_an_approval(bot: Bot) -> None:
    answer = to(bot, "production")
    for name in ("otto", "sam"):
        by = Requester(name=name, roles=frozenset({"devops"}))
        bot.ask(by, "approve", request=answer.request.id)  # type: ignore[union-attr]
    bot.settle()
    assert bot.request(answer).outcome == "deployed"


def test_nobody_is_granted_a_role_by_a_machine_that_acts_for_them() -> None:
    bot = Bot({**COMPANY, "machines": {"playbook:roles": {"roles": ["admin"]}}})
    machine = Requester(name="playbook:roles", standing=Standing.MACHINE, on_behalf_of="sam")
    refused = bot.ask(machine, "grant_role", person="sam", role="admin")
    assert "Nobody grants a role to themselves" in words(refused.reply)


def test_a_policy_is_held_against_the_version_that_the_plan_finds() -> None:
    rule = {
        "name": "no bad ones",
        "environments": ["production"],
        "versions": r"v\d+\.\d+\.\d+",
        "actions": ["promote"],
    }
    bot = Bot({**COMPANY, "policies": [rule]})
    bot.cluster.files["apps/checkout/staging/kustomization.yaml"] = "v1.5.0-bad"
    answer = bot.ask("dana", "promote", service="checkout", environment="production", source="staging")
    bot.work()
    assert bot.request(answer).state is State.REFUSED
    assert "no bad ones" in words(bot.card(answer))


# -- the worker -------------------------------------------------------------------------------------------------------


def test_a_worker_that_was_overtaken_while_it_judged_does_nothing(bot: Bot) -> None:
    class Stalls:
        name = "stalls"

        def judge(self, case: Case) -> Verdict:
            if case.request.id:
                bot.clock.advance(31)
                sweep(bot.house.gate)
                bot.work()
            return Verdict(guard=self.name, rule="waits for long")

    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.passing.queue.jobs.clear()
    slow = replace(bot.house.gate, worker=lambda: "slow", guards=(*bot.house.gate.guards, Stalls()))
    slow.perform("R-1")
    writes = [call for call in bot.cluster.calls if call == "write"]
    bot.settle()
    assert len(writes) == 1
    assert bot.request(answer).outcome == "deployed"


def test_a_request_whose_workers_die_before_it_begins_is_given_up(bot: Bot) -> None:
    class Dies:
        name = "dies"

        def judge(self, case: Case) -> Verdict:
            raise SystemExit

    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    dying = replace(bot.house.gate, guards=(Dies(),))
    for _ in range(ATTEMPTS):
        assert bot.request(answer).state is State.ACCEPTED
        bot.passing.queue.jobs.clear()
        with pytest.raises(SystemExit):
            dying.perform("R-1")
        bot.clock.advance(31)
        sweep(bot.house.gate)
    assert bot.request(answer).state is State.FAILED
    assert "again and again" in bot.request(answer).message
    assert not bot.cluster.commits


def test_what_is_cancelled_while_a_worker_plans_it_does_not_begin(bot: Bot) -> None:
    class Cancels:
        name = "cancels"

        def judge(self, case: Case) -> Verdict:
            bot.ask("lena", "cancel", request=case.request.id)
            return Verdict(guard=self.name, rule="cancels meanwhile")

    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.passing.queue.jobs.clear()
    replace(bot.house.gate, guards=(Cancels(),)).perform("R-1")
    assert bot.request(answer).state is State.CANCELLED
    assert not bot.cluster.commits


def test_a_start_that_breaks_off_is_looked_up_and_not_called_failed(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    real = bot.cluster.write

    def breaks_off(*arguments: Any, **named: Any) -> Any:
        real(*arguments, **named)
        raise TimeoutError

    monkeypatch.setattr(bot.cluster, "write", breaks_off)
    answer = to(bot, "staging", "lena")
    assert bot.request(answer).state is State.UNKNOWN
    monkeypatch.setattr(bot.cluster, "write", real)
    bot.tick(16)
    assert bot.request(answer).outcome != "not known"
    bot.settle()
    assert bot.request(answer).outcome == "deployed"
    assert len(bot.cluster.commits) == 1


def test_what_the_outside_never_tells_can_be_let_go(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any, **__: Any) -> Any:
        raise Rejected("GitLab", "The token was revoked.")

    def breaks_off(*_: Any, **__: Any) -> Any:
        raise TimeoutError

    monkeypatch.setattr(bot.cluster, "write", breaks_off)
    answer = to(bot, "staging", "lena")
    monkeypatch.setattr(bot.cluster, "find", refuses)
    bot.tick(16)
    rows = len(bot.house.kept.audit.find(limit=1000))
    for _ in range(5):
        bot.tick(16)
    assert bot.request(answer).state is State.UNKNOWN
    assert len(bot.house.kept.audit.find(limit=1000)) <= rows + 1
    bot.ask("lena", "cancel", request=answer.request.id)  # type: ignore[union-attr]
    assert (bot.request(answer).state, bot.request(answer).outcome) == (State.FAILED, "not known")
    monkeypatch.undo()
    assert bot.request(to(bot, "staging", "lena")).state is State.WAITING


# -- what is no longer known ------------------------------------------------------------------------------------------


def test_an_operation_whose_verb_is_gone_ends_and_poisons_no_others(bot: Bot) -> None:
    gone = bot.ask("lena", "restart", service="catalog", environment="staging")
    other = to(bot, "staging", "lena")
    forget(bot, "restart")
    bot.settle()
    assert (bot.request(gone).state, bot.request(gone).outcome) == (State.FAILED, "not known")
    assert "restart any more" in words(bot.card(gone))
    assert bot.request(other).outcome == "deployed"


@pytest.mark.parametrize("state", [State.ACCEPTED, State.AWAITING_APPROVAL])
def test_a_request_whose_verb_is_gone_holds_up_neither_sweep_nor_approvals(bot: Bot, state: State) -> None:
    environment = "staging" if state is State.ACCEPTED else "production"
    gone = bot.ask("dana", "restart", service="catalog", environment=environment)
    if state is State.AWAITING_APPROVAL:
        bot.work()
    bot.passing.queue.jobs.clear()
    other = to(bot, "production")
    forget(bot, "restart")
    assert bot.request(gone).state is state
    assert bot.card(gone).title
    listed = bot.house.desk.awaiting(Requester(name="erin"))
    assert [request.id for request in listed] == [bot.request(other).id]
    bot.tick(3600)
    assert bot.request(gone).state in {State.REFUSED, State.EXPIRED}
    assert bot.request(other).state is State.EXPIRED


def test_a_service_that_left_the_configuration_is_refused_by_name(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="catalog", version="v1.4.2", environment="staging")
    services = [service for service in COMPANY["services"] if service["name"] != "catalog"]
    organization = type(bot.organization).model_validate({**COMPANY, "services": services})
    tools = replace(bot.house.gate.tools, organization=organization)
    replace(bot.house.gate, tools=tools).perform("R-1")
    assert bot.request(answer).state is State.REFUSED
    assert "catalog" in words(bot.card(answer))


# -- polls ------------------------------------------------------------------------------------------------------------


def test_one_operation_that_cannot_be_polled_keeps_none_of_the_others_waiting(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned, other = to(bot, "staging", "lena", "catalog"), to(bot, "staging", "lena")
    request = bot.request(poisoned)
    spoilt = request.model_copy(update={"handle": {"nonsense": True}})
    ledger = bot.house.kept.ledger
    real = ledger.lease_due

    def leased(*arguments: Any, **named: Any) -> list[Request]:
        return [
            r.model_copy(update={"handle": spoilt.handle}) if r.id == spoilt.id else r
            for r in real(*arguments, **named)
        ]

    monkeypatch.setattr(ledger, "lease_due", leased)
    for _ in range(40):
        bot.tick()
    assert bot.request(other).outcome == "deployed"
    assert "it is tried again" in words(bot.card(poisoned))


def test_what_the_outside_will_not_take_back_ends_and_calls_for_somebody(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, other = to(bot, "staging", "lena"), to(bot, "staging", "lena", "catalog")
    real = bot.cluster.write

    def protected(*arguments: Any, marker: str, **named: Any) -> Any:
        if marker.endswith("/revert"):
            raise Rejected("GitLab", "The branch is protected.")
        return real(*arguments, marker=marker, **named)

    monkeypatch.setattr(bot.cluster, "write", protected)
    bot.ask("lena", "cancel", request=answer.request.id)  # type: ignore[union-attr]
    bot.settle()
    assert (bot.request(answer).state, bot.request(answer).outcome) == (State.FAILED, "not taken back")
    assert "The branch is protected" in words(bot.card(answer))
    assert bot.request(other).outcome == "deployed"


def test_what_cannot_be_cancelled_is_looked_after_as_before(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any, **__: Any) -> Any:
        raise Rejected("GitLab", "The pipeline is archived.")

    answer = bot.ask("lena", "run_pipeline", service="checkout")
    bot.work()
    monkeypatch.setattr(bot.pipelines, "cancel", refuses)
    bot.ask("lena", "cancel", request=answer.request.id)  # type: ignore[union-attr]
    bot.work()
    assert "The pipeline is archived" in words(bot.card(answer))
    assert bot.request(answer).cancel_requested_by is None


def test_a_new_ledger_does_not_take_an_earlier_ones_commit_for_its_own(bot: Bot) -> None:
    to(bot, "staging", "lena")
    fresh = Bot()
    fresh.cluster.commits = dict(bot.cluster.commits)
    fresh.clock.advance(86400)
    answer = fresh.ask("lena", "deploy", service="catalog", version="v1.4.0", environment="staging")
    fresh.settle()
    assert fresh.cluster.files["apps/catalog/staging/kustomization.yaml"] == "v1.4.0"
    assert fresh.request(answer).outcome == "deployed"


# -- words ------------------------------------------------------------------------------------------------------------


def test_a_secret_in_a_reason_reaches_no_store(bot: Bot) -> None:
    bot.ask("dana", "freeze", environment="staging", reason="token=hunter2hunter2")
    kept = [bot.request("R-1").model_dump_json(), *(e.model_dump_json() for e in bot.house.kept.audit.find())]
    assert not any("hunter2" in row for row in kept)


def test_an_outage_is_told_without_addresses_or_accounts(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> None:
        message = 'The database does not answer: connection to "10.1.2.3" failed for user "shipmate"'
        raise Unreachable("the database", message, remedy="Look at the database.")

    monkeypatch.setattr(bot.house.kept.ledger, "by_cause", gone)
    answer = bot.ask("dana", "whoami")
    assert answer.outage
    assert words(answer.reply).endswith("The database does not answer. Look at the database.")


def test_a_machine_confirms_nothing_and_the_person_it_acts_for_does() -> None:
    bot = Bot({**COMPANY, "machines": {"playbook:care": {"roles": ["devops"]}}})
    machine = Requester(name="playbook:care", standing=Standing.MACHINE, on_behalf_of="lena")
    answer = bot.ask(machine, "restart", service="checkout", environment="staging", origin=Origin.MODEL)
    bot.work()
    assert bot.request(answer).state is State.AWAITING_CONFIRMATION
    assert bot.card(answer).mentions == ("lena",)
    bot.ask(machine, "confirm", request="R-1")
    assert bot.request(answer).state is State.AWAITING_CONFIRMATION
    bot.ask("lena", "confirm", request="R-1")
    bot.settle()
    assert bot.request(answer).outcome == "restarted"


def test_a_restart_is_not_done_before_it_can_have_begun(bot: Bot) -> None:
    answer = bot.ask("lena", "restart", service="checkout", environment="staging")
    bot.work()
    bot.tick()
    assert bot.request(answer).state is State.WAITING
    bot.settle()
    assert bot.request(answer).outcome == "restarted"


def test_what_is_not_known_is_not_offered_again_at_a_press(bot: Bot) -> None:
    gone = bot.ask("lena", "restart", service="catalog", environment="staging")
    bot.work()
    request = bot.request(gone)
    unknown = request.model_copy(update={"state": State.FAILED, "outcome": "not known"})
    assert not bot.house.cards.card(unknown).buttons
    assert bot.house.cards.card(unknown.model_copy(update={"outcome": "failed"})).buttons


def test_what_no_worker_took_up_for_an_hour_is_no_longer_done(bot: Bot) -> None:
    answer = bot.ask("lena", "deploy", service="checkout", version="v1.4.2", environment="staging")
    bot.passing.queue.jobs.clear()
    bot.tick(3601)
    bot.settle()
    assert bot.request(answer).state is State.EXPIRED
    assert not bot.cluster.commits


def test_what_was_confirmed_is_what_is_done(bot: Bot) -> None:
    file = "apps/checkout/development/kustomization.yaml"
    bot.cluster.files[file] = "v1.4.2"
    answer = bot.ask("lena", "promote", service="checkout", environment="staging", origin=Origin.MODEL)
    bot.work()
    bot.cluster.files[file] = "v1.5.0-bad"
    bot.ask("lena", "confirm", request=answer.request.id)  # type: ignore[union-attr]
    bot.work()
    assert bot.request(answer).state is State.AWAITING_CONFIRMATION
    assert "v1.5.0-bad" in bot.card(answer).model_dump_json()
    assert not bot.cluster.commits
    bot.ask("lena", "confirm", request=answer.request.id)  # type: ignore[union-attr]
    bot.work()
    assert bot.request(answer).state is State.WAITING


def test_a_cancellation_during_a_poll_waits_for_it_and_then_begins(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = to(bot, "staging", "lena")
    real, seen = bot.cluster.applications, list[Request]()

    def applications(names: Any) -> Any:
        if not seen:
            bot.ask("lena", "cancel", request=answer.request.id)  # type: ignore[union-attr]
            bot.clock.advance(1)
            seen.append(bot.request(answer))
            poll_due(replace(bot.house.gate, worker=lambda: "another"), "argocd")
            seen.append(bot.request(answer))
        return real(names)

    monkeypatch.setattr(bot.cluster, "applications", applications)
    bot.clock.advance(1)
    poll_due(bot.house.gate, "argocd")
    assert seen[0] == seen[1]
    assert "Commit v1.4.1 back" in [step.name for step in bot.request(answer).steps]
    bot.settle()
    assert (bot.request(answer).state, bot.request(answer).outcome) == (State.CANCELLED, "rolled back")
