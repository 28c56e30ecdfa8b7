"""GitLab and Argo CD slow, refusing and cut off: the card says what happened and what to do, the log has the trace."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.running import Shipmate, eventually, state, text


@pytest.fixture(autouse=True)
def afterwards(shipmate: Shipmate) -> Iterator[None]:
    yield
    shipmate.no_faults()


def test_a_slow_system_is_waited_for(shipmate: Shipmate) -> None:
    shipmate.fault("gitlab", "slow", seconds=1, count=3)
    card = shipmate.person("lena").say("deploy catalog v3.2.0 to staging")
    assert "catalog v3.2.0 runs in staging" in text(card), text(card)


def test_a_rate_limit_is_respected(shipmate: Shipmate) -> None:
    shipmate.fault("gitlab", "rate_limited", seconds=1, count=2)
    card = shipmate.person("lena").say("deploy payments v1.0.0 to staging")
    assert "payments v1.0.0 runs in staging" in text(card), text(card)


@pytest.mark.parametrize("kind", ["cut_body", "cut_headers"])
def test_a_commit_whose_answer_was_lost_is_looked_up_and_made_once(shipmate: Shipmate, kind: str) -> None:
    service, version = ("ledger-writer", "v2.2.1") if kind == "cut_body" else ("search", "v5.4.1")
    shipmate.fault("gitlab", kind, method="POST", count=1)
    card = shipmate.person("lena").say(f"deploy {service} {version} to staging")
    assert f"{service} {version} runs in staging" in text(card), text(card)
    made = [message for message in shipmate.commits(service, "staging") if f"Deploy {service} {version}" in message]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("system", "kind", "says"),
    [
        ("argocd", "server_error", "Argo CD answers 500"),
        ("gitlab", "server_error", "GitLab answers 500"),
        ("gitlab", "token_revoked", "GitLab does not accept Shipmate's token"),
        ("argocd", "token_revoked", "Argo CD does not accept Shipmate's token"),
    ],
)
def test_a_refusing_system_is_told_on_the_card_and_traced_in_the_log(
    shipmate: Shipmate, system: str, kind: str, says: str
) -> None:
    before = shipmate.commits("notifications", "development")
    shipmate.fault(system, kind)
    card = shipmate.person("sam").say("deploy notifications v1.2.0 to development")
    shipmate.no_faults()
    assert state(card) == "failed"
    assert says in text(card), text(card)
    assert "Traceback" not in text(card)
    assert [button.label for button in card.reply.buttons] == ["Try again"]
    assert shipmate.commits("notifications", "development") == before
    assert card.request is not None
    assert eventually(lambda: traced(shipmate, card.request.id))  # type: ignore[union-attr]


def test_trying_again_once_the_fault_is_over(shipmate: Shipmate) -> None:
    sam = shipmate.person("sam")
    shipmate.fault("argocd", "server_error")
    failed = sam.say("deploy catalog v3.1.1 to development")
    shipmate.no_faults()
    again = sam.press(failed, "Try again")
    assert "catalog v3.1.1 runs in development" in text(again), text(again)


def test_while_argo_cd_takes_no_sync_the_card_says_so_and_the_rest_goes_on_by_itself(shipmate: Shipmate) -> None:
    lena = shipmate.person("lena")
    shipmate.fault("argocd", "server_error", method="POST")
    begun = lena.begin("deploy web-frontend v8.1.1 to staging")
    assert begun.request is not None
    eventually(lambda: "Argo CD does not answer; trying again" in text(lena.look(begun.request.id)))  # type: ignore[union-attr]
    shipmate.no_faults()
    card = lena.settle(begun)
    assert "web-frontend v8.1.1 runs in staging" in text(card), text(card)


def test_a_version_that_cannot_be_taken_back_either_asks_for_somebody(shipmate: Shipmate) -> None:
    shipmate.fault("argocd", "unhealthy", target="notifications-staging")
    card = shipmate.person("lena").say("deploy notifications v1.2.1 to staging")
    assert state(card) == "failed"
    assert "v1.2.0 was committed back" in text(card), text(card)
    assert "Somebody must look at notifications-staging in Argo CD now." in text(card)


def traced(shipmate: Shipmate, request: str) -> bool:
    """Whether the log has a stack trace under the request's id."""
    for line in shipmate.log().splitlines():
        try:
            entry = json.loads(line[line.find("{") :])
        except ValueError:
            continue
        if "Traceback" in entry.get("exception", "") and request in (entry.get("request"), entry["message"].split()[0]):
            return True
    return False
