"""The settings: the only reader of the environment.

Ours are named SHIPMATE_*, a vendor's by the vendor's own name. Everything has a default that works on one machine.
Every process reads them before it does anything else, so what reads them is the standard library's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from actions.core.errors import NotConnected, ShipmateError
from bot.secret import Secret

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_FORMATS = ("json", "plain")
_YES, _NO = frozenset({"1", "true", "t", "yes", "y", "on"}), frozenset({"0", "false", "f", "no", "n", "off"})
_LAST_PORT = 65_535


class UnusableSettings(ShipmateError):
    """Environment variables that cannot be used; names every one of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(
            "These environment variables cannot be used: " + "; ".join(faults) + ".",
            remedy="docs/configuration.md lists every variable with its form and default.",
        )


def _port(given: str) -> int:
    try:
        port = int(given)
    except ValueError:
        port = -1
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(f"must be a whole number from 0 to {_LAST_PORT}")
    return port


def _yes_or_no(given: str) -> bool:
    if given.lower() not in _YES | _NO:
        raise ValueError("must be 'true' or 'false'")
    return given.lower() in _YES


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(given: str) -> str:
        if given not in allowed:
            raise ValueError(f"must be one of {', '.join(map(repr, allowed))}")
        return given

    return read


def _from(variable: str, read: Callable[[str], object] = str, default: object = None) -> Any:
    """A setting: its variable, what reads the variable's text (raises ValueError), and its default."""
    return field(default=default, metadata={"variable": variable, "read": read})


@dataclass(frozen=True)
class Settings:
    """Where things are and how to reach them; what the organization is like stands in shipmate.yaml.

    Attributes:
        config: the organization's file.
        state_dir: where everything is kept that has no address of its own: database, Valkey, logs, the sandbox.
        database_url: the SQL database; SQLite in the state directory where it is absent.
        redis_url: Redis or Valkey; an embedded Valkey in the state directory where it is absent.
        host: the address `web` listens on.
        port: the port `web` listens on; 0 lets the system choose.
        public_url: how people reach `web`, for links in cards; http://host:port where it is absent.
        log_level: what is worth a line in the log.
        log_format: JSON for machines, or plain lines for people.
        url: the running Shipmate that `chat` and `say` speak to; the one on this state directory where it is absent.
        token: the person's token with which they speak to it.
        secret_key: the key with which installed workspaces' tokens are encrypted at rest.
        playbooks: a folder of the organization's own playbooks, which add to the library and override it.
        gitlab_webhook_token: the token that GitLab sends with each delivery to /webhooks/gitlab.
        sandbox: whether the systems behind it are the sandbox's; set by `demo` and `up --sandbox` alone.
        no_color: anything at all, where the terminal should stay without colours (https://no-color.org).
        given: the names of the settings that somebody set.
    """

    config: Path = _from("SHIPMATE_CONFIG", Path, Path("shipmate.yaml"))
    state_dir: Path = _from("SHIPMATE_STATE_DIR", Path, Path(".shipmate"))
    database_url: Secret | None = _from("SHIPMATE_DATABASE_URL", Secret)
    redis_url: Secret | None = _from("SHIPMATE_REDIS_URL", Secret)
    host: str = _from("SHIPMATE_HOST", default="127.0.0.1")
    port: int = _from("SHIPMATE_PORT", _port, 8080)
    public_url: str | None = _from("SHIPMATE_PUBLIC_URL")
    log_level: str = _from("SHIPMATE_LOG_LEVEL", _one_of(*_LEVELS), "INFO")
    log_format: str = _from("SHIPMATE_LOG_FORMAT", _one_of(*_FORMATS), "json")
    url: str | None = _from("SHIPMATE_URL")
    token: Secret | None = _from("SHIPMATE_TOKEN", Secret)
    secret_key: Secret | None = _from("SHIPMATE_SECRET_KEY", Secret)

    playbooks: Path | None = _from("SHIPMATE_PLAYBOOKS", Path)
    gitlab_webhook_token: Secret | None = _from("SHIPMATE_GITLAB_WEBHOOK_TOKEN", Secret)
    sandbox: bool = _from("SHIPMATE_SANDBOX", _yes_or_no, default=False)

    no_color: str | None = _from("NO_COLOR")
    gitlab_url: str | None = _from("GITLAB_URL")
    gitlab_token: Secret | None = _from("GITLAB_TOKEN", Secret)
    argocd_url: str | None = _from("ARGOCD_URL")
    argocd_token: Secret | None = _from("ARGOCD_TOKEN", Secret)
    anthropic_api_key: Secret | None = _from("ANTHROPIC_API_KEY", Secret)
    anthropic_base_url: str | None = _from("ANTHROPIC_BASE_URL")
    slack_bot_token: Secret | None = _from("SLACK_BOT_TOKEN", Secret)
    slack_signing_secret: Secret | None = _from("SLACK_SIGNING_SECRET", Secret)
    slack_app_token: Secret | None = _from("SLACK_APP_TOKEN", Secret)
    slack_client_id: str | None = _from("SLACK_CLIENT_ID")
    slack_client_secret: Secret | None = _from("SLACK_CLIENT_SECRET", Secret)
    slack_api_url: str = _from("SLACK_API_URL", default="https://slack.com/api/")

    given: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def database(self) -> Secret:
        """The database's address, SQLite in the state directory by default."""
        return self.database_url or Secret(f"sqlite:///{self.state_dir.resolve() / 'shipmate.db'}")

    @property
    def redis(self) -> Secret:
        """Redis's address.

        Raises:
            NotConnected: there is none; an embedded one is started by `shipmate up` and `shipmate demo`.
        """
        if self.redis_url is None:
            raise NotConnected(
                "SHIPMATE_REDIS_URL is not set, and this process starts no Redis of its own.",
                remedy="Set it, or start everything with `shipmate up`, which brings an embedded one.",
            )
        return self.redis_url

    @property
    def address(self) -> str:
        """How people reach `web`, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def changed(self, **values: Any) -> Settings:
        """The same settings with some values replaced; nothing is read anew."""
        return replace(self, **values, given=self.given | values.keys())


VARIABLES: Mapping[str, str] = {one.name: one.metadata["variable"] for one in fields(Settings) if one.metadata}
"""The environment variable of each setting."""


def load() -> Settings:
    """Read the settings from the environment; an empty variable counts as absent.

    Raises:
        UnusableSettings: a variable's value cannot be used; every fault at once, without the value.
    """
    found: dict[str, Any] = {}
    faults: list[str] = []
    for one in fields(Settings):
        text = os.environ.get(VARIABLES.get(one.name, ""), "")  # noqa: TID251 - this is the reader
        if not text:
            continue
        try:
            found[one.name] = one.metadata["read"](text)
        except ValueError as error:
            faults.append(f"{VARIABLES[one.name]} ({error})")
    if faults:
        raise UnusableSettings(faults)
    return Settings(**found, given=frozenset(found))


def strangers() -> dict[str, tuple[str, ...]]:
    """Variables named SHIPMATE_* that nothing reads, each with the known ones most like it; usually a slip."""
    from actions.core.kinds import nearest  # noqa: PLC0415 - only `shipmate check` asks, and this module must stay light

    known = {*VARIABLES.values(), "SHIPMATE_TEST_DATA", "SHIPMATE_TEST_NO_SKIP"}
    unread = sorted(name for name in os.environ if name.startswith("SHIPMATE_") and name not in known)  # noqa: TID251 - as above
    return {name: nearest(name, known) for name in unread}
