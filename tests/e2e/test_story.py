"""The whole story, through real processes: people talk over the API, and what they read is what happened.

On SQLite in `make test`; on PostgreSQL, with one worker and with two, in `make e2e`.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.running import Shipmate, state, text


def test_a_developer_deploys_to_development(shipmate: Shipmate) -> None:
    card = shipmate.person("sam").say("deploy checkout v1.4.1 to development")
    assert text(card).startswith("✔ checkout v1.4.1 runs in development"), text(card)
    assert [button.label for button in card.reply.buttons] == ["Promote to staging", "Roll back"]
    assert shipmate.runs("checkout", "development") == "v1.4.1"
    assert shipmate.commits("checkout", "development")[0].startswith("Deploy checkout v1.4.1 to development")


def test_what_runs_already_is_not_deployed_again(shipmate: Shipmate) -> None:
    card = shipmate.person("sam").say("deploy payments v1.0.1 to development")
    assert state(card) == "refused"
    assert "already runs in development" in text(card)


def test_a_developer_is_refused_production_with_the_reason_and_why_names_the_rule(shipmate: Shipmate) -> None:
    sam = shipmate.person("sam")
    card = sam.say("deploy catalog v3.2.0 to production")
    assert state(card) == "refused"
    assert "You are developer, and deploy in production needs devops or above" in text(card)
    assert card.request is not None
    why = sam.say(f"why {card.request.id}")
    assert re.search(r"permission +refused +.*devops", text(why)), text(why)
    assert shipmate.runs("catalog", "production") == "v3.1.1"


def test_production_waits_for_a_second_person_and_nobody_approves_their_own(shipmate: Shipmate) -> None:
    dana = shipmate.person("dana")
    held = dana.say("deploy checkout v1.4.2 to production")
    assert state(held) == "awaiting_approval", text(held)
    assert "erin" in held.reply.mentions
    assert "dana" not in held.reply.mentions
    own = dana.press(held, "Approve")
    assert "nobody approves their own" in text(own).casefold(), text(own)
    assert held.request is not None
    developer = shipmate.person("sam").say(f"approve {held.request.id}")
    assert "You may not approve" in text(developer), text(developer)
    assert shipmate.runs("checkout", "production") == "v1.4.0"
    erin = shipmate.person("erin")
    waiting = erin.say("approvals")
    assert held.request.id in text(waiting)
    approved = erin.press(held, "Approve")
    card = erin.follow(approved)
    assert "checkout v1.4.2 runs in production" in text(card), text(card)
    assert "@erin approved" in text(card)
    assert shipmate.runs("checkout", "production") == "v1.4.2"


def test_who_denies_says_why(shipmate: Shipmate) -> None:
    held = shipmate.person("dana").say("deploy payments v1.0.1 to production")
    assert held.request is not None
    denied = shipmate.person("erin").say(f"deny {held.request.id} because the sale is on")
    assert state(denied) == "done", text(denied)
    card = shipmate.person("dana").look(held.request.id)
    assert state(card) == "denied"
    assert "sale is on" in text(card)


def test_who_asked_may_cancel(shipmate: Shipmate) -> None:
    dana = shipmate.person("dana")
    held = dana.say("deploy search v5.4.1 to production")
    assert held.request is not None
    dana.say("cancel")
    assert state(dana.look(held.request.id)) == "cancelled"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("v1.5.0", "unhealthy: back-off restarting failed container"),
        ("v1.5.1", "ersion v1.5.1 did not become healthy within"),
    ],
)
def test_a_bad_version_rolls_itself_back(shipmate: Shipmate, version: str, reason: str) -> None:
    before = shipmate.runs("checkout", "staging")
    card = shipmate.person("lena").say(f"deploy checkout {version} to staging")
    assert card.request is not None
    assert (card.request.state, card.request.outcome) == ("failed", "rolled back"), text(card)
    assert f"checkout {version} was taken back in staging; {before} runs" in text(card)
    assert reason in text(card)
    assert shipmate.runs("checkout", "staging") == before
    assert [message.split()[0] for message in shipmate.commits("checkout", "staging")[:2]] == ["Revert", "Deploy"]


def test_promote_then_roll_back_without_a_version(shipmate: Shipmate) -> None:
    lena = shipmate.person("lena")
    promoted = lena.say("promote ledger-writer from development to staging")
    assert "ledger-writer v2.2.1 runs in staging" in text(promoted), text(promoted)
    back = lena.say("rollback ledger-writer in staging")
    assert "ledger-writer v2.2.0 runs in staging" in text(back), text(back)
    assert shipmate.runs("ledger-writer", "staging") == "v2.2.0"
    listed = lena.say("deployments of ledger-writer in staging")
    assert text(listed).count("lena") >= 2, text(listed)


def test_restart(shipmate: Shipmate) -> None:
    card = shipmate.person("sam").say("restart payments in development")
    assert text(card).startswith("✔ payments in development was restarted and is healthy"), text(card)


def test_a_freeze_refuses_until_it_is_thawed(shipmate: Shipmate) -> None:
    dana, lena = shipmate.person("dana"), shipmate.person("lena")
    assert state(lena.say("freeze web-frontend in staging")) == "refused"
    frozen = dana.say("freeze web-frontend in staging for 2h because of the sale")
    assert state(frozen) == "done", text(frozen)
    refused = lena.say("deploy web-frontend v8.1.1 to staging")
    assert state(refused) == "refused"
    assert "dana froze" in text(refused)
    assert "sale" in text(refused)
    assert state(dana.say("thaw web-frontend in staging")) == "done"
    blue_green = lena.say("deploy web-frontend v8.1.1 to staging with blue-green")
    assert "web-frontend v8.1.1 runs in staging" in text(blue_green), text(blue_green)


def test_canary_where_there_is_a_rollout_and_a_clear_error_where_there_is_none(shipmate: Shipmate) -> None:
    lena = shipmate.person("lena")
    canary = lena.say("deploy search v5.4.1 to staging with canary")
    assert "search v5.4.1 runs in staging" in text(canary), text(canary)
    refused = lena.say("deploy catalog v3.2.0 to staging with canary")
    assert state(refused) == "refused"
    assert "has no Argo Rollout, so it can only be rolling" in text(refused)
    other = lena.say("deploy search v5.4.0 to staging with blue-green")
    assert state(other) == "refused"
    assert "canary" in text(other)


def test_a_service_that_is_deployed_by_helm(shipmate: Shipmate) -> None:
    card = shipmate.person("lena").say("deploy notifications v1.2.1 to staging")
    assert "notifications v1.2.1 runs in staging" in text(card), text(card)
    assert shipmate.runs("notifications", "staging") == "v1.2.1"


def test_pipelines_run_and_are_retried(shipmate: Shipmate) -> None:
    sam = shipmate.person("sam")
    ran = sam.say("run pipeline catalog")
    assert re.match(r"✔ Pipeline #\d+ of catalog: success", text(ran)), text(ran)
    listed = sam.say("pipelines of catalog")
    assert "success" in text(listed)
    nothing = sam.say("retry the last pipeline of catalog")
    assert state(nothing) == "refused"
    assert "no failed pipeline to retry" in text(nothing)
    assert state(shipmate.person("vic").say("run pipeline catalog")) == "refused"


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("deploy checkout v1.4.9 to development", "There is no version v1.4.9 of checkout among its tags. The nearest"),
        ("deploy chekcout v1.4.2 to development", "checkout"),
        ("deploy checkout v1.4.2 to stagin", "staging"),
        ("make danna viewer", "dana"),
    ],
)
def test_what_is_unknown_is_answered_with_the_nearest(shipmate: Shipmate, sentence: str, found: str) -> None:
    answer = shipmate.person("ada").say(sentence)
    assert found in text(answer), text(answer)
    # Only read from a slip, so nothing is done before the person has seen it.
    assert state(answer) in {"", "refused", "awaiting_confirmation"}, text(answer)


def test_one_operation_at_a_time_on_a_service_and_environment(shipmate: Shipmate) -> None:
    first = shipmate.person("lena").begin("deploy catalog v3.2.0 to staging")
    assert first.request is not None
    second = shipmate.person("erin").say("deploy catalog v3.1.0 to staging")
    assert state(second) == "refused"
    assert first.request.id in text(second)
    assert "lena" in text(second)
    done = shipmate.person("lena").settle(first)
    assert "catalog v3.2.0 runs in staging" in text(done), text(done)


def test_one_of_two_who_approve_at_once_wins(shipmate: Shipmate) -> None:
    held = shipmate.person("dana").say("deploy catalog v3.2.0 to production")
    assert held.request is not None
    people = [shipmate.person(name) for name in ("erin", "ada", "erin", "ada")]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda person: person.say(f"approve {held.request.id}"), people))  # type: ignore[union-attr]
    assert [state(answer) for answer in answers].count("done") == 1, [text(answer) for answer in answers]
    card = shipmate.person("dana").settle(shipmate.person("dana").look(held.request.id))
    assert "catalog v3.2.0 runs in production" in text(card), text(card)
    assert (
        sum(message.startswith("Deploy catalog v3.2.0") for message in shipmate.commits("catalog", "production")) == 1
    )


def test_a_role_for_a_time_and_back(shipmate: Shipmate) -> None:
    ada, vic = shipmate.person("ada"), shipmate.person("vic")
    assert state(vic.say("run pipeline payments")) == "refused"
    granted = ada.say("grant developer to vic for 2h")
    assert "vic is developer now" in text(granted), text(granted)
    assert "Until" in text(granted)
    assert "developer" in text(vic.say("whoami"))
    assert state(vic.say("run pipeline payments")) == "done"
    assert "vic is no longer developer" in text(ada.say("revoke developer from vic"))
    assert state(vic.say("run pipeline payments")) == "refused"
    assert "Nobody grants a role to themselves" in text(ada.say("grant devops to ada"))


def test_the_audit_trail_names_who_did_what_and_its_chain_holds(shipmate: Shipmate) -> None:
    assert state(shipmate.person("sam").say("audit")) == "refused"
    trail = shipmate.person("lena").say("audit")
    assert "The audit chain holds." in text(trail), text(trail)
    assert re.search(r"sam +audit → refused", text(trail)), text(trail)


def test_nothing_in_the_log_is_a_stack_trace(shipmate: Shipmate) -> None:
    assert "Traceback" not in shipmate.log()
