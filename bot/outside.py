"""What stands behind each port of the outside, and the setting that each connector needs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any

from actions.core.errors import NotConnected
from actions.core.ports.delivery import Deployer, Manifests, Pipelines, VersionRegistry
from actions.core.ports.packages import Packages
from actions.core.ports.repositories import Repositories
from actions.core.ports.variables import ValuePages, Variables
from bot.colleagues import Colleagues, SandboxColleagues
from bot.ports import once
from bot.secret import Secret
from bot.settings import Settings
from bot.surroundings import RandomIds


def outside(settings: Settings) -> Mapping[type[Any], Callable[[], Any]]:
    """Port → what builds the connector behind it; each says which setting it lacks."""

    def gitlab() -> Any:
        from actions.connectors.gitlab import GitLab  # noqa: PLC0415 - python-gitlab is imported where it is used

        return GitLab(
            _needed(settings.gitlab_url, "GITLAB_URL"),
            secret(settings.gitlab_token, "GITLAB_TOKEN"),
        )

    one_gitlab = once(gitlab)

    def versions() -> VersionRegistry:
        from actions.connectors.gitlab import GitLabVersions  # noqa: PLC0415 - as above

        return GitLabVersions(one_gitlab())

    def pipelines() -> Pipelines:
        from actions.connectors.gitlab import GitLabPipelines  # noqa: PLC0415 - as above

        return GitLabPipelines(one_gitlab())

    def repositories() -> Repositories:
        from actions.connectors.gitlab_repositories import GitLabRepositories  # noqa: PLC0415 - as above

        return GitLabRepositories(one_gitlab())

    def variables() -> Variables:
        from actions.connectors.gitlab_variables import GitLabVariables  # noqa: PLC0415 - as above

        return GitLabVariables(one_gitlab())

    def packages() -> Packages:
        from actions.connectors.packages import PackageManagers  # noqa: PLC0415 - as above

        return PackageManagers(shutil.which("npm"))

    def manifests() -> Manifests:
        from actions.connectors.gitlab_manifests import GitLabManifests  # noqa: PLC0415 - as above

        return GitLabManifests(one_gitlab())

    def deployer() -> Deployer:
        from actions.connectors.argocd import ArgoCD  # noqa: PLC0415 - httpx is imported where it is used

        return ArgoCD(
            _needed(settings.argocd_url, "ARGOCD_URL"),
            secret(settings.argocd_token, "ARGOCD_TOKEN"),
        )

    def colleagues() -> Colleagues:
        return SandboxColleagues(_needed(settings.gitlab_url, "GITLAB_URL").removesuffix("/gitlab"))

    return {
        **({Colleagues: colleagues} if settings.sandbox else {}),
        VersionRegistry: versions,
        Pipelines: pipelines,
        Repositories: repositories,
        Packages: packages,
        Variables: variables,
        ValuePages: lambda: WebPages(settings.address, RandomIds().new),
        Manifests: manifests,
        Deployer: deployer,
    }


def _needed(value: str | None, variable: str) -> str:
    if not value:
        raise NotConnected(
            f"{variable} is not set, and this needs it.", remedy=f"Set {variable} and start Shipmate again."
        )
    return value


def secret(value: Secret | None, variable: str) -> str:
    """A secret's own value.

    Args:
        value: the setting.
        variable: its name in the environment.

    Raises:
        NotConnected: it is not set; how to set it.
    """
    return _needed(value.get_secret_value() if value else None, variable)


class WebPages:
    """The addresses of the pages on which a person gives a value; `bot.web.variables` serves them.

    Args:
        address: where the web process is, without a slash at the end.
        new_token: makes a token that nobody can guess.
    """

    def __init__(self, address: str, new_token: Callable[[], str]) -> None:
        self._address = address
        self._new_token = new_token

    def address(self, request_id: str, token: str) -> str:
        """Where the page for a request is."""
        return f"{self._address}/variables/{request_id}/{token}"

    def token(self) -> str:
        """A fresh token."""
        return self._new_token()
