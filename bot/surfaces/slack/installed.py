"""Several workspaces: the token of each, sealed in the database, renewed before it ends and forgotten with its app."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from pydantic import BaseModel, ConfigDict

from actions.core.errors import ShipmateError
from actions.core.ports.ledger import Installation, Installations
from actions.core.ports.surroundings import Clock
from bot.surfaces.slack.client import Api, Locked, OneWorkspace, SlackFailed
from bot.surfaces.slack.places import SURFACE

log = logging.getLogger("shipmate.slack")

SHORTEST_SECRET = 24
BEFORE = timedelta(hours=2)
"""How long before its end a token is renewed; rotating tokens live twelve hours."""
RENEWING = timedelta(seconds=30)
"""How long one process may take to renew a token before another one tries."""
BELIEVED = timedelta(seconds=30)
"""How long a token read from the database is used without asking whether it still stands."""


class WeakSecret(ShipmateError):
    """The key that seals tokens is missing or too short."""

    def __init__(self) -> None:
        super().__init__(
            f"Installing into several workspaces needs SHIPMATE_SECRET_KEY with at least {SHORTEST_SECRET} characters.",
            remedy="Make one with `openssl rand -base64 32`, and keep it: sealed tokens are lost without it.",
        )


class Grant(BaseModel):
    """What a workspace gave Shipmate.

    Attributes:
        token: the bot's token.
        refresh: what renews it; empty where tokens do not rotate.
        until: when the token ends.
    """

    model_config = ConfigDict(frozen=True)

    token: str
    refresh: str = ""
    until: datetime | None = None


class Seal:
    """Encrypts grants, so that the database alone opens no workspace.

    Args:
        secret: the settings' secret key.

    Raises:
        WeakSecret: it is too short.
    """

    def __init__(self, secret: str) -> None:
        from cryptography.fernet import Fernet  # noqa: PLC0415 - only needed with several workspaces
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - as above

        if len(secret) < SHORTEST_SECRET:
            raise WeakSecret
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"shipmate slack installations").derive(
            secret.encode()
        )
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, grant: Grant) -> str:
        """A grant, sealed."""
        return self._fernet.encrypt(grant.model_dump_json().encode()).decode()

    def open(self, sealed: str) -> Grant:
        """A sealed grant.

        Raises:
            Locked: it was sealed with another key.
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - only needed with several workspaces

        try:
            return Grant.model_validate_json(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise Locked("installation", "sealed_with_another_key") from None


class InstalledWorkspaces:
    """The workspaces that Shipmate was installed in.

    Args:
        installations: where they are kept.
        seal: opens what is kept.
        connect: the Web API by a token.
        renew: asks Slack for a new token by what renews the old one.
        clock: the time.
        own: the workspace of the settings' own token, where there is one.
    """

    def __init__(
        self,
        *,
        installations: Installations,
        seal: Seal,
        connect: Callable[[str], Api],
        renew: Callable[[str], Grant],
        clock: Clock,
        own: OneWorkspace | None = None,
    ) -> None:
        self._installations = installations
        self._seal = seal
        self._connect = connect
        self._renew = renew
        self._clock = clock
        self._own = own
        self._lock = Lock()
        self._known: dict[str, tuple[datetime, str, Api]] = {}

    def api(self, team: str) -> Api:
        """The Web API of a workspace."""
        if self._own is not None:
            try:
                return self._own.api(team)
            except Locked:
                log.debug("%s is not the settings' own workspace", team)
        now = self._clock.now()
        with self._lock:
            known = self._known.get(team)
        if known is not None and now - known[0] < BELIEVED:
            return known[2]
        token = self._token(team, now)
        api = known[2] if known is not None and known[1] == token else self._connect(token)
        with self._lock:
            self._known[team] = (now, token, api)
        return api

    def keep(self, team: str, grant: Grant, by: str) -> None:
        """Record a workspace that was just installed."""
        self._installations.keep(self._installation(team, grant, by))
        with self._lock:
            self._known.pop(team, None)

    def forget(self, team: str) -> None:
        """Delete what a workspace gave: the app was uninstalled there."""
        self._installations.forget(SURFACE, team, now=self._clock.now())
        with self._lock:
            self._known.pop(team, None)
        log.info("Shipmate was uninstalled from %s; its tokens are deleted", team)

    def _token(self, team: str, now: datetime) -> str:
        installation = self._installations.of(SURFACE, team)
        if installation is None:
            with self._lock:
                self._known.pop(team, None)
            raise Locked("api", "not_installed")
        grant = self._seal.open(installation.sealed)
        if not grant.refresh or grant.until is None or grant.until - now > BEFORE:
            return grant.token
        return self._renewed(team, grant, installation, now).token

    def _renewed(self, team: str, grant: Grant, installation: Installation, now: datetime) -> Grant:
        """A new token for one that ends soon; the old one where another process is at it, or Slack does not answer."""
        if not self._installations.claim_renewal(SURFACE, team, now=now, until=now + RENEWING):
            return grant
        try:
            new = self._renew(grant.refresh)
        except SlackFailed as error:
            log.warning("the token of %s was not renewed, and is tried again: %s", team, error)
            return grant
        self._installations.renew(self._installation(team, new, installation.installed_by))
        return new

    def _installation(self, team: str, grant: Grant, by: str) -> Installation:
        sealed = self._seal.close(grant)
        return Installation(surface=SURFACE, tenant=team, sealed=sealed, installed_by=by, updated_at=self._clock.now())
