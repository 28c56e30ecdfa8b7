"""The settings: the only reader of the environment.

Ours are named SHIPMATE_*, a vendor's by the vendor's own name. Everything has a default that works on one machine.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from actions.core.errors import ShipmateError
from actions.core.kinds import nearest

Port = Annotated[int, Field(ge=0, le=65535)]


class UnusableSettings(ShipmateError):
    """Environment variables that cannot be used; names every one of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(
            "These environment variables cannot be used: " + "; ".join(faults) + ".",
            remedy="docs/configuration.md lists every variable with its form and default.",
        )


class Settings(BaseSettings):
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
        no_color: anything at all, where the terminal should stay without colours (https://no-color.org).
        playbooks: a folder of the organization's own playbooks, which add to the library and override it.
        gitlab_webhook_token: the token that GitLab sends with each delivery to /webhooks/gitlab.
        sandbox: whether the systems behind it are the sandbox's; set by `demo` and `up --sandbox` alone.
        secret_key: the key with which installed workspaces' tokens are encrypted at rest.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, hide_input_in_errors=True
    )

    config: Path = Field(Path("shipmate.yaml"), validation_alias="SHIPMATE_CONFIG")
    state_dir: Path = Field(Path(".shipmate"), validation_alias="SHIPMATE_STATE_DIR")
    database_url: SecretStr | None = Field(None, validation_alias="SHIPMATE_DATABASE_URL")
    redis_url: SecretStr | None = Field(None, validation_alias="SHIPMATE_REDIS_URL")
    host: str = Field("127.0.0.1", validation_alias="SHIPMATE_HOST")
    port: Port = Field(8080, validation_alias="SHIPMATE_PORT")
    public_url: str | None = Field(None, validation_alias="SHIPMATE_PUBLIC_URL")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", validation_alias="SHIPMATE_LOG_LEVEL")
    log_format: Literal["json", "plain"] = Field("json", validation_alias="SHIPMATE_LOG_FORMAT")
    url: str | None = Field(None, validation_alias="SHIPMATE_URL")
    token: SecretStr | None = Field(None, validation_alias="SHIPMATE_TOKEN")
    secret_key: SecretStr | None = Field(None, validation_alias="SHIPMATE_SECRET_KEY")

    playbooks: Path | None = Field(None, validation_alias="SHIPMATE_PLAYBOOKS")
    gitlab_webhook_token: SecretStr | None = Field(None, validation_alias="SHIPMATE_GITLAB_WEBHOOK_TOKEN")
    sandbox: bool = Field(default=False, validation_alias="SHIPMATE_SANDBOX", exclude=True)

    no_color: str | None = Field(None, validation_alias="NO_COLOR")
    gitlab_url: str | None = Field(None, validation_alias="GITLAB_URL")
    gitlab_token: SecretStr | None = Field(None, validation_alias="GITLAB_TOKEN")
    argocd_url: str | None = Field(None, validation_alias="ARGOCD_URL")
    argocd_token: SecretStr | None = Field(None, validation_alias="ARGOCD_TOKEN")
    anthropic_api_key: SecretStr | None = Field(None, validation_alias="ANTHROPIC_API_KEY")
    anthropic_base_url: str | None = Field(None, validation_alias="ANTHROPIC_BASE_URL")
    slack_bot_token: SecretStr | None = Field(None, validation_alias="SLACK_BOT_TOKEN")
    slack_signing_secret: SecretStr | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_app_token: SecretStr | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    slack_client_id: str | None = Field(None, validation_alias="SLACK_CLIENT_ID")
    slack_client_secret: SecretStr | None = Field(None, validation_alias="SLACK_CLIENT_SECRET")
    slack_api_url: str = Field("https://slack.com/api/", validation_alias="SLACK_API_URL")

    @property
    def database(self) -> SecretStr:
        """The database's address, SQLite in the state directory by default."""
        return self.database_url or SecretStr(f"sqlite:///{self.state_dir.resolve() / 'shipmate.db'}")

    @property
    def address(self) -> str:
        """How people reach `web`, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def changed(self, **values: Any) -> Settings:
        """The same settings with some values replaced; nothing is read anew."""
        return self.model_copy(update=values)


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return str(Settings.model_fields[field].validation_alias)


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        UnusableSettings: a variable's value cannot be used; every fault at once.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"{fault['loc'][0]} ({fault['msg']})" for fault in error.errors(include_input=False)]
        raise UnusableSettings(faults) from None


def strangers() -> dict[str, tuple[str, ...]]:
    """Variables named SHIPMATE_* that nothing reads, each with the known ones most like it; usually a slip."""
    known = {variable(name) for name in Settings.model_fields} | {"SHIPMATE_TEST_DATA", "SHIPMATE_TEST_NO_SKIP"}
    unread = sorted(name for name in os.environ if name.startswith("SHIPMATE_") and name not in known)  # noqa: TID251 - this is the reader
    return {name: nearest(name, known) for name in unread}
