"""The house behind the API: buttons as offers, and who may see what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actions.core.errors import Unreachable
from actions.core.places import Place
from bot import tokens
from bot.testing import Bot
from bot.web.house import HouseDesk, UnknownRequest
from bot.web.site import hand_out_tokens

PLACE = Place(surface="terminal", channel="api", thread="t")


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def desk(bot: Bot) -> HouseDesk:
    return HouseDesk(bot.house)


def deploying(desk: HouseDesk, bot: Bot, environment: str = "staging") -> str:
    parameters = {"service": "checkout", "version": "v1.4.2", "environment": environment}
    heard = desk.ask("dana", "deploy", dict(parameters), PLACE, "c1")
    bot.work()
    assert heard.request is not None
    return heard.request.id


def test_a_button_is_an_offer_whose_action_stays_in_the_ledger(desk: HouseDesk, bot: Bot) -> None:
    card = desk.look("dana", deploying(desk, bot, "production"))
    labels = [button.label for button in card.reply.buttons]
    pressed = desk.press("erin", card.offers[labels.index("Approve")], {}, PLACE, "c2")
    bot.settle()
    assert pressed.request is not None
    assert pressed.request.action == "approve"
    assert pressed.follow == "R-1"
    assert desk.look("dana", "R-1").reply.title == "checkout v1.4.2 runs in production"


def test_the_same_card_has_the_same_offers(desk: HouseDesk, bot: Bot) -> None:
    request_id = deploying(desk, bot, "production")
    assert desk.look("dana", request_id).offers == desk.look("erin", request_id).offers


def test_an_offer_that_nobody_made_is_told(desk: HouseDesk) -> None:
    assert desk.press("dana", "made-up", {}, PLACE, "c").reply.title == "That button is no longer known."


def test_changes_are_everybodys_to_see_and_reads_only_the_askers(desk: HouseDesk, bot: Bot) -> None:
    change = deploying(desk, bot)
    read = desk.ask("dana", "audit", {}, PLACE, "c3").request
    assert read is not None
    assert desk.look("vic", change).request is not None
    assert desk.look("dana", read.id).request is not None
    for request_id in (read.id, "R-99"):
        with pytest.raises(UnknownRequest):
            desk.look("vic", request_id)


def test_during_an_outage_nothing_is_accepted(desk: HouseDesk, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise Unreachable("PostgreSQL", "The database does not answer.")

    monkeypatch.setattr(bot.house.kept.ledger, "by_cause", gone)
    with pytest.raises(Unreachable, match="PostgreSQL does not answer"):
        desk.hear("dana", "status of checkout", PLACE, "c5")


def test_without_redis_nothing_is_accepted(desk: HouseDesk, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise Unreachable("Redis", "Redis does not answer.")

    monkeypatch.setattr(bot.passing, "ping", gone)
    with pytest.raises(Unreachable, match="Redis does not answer"):
        desk.ask("dana", "audit", {}, PLACE, "c6")
    assert bot.house.kept.ledger.by_cause("c6") is None


def test_whoever_has_left_the_configuration_is_a_stranger_to_it(desk: HouseDesk) -> None:
    heard = desk.ask("gone", "restart", {"service": "checkout", "environment": "development"}, PLACE, "c4")
    assert heard.request is not None
    assert heard.request.state == "refused"


def test_the_sandbox_hands_out_tokens_once_and_to_their_owner_alone(bot: Bot, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    hand_out_tokens(bot.house, file)
    first = json.loads(file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    assert {tokens.holder(bot.house.kept.tokens, token) for token in first.values()} == set(first)
    ended = next(t for t in bot.house.kept.tokens.of("erin"))
    bot.house.kept.tokens.revoke(ended.id, now=bot.clock.now())
    hand_out_tokens(bot.house, file)
    second = json.loads(file.read_text())
    assert {name for name in first if first[name] != second[name]} == {"erin"}
