"""`shipmate token create`, `list` and `revoke`: people's tokens for the API and the chat."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from actions.core.errors import Refused
from actions.core.kinds import Kind, UnknownName
from actions.core.ports.ledger import Tokens
from bot import configuration, instance, tokens
from bot.commands.up import joined
from bot.settings import Settings
from bot.stores.open import open_sql
from bot.surroundings import RandomIds, SystemClock


class NoSuchToken(Refused):
    """No token in force has this id."""

    def __init__(self, given: str) -> None:
        super().__init__(f"No token in force has the id {given}.", remedy="`shipmate token list` shows them.")


def create(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make a token and print it, this once.

    Raises:
        UnknownName: the configuration has nobody of that name.
    """
    settings = _here(settings)
    organization = configuration.load(settings.config)
    person = organization.resolve(Kind.PERSON, arguments.person)
    if person is None:
        raise UnknownName(Kind.PERSON, arguments.person, organization.names(Kind.PERSON))
    with _kept(settings) as kept:
        token = tokens.issue(kept, person, label=arguments.label, ids=RandomIds(), now=SystemClock().now())
    sys.stdout.write(f"{token}\n")
    sys.stderr.write(
        f"This is {person}'s token; it is not shown again. Use it as SHIPMATE_TOKEN, or as a Bearer token.\n"
    )
    return 0


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """List tokens, without the tokens themselves."""
    with _kept(_here(settings)) as kept:
        for token in kept.of(arguments.person):
            state = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else "in force"
            sys.stdout.write(f"{token.id:<24}{token.person:<16}{token.created_at:%Y-%m-%d}  {state:<20}{token.label}\n")
    return 0


def revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    """End a token at once.

    Raises:
        NoSuchToken: there is none in force.
    """
    with _kept(_here(settings)) as kept:
        if not kept.revoke(arguments.id, now=SystemClock().now()):
            raise NoSuchToken(arguments.id)
    sys.stdout.write(f"{arguments.id} is revoked.\n")
    return 0


def _here(settings: Settings) -> Settings:
    """The settings, or those of the sandbox that runs on this state directory."""
    here = instance.running(settings.state_dir)
    return joined(settings) if here is not None and here.sandbox else settings


@contextmanager
def _kept(settings: Settings) -> Iterator[Tokens]:
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    stores = open_sql(settings.database.get_secret_value())
    try:
        yield stores.tokens
    finally:
        stores.close()
