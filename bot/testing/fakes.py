"""Stand-ins for the surroundings and the outside, in memory: a clock that is moved by hand, a queue, a small cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from pydantic import JsonValue

from actions.core.errors import NotFound, Unreachable
from actions.core.organization import VersionSource
from actions.core.ports.delivery import (
    TRACE_LIMIT,
    Application,
    Commit,
    Health,
    Job,
    ManifestTarget,
    Pipeline,
    Rollout,
    Sync,
    Trace,
)
from actions.core.ports.messaging import Change, Delivered, Turn
from actions.core.ports.repositories import MergeRequest, Revision
from actions.core.request import Request


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time, with zone UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)


class CountingIds:
    """Identifiers in order."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self) -> str:
        """The next identifier."""
        return f"id-{next(self._numbers):06}"


class MemorySessions:
    """Turns by thread."""

    def __init__(self) -> None:
        self._turns: dict[str, deque[Turn]] = {}

    def turns(self, place_key: str) -> Sequence[Turn]:
        """The thread's turns, oldest first."""
        return tuple(self._turns.get(place_key, ()))

    def add(self, place_key: str, turn: Turn) -> None:
        """Remember a turn."""
        self._turns.setdefault(place_key, deque(maxlen=10)).append(turn)


class MemoryBus:
    """Remembers what was announced."""

    def __init__(self) -> None:
        self.announced: deque[Change] = deque(maxlen=10_000)

    def changed(self, change: Change) -> None:
        """Announce a change."""
        self.announced.append(change)

    @contextmanager
    def changes(self) -> Iterator[Callable[[float], Change | None]]:
        """Listen to what is announced from now on."""
        heard = len(self.announced)

        def following(_: float) -> Change | None:
            nonlocal heard
            if heard >= len(self.announced):
                return None
            heard += 1
            return self.announced[heard - 1]

        yield following


class MemoryDrafts:
    """What is being written of answers, by request and attempt."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self._texts: dict[tuple[str, int], str] = {}

    def add(self, request: Request, words: str) -> None:
        """Add words."""
        key = (request.id, request.fence)
        self._texts[key] = self._texts.get(key, "") + words
        self._bus.changed(Change.of(request, words=True))

    def text(self, request: Request) -> str:
        """All that was written so far."""
        return self._texts.get((request.id, request.fence), "")


class MemoryQueue:
    """Jobs in the order in which they were pushed, each once; `down` makes it not answer."""

    def __init__(self) -> None:
        self.jobs: deque[tuple[str, str]] = deque()
        self.down = False

    def perform(self, queue: str, request_id: str, *, timeout: float) -> None:
        """Push a request."""
        self._push(("perform", request_id))

    def poll(self, poller: str) -> None:
        """Push a poll."""
        self._push(("poll", poller))

    def _push(self, job: tuple[str, str]) -> None:
        if self.down:
            raise Unreachable("Redis", "Redis does not answer.")
        if job not in self.jobs:
            self.jobs.append(job)


class MemoryInbox:
    """Deliveries in order, each kept until it is struck off."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._waiting: dict[str, Delivered] = {}
        self._numbers = count(1)

    def put(self, *, key: str, order: str, kind: str, body: dict[str, JsonValue], at: datetime) -> bool:
        """Store a delivery, once for its key."""
        if key in self._known:
            return False
        self._known.add(key)
        number = str(next(self._numbers))
        self._waiting[number] = Delivered(id=number, key=key, order=order, kind=kind, body=body, at=at)
        return True

    def take(self, owner: str, *, wait: float, limit: int = 32) -> Iterator[Delivered]:
        """What waits, in order."""
        yield from list(self._waiting.values())[:limit]

    def done(self, delivered: Delivered, owner: str) -> None:
        """Strike one off."""
        self._waiting.pop(delivered.id, None)


@dataclass
class MemoryPassing:
    """All that passes through, in memory."""

    sessions: MemorySessions = field(default_factory=MemorySessions)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    bus: MemoryBus = field(default_factory=MemoryBus)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    drafts: MemoryDrafts = field(init=False)

    def __post_init__(self) -> None:
        self.drafts = MemoryDrafts(self.bus)

    def ping(self) -> None:
        """Memory always answers."""

    def tended(self) -> None:
        """The test is the worker."""

    def close(self) -> None:
        """Nothing to close."""


@dataclass
class _App:
    running: str
    wanted: str
    since: datetime
    revision: str = ""
    rollout: Rollout | None = None


class FakeCluster:
    """A GitOps repository, a deployer and a version registry in one, moved by the clock.

    Versions whose name holds "bad" turn unhealthy ten seconds after they came up; those with "stuck" never come up.

    Args:
        clock: the time.
        versions: project → its versions, newest first.
        seconds: how long a rollout takes.
    """

    def __init__(self, clock: HandClock, versions: Mapping[str, Sequence[str]], seconds: float = 5) -> None:
        self.clock = clock
        self.versions = versions
        self.seconds = seconds
        self.files: dict[str, str] = {}
        self.commits: dict[str, Commit] = {}
        self.apps: dict[str, _App] = {}
        self.restarts: list[str] = []
        self.calls: list[str] = []
        self.down = False

    def place(self, application: str, file: str, version: str, rollout: Rollout | None = None) -> None:
        """Have a version run from the beginning."""
        self.files[file] = version
        self.apps[application] = _App(version, version, self.clock.now() - timedelta(hours=1), rollout=rollout)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.down:
            raise Unreachable("Argo CD", "Argo CD does not answer.", remedy="Try again later.")

    # VersionRegistry
    def exists(self, project: str, source: VersionSource, version: str) -> bool:
        """Whether there is such a version."""
        return version in self.versions.get(project, ())

    def newest(self, project: str, source: VersionSource, *, limit: int = 100) -> Sequence[str]:
        """The versions there are."""
        return self.versions.get(project, ())[:limit]

    # Manifests
    def read(self, target: ManifestTarget) -> str:
        """The version that the file asks for."""
        self._call("read")
        if target.file not in self.files:
            raise NotFound("GitLab", f"There is no file {target.file} in {target.project}.")
        return self.files[target.file]

    def write(self, target: ManifestTarget, version: str, *, marker: str, message: str, author: str) -> Commit:
        """Ask for a version, once for its marker."""
        self._call("write")
        if marker not in self.commits:
            commit = Commit(id=f"{len(self.commits) + 1:08x}", url="https://gitlab.example/commit", version=version)
            self.commits[marker] = commit
            self.files[target.file] = version
        return self.commits[marker]

    def find(self, target: ManifestTarget, marker: str) -> Commit | None:
        """The commit that carries a marker."""
        self._call("find")
        return self.commits.get(marker)

    # Deployer
    def applications(self, names: Collection[str]) -> Mapping[str, Application]:
        """These applications, in one call."""
        self._call("applications")
        return {name: self._application(name) for name in names if name in self.apps}

    def _application(self, name: str) -> Application:
        app = self.apps[name]
        age = (self.clock.now() - app.since).total_seconds()
        came_up = age >= self.seconds and "stuck" not in app.wanted
        running = app.wanted if came_up else app.running
        health = Health.HEALTHY if came_up or app.wanted == app.running else Health.PROGRESSING
        if "bad" in running and age >= self.seconds + 10:
            health = Health.DEGRADED
        versions = tuple(dict.fromkeys((running, app.wanted)))
        return Application(
            name=name,
            versions=versions,
            revision=app.revision,
            sync=Sync.SYNCED,
            health=health,
            phase="Succeeded",
            message="the pods crash" if health is Health.DEGRADED else "",
            url=f"https://argocd.example/applications/{name}",
            rollout=app.rollout,
        )

    def sync(self, name: str, revision: str) -> None:
        """Bring the commit's version."""
        self._call("sync")
        commit = next(c for c in self.commits.values() if c.id == revision)
        app = self.apps[name]
        if app.revision != revision:
            came_up = (self.clock.now() - app.since).total_seconds() >= self.seconds and "stuck" not in app.wanted
            running = app.wanted if came_up else app.running
            self.apps[name] = _App(running, commit.version, self.clock.now(), revision, app.rollout)

    def restart(self, name: str) -> None:
        """Restart the workload."""
        self._call("restart")
        self.restarts.append(name)

    def resume_rollout(self, name: str) -> None:
        """Let a paused rollout go on."""
        self._call(f"resume {name}")

    def abort_rollout(self, name: str) -> None:
        """Abort a rollout."""
        self._call(f"abort {name}")


class FakePipelines:
    """Pipelines in memory; each runs until it is `finish`ed."""

    def __init__(self) -> None:
        self.pipelines: dict[tuple[str, str], Pipeline] = {}
        self.traces: dict[str, str] = {}
        self._markers: dict[str, str] = {}
        self._numbers = count(811)

    def add(self, project: str, status: str, ref: str = "main", trace: str = "", sha: str = "9f3c2ab1") -> Pipeline:
        """Have a pipeline from the beginning; its one job wrote the trace."""
        number = str(next(self._numbers))
        job = Job(id=f"{number}1", name="unit", stage="test", status=status)
        self.traces[job.id] = trace
        pipeline = Pipeline(id=number, project=project, ref=ref, sha=sha, status=status, jobs=(job,))
        self.pipelines[project, number] = pipeline
        return pipeline

    def finish(self, project: str, number: str, status: str) -> None:
        """Have a pipeline end."""
        pipeline = self.pipelines[project, number]
        jobs = tuple(job.model_copy(update={"status": status}) for job in pipeline.jobs)
        self.pipelines[project, number] = pipeline.model_copy(update={"status": status, "jobs": jobs})

    def recent(
        self, project: str, *, ref: str | None = None, status: str | None = None, limit: int = 10
    ) -> Sequence[Pipeline]:
        """Pipelines, newest first."""
        found = [
            p
            for (of, _), p in reversed(self.pipelines.items())
            if of == project and ref in {None, p.ref} and status in {None, p.status}
        ]
        return found[:limit]

    def get(self, project: str, pipeline: str) -> Pipeline:
        """A pipeline."""
        found = self.pipelines.get((project, pipeline))
        if found is None:
            raise NotFound("GitLab", f"There is no pipeline #{pipeline} in {project}.")
        return found

    def many(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Pipeline]:
        """Pipelines by (project, id)."""
        return {key: self.pipelines[key] for key in wanted if key in self.pipelines}

    def trace(self, project: str, job: str, *, limit: int = TRACE_LIMIT) -> Trace:
        """What the job wrote."""
        return Trace(text=self.traces.get(job, "")[-limit:])

    def default_branch(self, project: str) -> str:
        """Main."""
        return "main"

    def run(self, project: str, ref: str, *, marker: str) -> Pipeline:
        """Start a pipeline, once for its marker."""
        if marker not in self._markers:
            self._markers[marker] = self.add(project, "running", ref).id
        return self.get(project, self._markers[marker])

    def find(self, project: str, marker: str) -> Pipeline | None:
        """The pipeline of a marker."""
        number = self._markers.get(marker)
        return self.get(project, number) if number else None

    def retry(self, project: str, pipeline: str) -> Pipeline:
        """Run it again."""
        self.finish(project, pipeline, "running")
        return self.get(project, pipeline)

    def cancel(self, project: str, pipeline: str) -> Pipeline:
        """Stop it."""
        self.finish(project, pipeline, "canceled")
        return self.get(project, pipeline)


class FakeRepositories:
    """Projects' files and merge requests in memory; a proposed branch starts a pipeline, as a push does.

    Args:
        pipelines: where the pipelines of branches run.
    """

    def __init__(self, pipelines: FakePipelines) -> None:
        self.pipelines = pipelines
        self.trees: dict[tuple[str, str], dict[str, str]] = {}
        self.revisions: dict[tuple[str, str], Revision] = {}
        self.branches: dict[tuple[str, str], str] = {}
        self.requests: dict[tuple[str, str], MergeRequest] = {}
        self.pushes = True
        self.protected: set[tuple[str, str]] = set()
        self._numbers = count(1)

    def commit(self, project: str, branch: str, files: Mapping[str, str], *, author: str = "sam") -> Revision:
        """Somebody commits these files, in place of what was there."""
        sha = f"{next(self._numbers):040x}"
        made = Revision(id=sha, title="A change", author=author, email=f"{author}@shop.example")
        self.trees[project, sha] = dict(files)
        self.revisions[project, sha] = made
        self.branches[project, branch] = sha
        return made

    def _sha(self, project: str, ref: str) -> str:
        return self.branches.get((project, ref), ref)

    def files(self, project: str, ref: str) -> Sequence[str]:
        """The paths of all files."""
        return sorted(self.trees.get((project, self._sha(project, ref)), {}))

    def read(self, project: str, ref: str, paths: Sequence[str]) -> Mapping[str, str]:
        """These files' texts."""
        tree = self.trees.get((project, self._sha(project, ref)), {})
        return {path: tree[path] for path in paths if path in tree}

    def revision(self, project: str, ref: str) -> Revision | None:
        """The commit that a branch or hash names."""
        return self.revisions.get((project, self._sha(project, ref)))

    def is_protected(self, project: str, branch: str) -> bool:
        """Whether it is among those named so."""
        return (project, branch) in self.protected

    def diff(self, project: str, sha: str) -> str:
        """Nothing is told of what changed."""
        return ""

    def propose(self, project: str, branch: str, base: str, files: Mapping[str, str], *, message: str) -> Revision:
        """Make a branch with one commit, once for its name."""
        if (project, branch) in self.branches:
            return self.revisions[project, self.branches[project, branch]]
        made = self.commit(project, branch, {**self.trees.get((project, base), {}), **files}, author="shipmate")
        if self.pushes:
            self.pipelines.add(project, "running", branch, sha=made.id)
        return made

    def open_merge_request(
        self, project: str, source: str, target: str, *, title: str, description: str
    ) -> MergeRequest:
        """Ask for a branch to be merged."""
        for request in self.requests.values():
            if (request.project, request.source, request.target, request.state) == (project, source, target, "opened"):
                return request
        number = str(len(self.requests) + 1)
        self.requests[project, number] = MergeRequest(
            id=number,
            project=project,
            title=title,
            state="opened",
            source=source,
            target=target,
            sha=self.branches[project, source],
            url=f"https://gitlab.example/{project}/-/merge_requests/{number}",
        )
        return self.requests[project, number]

    def merge_request(self, project: str, number: str) -> MergeRequest:
        """A merge request as it stands."""
        return self.requests[project, number]

    def merge(self, project: str, number: str, *, sha: str) -> MergeRequest:
        """Merge it."""
        request = self.requests[project, number]
        self.branches[project, request.target] = request.sha
        self.branches.pop((project, request.source), None)
        return self._settle(request, "merged")

    def close(self, project: str, number: str) -> MergeRequest:
        """Close it."""
        return self._settle(self.requests[project, number], "closed")

    def _settle(self, request: MergeRequest, state: str) -> MergeRequest:
        update = {"state": state, "merge_sha": request.sha if state == "merged" else ""}
        self.requests[request.project, request.id] = request.model_copy(update=update)
        return self.requests[request.project, request.id]

    def delete_branch(self, project: str, branch: str) -> None:
        """Remove a branch."""
        self.branches.pop((project, branch), None)
