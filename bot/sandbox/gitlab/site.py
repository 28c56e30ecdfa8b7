"""The GitLab stand-in's heart: its documents, repositories, people and tokens, and what every route needs of them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from bot.sandbox.documents import Documents, Json
from bot.sandbox.repository import Commit, Person, Repository
from bot.sandbox.web import Call, Problem

Clock = Callable[[], datetime]
DEVELOPER, MAINTAINER, OWNER = 30, 40, 50


class Events(Protocol):
    """Takes what happened in a project, for its webhooks."""

    def publish(self, project: Json, kind: str, payload: Callable[[], Json]) -> None:
        """Deliver an event to the project's hooks that want its kind; `payload` describes it."""


class Site:
    """One GitLab with its projects."""

    def __init__(self, documents: Documents, folder: Path, clock: Clock, url: Callable[[], str]) -> None:
        """Stand on stored documents.

        Args:
            documents: Where everything but git's own data is kept.
            folder: Holds the repositories, traces and checkouts.
            clock: The time.
            url: Returns the address of this GitLab, once the server knows its port.
        """
        self.documents = documents
        self.folder = folder
        self.clock = clock
        self.url = url

    @property
    def now(self) -> str:
        """The time as GitLab writes it."""
        return timestamp(self.clock())

    # -- who

    def user_of(self, call: Call) -> Json:
        """Return the account behind a request's token.

        Raises:
            Problem: 401, if there is no token, or it is unknown or revoked.
        """
        authorization = call.headers.get("authorization", "")
        token = call.headers.get("private-token") or authorization.removeprefix("Bearer ") or call.one("private_token")
        return self.user_of_token(token)

    def user_of_token(self, token: str) -> Json:
        """Return the account behind a token.

        Raises:
            Problem: 401, if it is unknown or revoked.
        """
        if not token:
            raise Problem(401, {"message": "401 Unauthorized"})
        found = self.documents.get("gitlab_token", token)
        if found is None:
            raise Problem(401, {"message": "401 Unauthorized"})
        if found["revoked"]:
            description = "Token was revoked. You have to re-authorize from the user."
            raise Problem(401, {"error": "invalid_token", "error_description": description})
        return self.user(found["user_id"])

    def user(self, number: int) -> Json:
        """Return an account by its id."""
        found = self.documents.get("gitlab_user", number)
        if found is None:
            raise Problem(404, {"message": "404 User Not Found"})
        return found

    def user_json(self, number: int) -> Json:
        """Return an account as GitLab embeds it."""
        user = self.user(number)
        return {
            "id": user["id"],
            "username": user["username"],
            "name": user["name"],
            "state": "active",
            "locked": False,
            "avatar_url": None,
            "web_url": f"{self.url()}/{user['username']}",
        }

    def person(self, user: Json) -> Person:
        """Return an account as git names it."""
        return Person(user["name"], user["email"])

    # -- where

    def project(self, call: Call) -> Json:
        """Return the project a route is about, by id or full path.

        Raises:
            Problem: 404, if there is none.
        """
        wanted = call.parameters["id"]
        for project in self.documents.all("gitlab_project"):
            if wanted in {str(project["id"]), project["path_with_namespace"]}:
                return project
        raise Problem(404, {"message": "404 Project Not Found"})

    def project_by_path(self, path: str) -> Json | None:
        """Return a project by its full path, or None."""
        return next(
            (found for found in self.documents.all("gitlab_project") if found["path_with_namespace"] == path), None
        )

    def repository(self, project: Json) -> Repository:
        """Return a project's repository."""
        return Repository(self.folder / "repositories" / f"{project['path_with_namespace']}.git")

    def commit_sha(self, project: Json, ref: str, missing: str = "404 Commit Not Found") -> str:
        """Return the commit a ref stands for.

        Raises:
            Problem: 404, if there is none.
        """
        sha = self.repository(project).resolve(ref)
        if sha is None:
            raise Problem(404, {"message": missing})
        return sha

    def project_url(self, project: Json) -> str:
        """Return the address of a project's page."""
        return f"{self.url()}/{project['path_with_namespace']}"

    def commit_json(self, project: Json, commit: Commit) -> Json:
        """Return a commit as GitLab answers it."""
        return {
            "id": commit.sha,
            "short_id": commit.sha[:8],
            "created_at": commit.committed,
            "parent_ids": commit.parents,
            "title": commit.message.split("\n", 1)[0],
            "message": commit.message,
            "author_name": commit.author.name,
            "author_email": commit.author.email,
            "authored_date": commit.authored,
            "committer_name": commit.committer.name,
            "committer_email": commit.committer.email,
            "committed_date": commit.committed,
            "trailers": {},
            "extended_trailers": {},
            "web_url": f"{self.project_url(project)}/-/commit/{commit.sha}",
        }


def timestamp(moment: datetime) -> str:
    """Return a time as GitLab writes it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def elapsed(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two of GitLab's times, or None while one is missing."""
    if not start or not end:
        return None
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds(), 3)


def required(call: Call, *names: str) -> list[Any]:
    """Return parameters that must be there.

    Raises:
        Problem: 400, naming those that are missing, as GitLab does.
    """
    missing = [name for name in names if call.data.get(name) in (None, "")]
    if missing:
        raise Problem(400, {"error": ", ".join(f"{name} is missing" for name in missing)})
    return [call.data[name] for name in names]


def flag(value: object, default: bool = False) -> bool:
    """Return a boolean parameter, which may come as text."""
    if value is None:
        return default
    return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes", "on"}


def slug(text: str) -> str:
    """Return a ref as GitLab's CI_COMMIT_REF_SLUG has it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:63].strip("-")
