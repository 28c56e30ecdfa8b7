"""A request's life in the ledger: made once, moved by compare-and-swap, leased with a fencing number, found again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actions.core.deployment import Deployment
from actions.core.plan import Change, Plan
from actions.core.ports.ledger import LEASE, Conflict, Draft, LockHeld, RequestQuery
from actions.core.redaction import MASK
from actions.core.reply import Step, StepState
from actions.core.request import Decision, Request, Source, State, Verdict
from bot.stores.open import SqlStores
from tests.bot.stores.making import MINUTE, NOW, accept, move, request, waiting

TOKEN = "glpat-abcdefghij1234567890"


def test_what_was_recorded_is_read_back_as_it_was(stores: SqlStores) -> None:
    made = accept(
        stores,
        sources={"service": Source.SAID},
        plan=Plan(changes=(Change(what="image tag", before="v1", after="v2"),), target_state={"tag": None}),
        verdicts=(Verdict(guard="permission", rule="devops may deploy to staging"),),
        decisions=(Decision(person="erin", approved=True, at=NOW, seal="abc"),),
        steps=(Step(name="commit", state=StepState.DONE, started_at=NOW),),
        handle={"commit": "abc", "none": None},
        result={"count": 3, "none": None},
        seal="abc",
        policy_version="p1",
        expires_at=NOW + MINUTE,
    )
    assert made.id == "R-1"
    assert stores.ledger.get(made.id) == made
    assert stores.ledger.get("r-1") == made
    assert stores.ledger.by_cause(made.cause) == made


@pytest.mark.parametrize("unknown", ["R-2", "R--1", "", "nonsense", "R-99999999999999999999999", "R-\u0661"])
def test_an_unknown_id_is_no_request(stores: SqlStores, unknown: str) -> None:
    accept(stores)
    assert stores.ledger.get(unknown) is None


def test_a_cause_makes_one_request(stores: SqlStores) -> None:
    first = accept(stores, cause="slack/1")
    again, new = stores.ledger.accept(
        Draft(request=request(cause="slack/1", said="other"), by="dana"), now=NOW + MINUTE
    )
    assert (again, new) == (first, False)
    assert len(stores.audit.find()) == 1


def test_a_request_may_be_over_when_it_is_recorded(stores: SqlStores) -> None:
    refused = accept(stores, state=State.REFUSED, takes_lock=True, message="No.")
    assert refused.finished_at == NOW
    assert accept(stores, takes_lock=True).state is State.ACCEPTED


def test_the_lock_is_held_by_one_operation(stores: SqlStores) -> None:
    holder = accept(stores, takes_lock=True)
    with pytest.raises(LockHeld, match="busy with R-1") as refused:
        accept(stores, takes_lock=True)
    assert refused.value.holder == holder
    accept(stores, takes_lock=False)
    accept(stores, takes_lock=True, environment="production")
    stores.ledger.advance(move(holder, state=State.DONE), now=NOW)
    accept(stores, takes_lock=True)


def test_a_request_that_waits_for_people_takes_the_lock_when_it_goes_on(stores: SqlStores) -> None:
    first = accept(stores, takes_lock=True, state=State.AWAITING_APPROVAL)
    second = accept(stores, takes_lock=True)
    with pytest.raises(LockHeld) as refused:
        stores.ledger.advance(move(first, state=State.ACCEPTED), now=NOW)
    assert refused.value.holder == second
    assert stores.ledger.get(first.id) == first


def test_a_known_cause_answers_even_where_the_lock_is_held(stores: SqlStores) -> None:
    holder = accept(stores, takes_lock=True)
    assert stores.ledger.accept(Draft(request=holder, by="dana"), now=NOW) == (holder, False)


def test_a_step_counts_the_version_and_a_stale_one_conflicts(stores: SqlStores) -> None:
    made = accept(stores)
    running = stores.ledger.advance(move(made, state=State.RUNNING), now=NOW + MINUTE)
    assert (running.version, running.updated_at, running.created_at) == (2, NOW + MINUTE, NOW)
    assert stores.ledger.get(made.id) == running
    with pytest.raises(Conflict, match="moved on"):
        stores.ledger.advance(move(made, state=State.CANCELLED), now=NOW + MINUTE)
    assert stores.ledger.get(made.id) == running
    with pytest.raises(Conflict, match="no request"):
        stores.ledger.advance(move(made.model_copy(update={"id": "R-77"})), now=NOW)


def test_what_is_over_stays_over(stores: SqlStores) -> None:
    done = accept(stores, state=State.DONE)
    with pytest.raises(Conflict, match="over"):
        stores.ledger.advance(move(done, state=State.RUNNING), now=NOW)
    assert stores.ledger.advance(move(done, message="Deployed."), now=NOW).message == "Deployed."


def test_an_operation_may_move_its_lock(stores: SqlStores) -> None:
    staging = accept(stores, takes_lock=True)
    production = accept(stores, takes_lock=True, environment="production")
    with pytest.raises(LockHeld):
        stores.ledger.advance(move(staging, environment="production"), now=NOW)
    stores.ledger.advance(move(production, state=State.DONE), now=NOW)
    stores.ledger.advance(move(staging, environment="production"), now=NOW)
    accept(stores, takes_lock=True)


def test_a_zero_character_harms_nothing(stores: SqlStores) -> None:
    made = accept(stores, state=State.AWAITING_APPROVAL, said="a\0b", parameters={"reason": "a \0b"})
    word = Decision(person="erin", approved=False, at=NOW, seal="s", reason="a\0b")
    stores.ledger.advance(move(made, state=State.DENIED, decision=word, note="a\0b"), now=NOW)
    assert stores.audit.verify() is None


def test_a_person_decides_once_on_a_seal(stores: SqlStores) -> None:
    made = accept(stores, state=State.AWAITING_APPROVAL, seal="s1")
    word = Decision(person="erin", approved=True, at=NOW, seal="s1")
    once = stores.ledger.advance(move(made, decision=word, decisions=(word,)), now=NOW)
    with pytest.raises(Conflict, match="erin has decided"):
        stores.ledger.advance(move(once, decision=word), now=NOW)
    anew = word.model_copy(update={"seal": "s2"})
    stores.ledger.advance(move(once, seal="s2", decision=anew), now=NOW)
    assert [entry.event for entry in stores.audit.find()] == ["approved", "approved", "awaiting_approval"]


def test_many_steps_are_recorded_at_once_and_conflicts_left_out(stores: SqlStores) -> None:
    made = [accept(stores) for _ in range(5)]
    stores.ledger.advance(move(made[2], state=State.CANCELLED), now=NOW)
    answers = stores.ledger.advance_many([move(each, state=State.RUNNING) for each in made], now=NOW)
    assert [isinstance(answer, Request) for answer in answers] == [True, True, False, True, True]
    assert isinstance(answers[2], Conflict)
    assert [answer for answer in answers if isinstance(answer, Request)] == [
        stores.ledger.get(each.id) for each in made if each is not made[2]
    ]
    assert stores.ledger.advance_many([], now=NOW) == []
    assert stores.audit.verify() is None


def test_a_batch_hands_the_lock_on_to_one(stores: SqlStores) -> None:
    first, second = (accept(stores, takes_lock=True, state=State.AWAITING_APPROVAL) for _ in range(2))
    answers = stores.ledger.advance_many([move(each, state=State.ACCEPTED) for each in (first, second)], now=NOW)
    assert isinstance(answers[0], Request)
    assert isinstance(answers[1], Conflict)
    assert "R-1" in str(answers[1])


def test_a_batch_may_release_the_lock_and_take_it(stores: SqlStores) -> None:
    waits = accept(stores, takes_lock=True, state=State.AWAITING_APPROVAL)
    holder = accept(stores, takes_lock=True)
    moves = [move(holder, state=State.DONE), move(waits, state=State.ACCEPTED)]
    assert all(isinstance(answer, Request) for answer in stores.ledger.advance_many(moves, now=NOW))


def test_a_batch_may_move_a_request_twice(stores: SqlStores) -> None:
    made = accept(stores)
    running = made.model_copy(update={"state": State.RUNNING, "version": 2})
    answers = stores.ledger.advance_many([move(made, state=State.RUNNING), move(running, state=State.DONE)], now=NOW)
    assert [answer.version for answer in answers if isinstance(answer, Request)] == [2, 3]
    assert stores.ledger.get(made.id) == answers[1]


def test_due_operations_are_leased_most_overdue_first(stores: SqlStores) -> None:
    late, later, _future = (waiting(stores, due=NOW - n * MINUTE) for n in (1, 2, -1))
    waiting(stores, poller="gitlab")
    accept(stores, state=State.RUNNING, poller="argocd", next_poll_at=NOW)
    assert stores.ledger.pollers_due(NOW) == ["argocd", "gitlab"]
    first = stores.ledger.lease_due("argocd", owner="w1", now=NOW, until=NOW + LEASE, limit=1)
    second = stores.ledger.lease_due("argocd", owner="w2", now=NOW, until=NOW + LEASE, limit=9)
    assert [[each.id for each in batch] for batch in (first, second)] == [[later.id], [late.id]]
    assert (first[0].fence, first[0].lease_owner, first[0].lease_until) == (1, "w1", NOW + LEASE)
    assert stores.ledger.get(later.id) == first[0]
    assert stores.ledger.pollers_due(NOW) == ["gitlab"]


def test_a_late_worker_cannot_write(stores: SqlStores) -> None:
    waiting(stores)
    (slow,) = stores.ledger.lease_due("argocd", owner="slow", now=NOW, until=NOW + LEASE, limit=1)
    then = NOW + LEASE
    (quick,) = stores.ledger.lease_due("argocd", owner="quick", now=then, until=then + LEASE, limit=1)
    assert (slow.fence, quick.fence) == (1, 2)
    assert not stores.ledger.renew(slow, until=then + LEASE)
    with pytest.raises(Conflict, match="taken over"):
        stores.ledger.advance(move(slow, state=State.FAILED), now=then)
    assert stores.ledger.renew(quick, until=then + 2 * LEASE)
    assert stores.ledger.advance(move(quick, state=State.DONE), now=then).state is State.DONE


def test_a_lease_is_no_transition(stores: SqlStores) -> None:
    made = waiting(stores)
    (leased,) = stores.ledger.lease_due("argocd", owner="w", now=NOW, until=NOW + LEASE, limit=1)
    stores.ledger.advance(move(leased, next_poll_at=NOW + MINUTE, lease_owner=None, lease_until=None), now=NOW)
    assert leased.version == made.version
    assert len(stores.audit.find()) == 1


def test_an_accepted_request_is_taken_up_by_one_worker(stores: SqlStores) -> None:
    made = accept(stores)
    taken = stores.ledger.lease(made.id, owner="w1", now=NOW, until=NOW + LEASE)
    assert taken is not None
    assert (taken.fence, taken.lease_owner, taken.version) == (1, "w1", made.version)
    assert stores.ledger.lease(made.id, owner="w2", now=NOW, until=NOW + LEASE) is None
    then = NOW + LEASE
    again = stores.ledger.lease(made.id, owner="w2", now=then, until=then + LEASE)
    assert again is not None
    assert again.fence == 2
    with pytest.raises(Conflict, match="taken over"):
        stores.ledger.advance(move(taken, state=State.DONE), now=then)
    assert stores.ledger.advance(move(again, state=State.DONE), now=then).lease_owner is None


@pytest.mark.parametrize("state", [State.AWAITING_APPROVAL, State.RUNNING, State.CANCELLED])
def test_what_is_not_accepted_is_not_taken_up(stores: SqlStores, state: State) -> None:
    made = accept(stores, state=state)
    assert stores.ledger.lease(made.id, owner="w1", now=NOW, until=NOW + LEASE) is None
    assert stores.ledger.lease("R-99", owner="w1", now=NOW, until=NOW + LEASE) is None


def test_a_step_keeps_the_lease_that_a_heartbeat_prolonged(stores: SqlStores) -> None:
    waiting(stores)
    (leased,) = stores.ledger.lease_due("argocd", owner="w", now=NOW, until=NOW + LEASE, limit=1)
    stores.ledger.renew(leased, until=NOW + 9 * LEASE)
    stores.ledger.advance(move(leased, handle={"commit": "abc"}), now=NOW)
    kept = stores.ledger.get(leased.id)
    assert kept is not None
    assert kept.lease_until == NOW + 9 * LEASE


def test_a_step_of_the_holder_never_shortens_its_lease(stores: SqlStores) -> None:
    made = accept(stores, state=State.RUNNING, lease_owner="w", lease_until=NOW + 5 * LEASE)
    stores.ledger.advance(move(made, handle={}, lease_until=NOW + LEASE), now=NOW)
    kept = stores.ledger.get(made.id)
    assert kept is not None
    assert kept.lease_until == NOW + 5 * LEASE
    stores.ledger.advance(move(kept, lease_until=NOW + 9 * LEASE), now=NOW)
    longer = stores.ledger.get(made.id)
    assert longer is not None
    assert longer.lease_until == NOW + 9 * LEASE


def test_a_poll_that_says_the_same_again_writes_no_history(stores: SqlStores) -> None:
    made = waiting(stores, outcome="not known")
    stores.ledger.advance(move(made, next_poll_at=NOW + MINUTE, note="not known"), now=NOW)
    assert len(stores.audit.find()) == 1


def test_a_worker_that_takes_a_request_up_gets_the_next_fencing_number(stores: SqlStores) -> None:
    made = accept(stores)
    taken = stores.ledger.advance(move(made, state=State.RUNNING, lease_owner="w1", lease_until=NOW + LEASE), now=NOW)
    assert taken.fence == 1
    assert stores.ledger.advance(move(taken, state=State.DONE), now=NOW).lease_owner is None


def test_lapsed_and_expired_requests_are_found(stores: SqlStores) -> None:
    orphan = accept(stores)
    dead = accept(stores, state=State.RUNNING, lease_owner="w", lease_until=NOW + MINUTE)
    accept(stores, state=State.RUNNING, lease_owner="w", lease_until=NOW + 9 * MINUTE)
    waits = accept(stores, state=State.AWAITING_APPROVAL, expires_at=NOW + MINUTE)
    accept(stores, state=State.DONE)
    then = NOW + MINUTE
    assert [each.id for each in stores.ledger.lapsed(NOW)] == []
    # What a worker dropped comes before what merely waits to be picked up, of which there may be more than one look finds.
    assert [each.id for each in stores.ledger.lapsed(then)] == [dead.id, orphan.id]
    assert [each.id for each in stores.ledger.lapsed(then, limit=1)] == [dead.id]
    assert list(stores.ledger.expired(NOW)) == []
    assert list(stores.ledger.expired(then)) == [waits]


def test_requests_are_found_by_what_narrows_them(stores: SqlStores) -> None:
    one = accept(stores)
    two = accept(stores, action="restart", environment="production", state=State.DONE, now=NOW + MINUTE)
    find = stores.ledger.find
    assert [each.id for each in find(RequestQuery())] == [two.id, one.id]
    assert list(find(RequestQuery(limit=1))) == [two]
    assert list(find(RequestQuery(states=(State.ACCEPTED, State.RUNNING)))) == [one]
    assert list(find(RequestQuery(states=()))) == []
    assert list(find(RequestQuery(actions=("restart",)))) == [two]
    assert list(find(RequestQuery(environment="production", service="checkout"))) == [two]
    assert list(find(RequestQuery(requester="erin"))) == []
    assert len(find(RequestQuery(requester="dana", place_key=one.place.key))) == 2
    assert list(find(RequestQuery(since=NOW + timedelta(seconds=1)))) == [two]


def test_no_secret_reaches_the_ledger(stores: SqlStores) -> None:
    made = accept(
        stores,
        said=f"deploy with {TOKEN}",
        parameters={"service": "checkout", "reason": f"because {TOKEN}", "list": [f"a {TOKEN}"]},
        message=f"GitLab said {TOKEN}",
        remedy=f"use {TOKEN}",
        steps=(Step(name="commit", detail=f"pushed with {TOKEN}"),),
        verdicts=(Verdict(guard="g", rule="r", message=f"not {TOKEN}"),),
        result={"log": [TOKEN]},
    )
    word = Decision(person="erin", approved=False, at=NOW, seal="s", reason=f"leaks {TOKEN}")
    stores.ledger.advance(
        move(made, state=State.DENIED, decision=word, decisions=(word,), note=f"see {TOKEN}"), now=NOW
    )
    kept = stores.ledger.get(made.id)
    assert kept is not None
    everything = kept.model_dump_json() + "".join(entry.model_dump_json() for entry in stores.audit.find())
    assert TOKEN not in everything
    assert everything.count(MASK) >= 10
    assert kept.parameters["service"] == "checkout"


def test_deployments_are_recorded_with_the_step_that_ended_them(stores: SqlStores) -> None:
    def brought(version: str, *, healthy: bool) -> Deployment:
        made = accept(stores)
        done = Deployment(
            request=made.id,
            action="deploy",
            service="checkout",
            environment="staging",
            version=version,
            healthy=healthy,
            outcome="deployed" if healthy else "rolled back",
            by="dana",
            started_at=NOW,
            finished_at=NOW,
        )
        stores.ledger.advance(move(made, state=State.DONE, deployment=done), now=NOW)
        return done

    one, two, three = brought("v1", healthy=True), brought("v2", healthy=True), brought("v3", healthy=False)
    assert list(stores.deployments.find()) == [three, two, one]
    assert list(stores.deployments.find(service="checkout", environment="staging", since=NOW, limit=1)) == [three]
    assert list(stores.deployments.find(service="cart")) == []
    assert stores.deployments.last_healthy("checkout", "staging", other_than="v2") == one
    assert stores.deployments.last_healthy("checkout", "staging", other_than="v3") == two
    assert stores.deployments.last_healthy("checkout", "production", other_than="v3") is None
    assert stores.audit.find()[0].detail["deployment"] == {"version": "v3", "healthy": False, "outcome": "rolled back"}
