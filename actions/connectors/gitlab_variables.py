"""CI/CD variables of GitLab projects; values pass through and are never part of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actions.connectors.gitlab import SYSTEM, GitLab
from actions.connectors.retrying import Safety
from actions.core.errors import NotFound, Rejected

if TYPE_CHECKING:
    from gitlab.v4.objects import Project


class GitLabVariables:
    """Reads whether variables are set, and sets them."""

    def __init__(self, connection: GitLab) -> None:
        self._connection = connection

    def exists(self, project: str, name: str) -> bool:
        """Whether a variable of that name is set; its value is not looked at."""

        def ask(where: Project) -> None:
            where.variables.get(name)

        try:
            self._connection.call(
                f"the variable {name} of {project}", lambda client: ask(self._connection.project(project, client))
            )
        except NotFound:
            return False
        return True

    def create(self, project: str, name: str, value: str) -> None:
        """Set a variable that is not set yet, masked."""

        def ask(where: Project) -> None:
            where.variables.create({"key": name, "value": value, "masked": True, "protected": False})

        try:
            self._connection.call(
                f"the variable {name} of {project}",
                lambda client: ask(self._connection.project(project, client)),
                Safety.ONCE,
            )
        except Rejected:
            # What GitLab says of it could hold the value.
            raise Rejected(
                SYSTEM,
                f"GitLab would not set {name}: it is set already, or its value cannot be masked.",
                remedy="A masked value has at least 8 characters, no spaces and no line breaks.",
            ) from None
