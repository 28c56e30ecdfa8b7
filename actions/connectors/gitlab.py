"""GitLab: which versions exist, and pipelines; over python-gitlab."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from actions.connectors.addresses import is_local
from actions.connectors.retrying import Caller, Failure, Safety
from actions.core.errors import NotFound, OutcomeUnknown
from actions.core.organization import VersionSource
from actions.core.ports.delivery import TRACE_LIMIT, Job, Pipeline, Trace

if TYPE_CHECKING:
    import gitlab as library
    import requests
    from gitlab.v4.objects import Project

T = TypeVar("T")
R = TypeVar("R")

SYSTEM = "GitLab"
TIMEOUT = 10.0
CONCURRENCY = 8
MARKER_VARIABLE = "SHIPMATE_REQUEST"
PAGE = 100
LOOKED_BACK = 20
"""Among how many pipelines, newest first, a marker is looked for."""


class GitLab:
    """A connection to one GitLab, opened when it is first needed."""

    def __init__(self, url: str, token: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Prepare a connection.

        Args:
            url: GitLab's address.
            token: an access token with the scope `api`.
            sleep: waits before a call is made again.
        """
        self._url = url
        self._token = token
        self._client: library.Gitlab | None = None
        self._lock = threading.Lock()
        self._caller = Caller(SYSTEM, url, "GITLAB_TOKEN", self._understand, sleep)
        # The library's errors do not carry the answer's headers, so each thread keeps what it heard last.
        self._heard = threading.local()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._client is not None:
                self._client.session.close()
                self._client = None

    def call(self, what: str, function: Callable[[library.Gitlab], T], safety: Safety = Safety.READ) -> T:
        """Call GitLab; see `Caller.call` for what is raised."""
        client = self._open()
        return self._caller.call(what, lambda: function(client), safety)

    def project(self, path: str, client: library.Gitlab) -> Project:
        """A project to call methods of; nothing is asked yet."""
        return client.projects.get(path, lazy=True)

    def _open(self) -> library.Gitlab:
        import gitlab  # noqa: PLC0415 (takes 0.2 s, and not every process needs it)

        with self._lock:
            if self._client is None:
                client = gitlab.Gitlab(self._url, private_token=self._token, timeout=TIMEOUT, keep_base_url=True)
                client.session.trust_env = not is_local(self._url)
                client.session.hooks["response"].append(self._hear)
                # Retrying is ours: the library waits as long as it is told to, be it hours.
                asked = partial(client.http_request, obey_rate_limit=False, retry_transient_errors=False)
                client.http_request = asked  # type: ignore[method-assign]
                self._client = client
            return self._client

    def _hear(self, response: requests.Response, *_: object, **__: object) -> None:
        self._heard.retry_after = response.headers.get("Retry-After")

    def _understand(self, error: Exception) -> Failure | None:
        failure = understand(error)
        if failure is not None and failure.status:
            with suppress(TypeError, ValueError):
                return replace(failure, retry_after=float(getattr(self._heard, "retry_after", None) or ""))
        return failure


def understand(error: Exception) -> Failure | None:
    """What went wrong, of an exception of python-gitlab or of the HTTP library below it."""
    import gitlab  # noqa: PLC0415 (as above)
    import requests  # noqa: PLC0415 (as above)
    import urllib3  # noqa: PLC0415 (as above)

    if isinstance(error, gitlab.GitlabError):
        return Failure(_said(error), error.response_code or 0)
    if isinstance(error, requests.exceptions.SSLError):
        return Failure("its certificate is not accepted", sent=False)
    if isinstance(error, requests.Timeout):
        return Failure("it took too long", sent=not isinstance(error, requests.ConnectTimeout))
    if isinstance(error, requests.RequestException):
        reason = error.args[0] if error.args else error
        if isinstance(getattr(reason, "reason", reason), urllib3.exceptions.NewConnectionError):
            return Failure("no connection", sent=False)
        return Failure("the connection broke off")
    return None


def _said(error: library.GitlabError) -> str:
    message = error.error_message
    if isinstance(message, dict):
        message = "; ".join(f"{key}: {_plain(value)}" for key, value in message.items())
    return _plain(message)


def _plain(value: object) -> str:
    return ", ".join(str(entry) for entry in value) if isinstance(value, list) else str(value)


def at_once(function: Callable[[T], R], entries: Collection[T]) -> Iterator[R]:
    """Call a function for every entry, a few at a time, and yield the results in order."""
    if len(entries) <= 1:
        yield from map(function, entries)
        return
    with ThreadPoolExecutor(min(CONCURRENCY, len(entries))) as pool:
        yield from pool.map(function, entries)


class GitLabVersions:
    """Which versions of a project exist: its tags, releases or images."""

    def __init__(self, connection: GitLab) -> None:
        self._connection = connection

    def exists(self, project: str, source: VersionSource, version: str) -> bool:
        """Whether there is such a version."""
        if source is VersionSource.IMAGES:
            return version in self._images(project)
        found = f"{project} {version}"
        try:
            if source is VersionSource.RELEASES:
                self._call(f"the release {found}", lambda where: where.releases.get(version), project)
            else:
                self._call(f"the tag {found}", lambda where: where.tags.get(version), project)
        except NotFound:
            # GitLab answers 404 for a project it does not show, too: that is not "no such version".
            self._call(f"the project {project}", lambda where: where.branches.list(per_page=1, get_all=False), project)
            return False
        return True

    def newest(self, project: str, source: VersionSource, *, limit: int = 100) -> Sequence[str]:
        """The versions there are, newest first."""
        size = min(limit, PAGE)
        if source is VersionSource.IMAGES:
            return sorted(self._images(project), key=_by_number, reverse=True)[:limit]
        if source is VersionSource.RELEASES:
            found = self._call(
                f"the releases of {project}", lambda where: where.releases.list(per_page=size, get_all=False), project
            )
            return [str(release.tag_name) for release in found][:limit]
        tags = self._call(
            f"the tags of {project}", lambda where: where.tags.list(per_page=size, get_all=False), project
        )
        return [str(tag.name) for tag in tags][:limit]

    def _images(self, project: str) -> list[str]:
        def ask(where: Project) -> list[str]:
            repositories = where.repositories.list(get_all=True)
            return [str(tag.name) for repository in repositories for tag in repository.tags.list(get_all=True)]

        return self._call(f"the images of {project}", ask, project)

    def _call(self, what: str, function: Callable[[Project], T], project: str) -> T:
        return self._connection.call(what, lambda client: function(self._connection.project(project, client)))


def _by_number(tag: str) -> list[tuple[int, str]]:
    # A registry has no order of its own: v1.10.0 comes after v1.9.0.
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", tag)]


class Tail:
    """The end of a stream of bytes, and how many lines came before it.

    Args:
        limit: how many bytes are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._dropped = 0

    def add(self, part: bytes) -> None:
        """Take the next part of the stream."""
        self._kept += part
        if len(self._kept) > 2 * self._limit:
            self._cut()

    def trace(self) -> Trace:
        """What is kept, from the beginning of a line on."""
        if len(self._kept) > self._limit:
            self._cut()
        return Trace(text=self._kept.decode(errors="replace"), lines_before=self._dropped)

    def _cut(self) -> None:
        begin = len(self._kept) - self._limit
        line = self._kept.find(b"\n", begin)
        begin = line + 1 if line >= 0 else begin
        self._dropped += self._kept.count(b"\n", 0, begin)
        del self._kept[:begin]


class GitLabPipelines:
    """Pipelines of GitLab projects."""

    def __init__(self, connection: GitLab) -> None:
        self._connection = connection

    def recent(
        self, project: str, *, ref: str | None = None, status: str | None = None, limit: int = 10
    ) -> Sequence[Pipeline]:
        """Pipelines without their jobs, newest first."""
        filters: dict[str, Any] = {key: value for key, value in (("ref", ref), ("status", status)) if value}

        def ask(where: Project) -> Sequence[Pipeline]:
            found = where.pipelines.list(per_page=min(limit, PAGE), get_all=False, **filters)
            return [_pipeline(project, pipeline) for pipeline in found][:limit]

        return self._call(f"the pipelines of {project}", ask, project)

    def get(self, project: str, pipeline: str) -> Pipeline:
        """A pipeline with its jobs."""

        def ask(where: Project) -> Pipeline:
            found = where.pipelines.get(int(pipeline))
            return _pipeline(project, found, found.jobs.list(get_all=True))

        if not pipeline.isdigit():
            raise NotFound(SYSTEM, f"“{pipeline}” is no pipeline's number.", remedy="Give the number GitLab shows.")
        return self._call(f"the pipeline {pipeline} of {project}", ask, project)

    def many(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Pipeline]:
        """Pipelines with their jobs by (project, id), with bounded concurrency; what does not exist is left out."""

        def ask(key: tuple[str, str]) -> tuple[tuple[str, str], Pipeline | None]:
            try:
                return key, self.get(*key)
            except NotFound:
                return key, None

        return {key: found for key, found in at_once(ask, list(wanted)) if found is not None}

    def trace(self, project: str, job: str, *, limit: int = TRACE_LIMIT) -> Trace:
        """A job's log, at most its last `limit` bytes; it is streamed, so that a huge one is never held whole."""

        def ask(where: Project) -> Trace:
            tail = Tail(limit)
            where.jobs.get(int(job), lazy=True).trace(streamed=True, action=tail.add)
            return tail.trace()

        return self._call(f"the log of job {job} of {project}", ask, project)

    def default_branch(self, project: str) -> str:
        """The project's default branch."""
        found = self._connection.call(f"the project {project}", lambda client: client.projects.get(project))
        return str(found.default_branch)

    def run(self, project: str, ref: str, *, marker: str) -> Pipeline:
        """Start a pipeline, once for its marker (kept in the pipeline's variable SHIPMATE_REQUEST)."""
        if known := self.find(project, marker):
            return known
        variables = [{"key": MARKER_VARIABLE, "value": marker}]

        def ask(where: Project) -> Pipeline:
            return _pipeline(project, where.pipelines.create({"ref": ref, "variables": variables}))

        try:
            return self._call(f"a pipeline of {project} for {ref}", ask, project, Safety.ONCE)
        except OutcomeUnknown:
            if known := self.find(project, marker):
                return known
            raise

    def find(self, project: str, marker: str) -> Pipeline | None:
        """The pipeline that was started with a marker, among the newest."""

        def ask(where: Project) -> list[Any]:
            return list(where.pipelines.list(source="api", per_page=LOOKED_BACK, get_all=False))

        def carries(pipeline: Any) -> bool:
            variables = self._connection.call(
                f"the pipeline {pipeline.id} of {project}", lambda _: pipeline.variables.list(get_all=True)
            )
            return any(entry.key == MARKER_VARIABLE and entry.value == marker for entry in variables)

        found = self._call(f"the pipelines of {project}", ask, project)
        for pipeline, hit in zip(found, at_once(carries, found), strict=True):
            if hit:
                return _pipeline(project, pipeline)
        return None

    def retry(self, project: str, pipeline: str) -> Pipeline:
        """Run the failed jobs of a pipeline again."""
        return self._act(project, pipeline, "retry", Safety.ONCE)

    def cancel(self, project: str, pipeline: str) -> Pipeline:
        """Stop a pipeline."""
        return self._act(project, pipeline, "cancel", Safety.REPEATABLE)

    def _act(self, project: str, pipeline: str, action: str, safety: Safety) -> Pipeline:
        def ask(where: Project) -> None:
            getattr(where.pipelines.get(int(pipeline), lazy=True), action)()

        self._call(f"the {action} of pipeline {pipeline} of {project}", ask, project, safety)
        return self.get(project, pipeline)

    def _call(self, what: str, function: Callable[[Project], T], project: str, safety: Safety = Safety.READ) -> T:
        return self._connection.call(what, lambda client: function(self._connection.project(project, client)), safety)


def _pipeline(project: str, found: Any, jobs: Collection[Any] = ()) -> Pipeline:
    facts = found.attributes
    return Pipeline(
        id=str(found.id),
        project=project,
        ref=facts["ref"],
        sha=facts["sha"],
        status=facts["status"],
        url=facts.get("web_url") or "",
        source=facts.get("source") or "",
        created_at=facts.get("created_at"),
        finished_at=facts.get("finished_at"),
        jobs=tuple(_job(job.attributes) for job in sorted(jobs, key=lambda job: int(job.id))),
        fault=facts.get("yaml_errors") or "",
    )


def _job(facts: Mapping[str, Any]) -> Job:
    return Job(
        id=str(facts["id"]),
        name=facts["name"],
        stage=facts["stage"],
        status=facts["status"],
        url=facts.get("web_url") or "",
        started_at=facts.get("started_at"),
        finished_at=facts.get("finished_at"),
        failure_reason=facts.get("failure_reason") or "",
        allow_failure=bool(facts.get("allow_failure")),
    )
