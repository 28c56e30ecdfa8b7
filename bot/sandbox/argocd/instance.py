"""The Argo CD stand-in's heart: applications as documents, brought up to date whenever somebody looks."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sandbox.argocd.manifests import BRANCH, Desired, ManifestError, Manifests
from bot.sandbox.argocd.workload import Behaviour, Condition, Subject, Timings, condition, fresh
from bot.sandbox.documents import Documents, Json
from bot.sandbox.web import Problem

KEPT_HISTORY = 10
INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION, UNAUTHENTICATED = 3, 5, 7, 9, 16
_STATUS = {
    INVALID_ARGUMENT: 400,
    NOT_FOUND: 404,
    PERMISSION_DENIED: 403,
    FAILED_PRECONDITION: 400,
    UNAUTHENTICATED: 401,
}


def refusal(code: int, message: str) -> Problem:
    """Return an error as grpc-gateway words it; `code` is gRPC's."""
    return Problem(_STATUS[code], {"error": message, "code": code, "message": message})


@dataclass(frozen=True)
class View:
    """An application as it is at one moment."""

    application: Json
    head: str
    desired: Desired | None
    problem: str
    live: Desired | None
    condition: Condition
    synced: bool


class ArgoCD:
    """One Argo CD; who reads or changes an application holds the documents' lock."""

    def __init__(
        self,
        documents: Documents,
        manifests: Manifests,
        *,
        clock: Callable[[], datetime],
        timings: Timings,
        behaviour: Callable[[str, str], Behaviour],
        repo_url: Callable[[], str],
    ) -> None:
        """Stand on stored documents.

        Args:
            documents: Where applications and tokens are kept.
            manifests: What the applications follow.
            clock: The time.
            timings: How long things take.
            behaviour: Tells what becomes of an image and tag once started.
            repo_url: Returns the address of the manifests repository.
        """
        self.documents = documents
        self.manifests = manifests
        self.timings = timings
        self.repo_url = repo_url
        self._clock = clock
        self._behaviour = behaviour

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._clock().timestamp()

    # -- looking

    def applications(self) -> list[Json]:
        """Return all applications by name, their operations brought up to date."""
        found = sorted(self.documents.all("argocd_application"), key=lambda application: str(application["name"]))
        for application in found:
            self._settle(application)
        return found

    def application(self, name: str, project: str = "") -> Json:
        """Return one application, its operation brought up to date.

        Raises:
            Problem: 403 for an unknown one, or 404 where its project was named: Argo CD does not tell strangers
                which applications there are.
        """
        application = self.documents.get("argocd_application", name)
        if application is None:
            if project:
                raise refusal(NOT_FOUND, f'applications.argoproj.io "{name}" not found')
            raise refusal(PERMISSION_DENIED, "permission denied")
        self._settle(application)
        return application

    def view(self, application: Json) -> View:
        """Return an application as it is now."""
        desired, problem, head = None, "", ""
        try:
            head = self.manifests.head()
            desired = self.manifests.desired(head, application)
        except ManifestError as error:
            problem = f"Failed to load target state: failed to generate manifest for source 1 of 1: {error}"
        live = self._live(application)
        synced = desired is not None and live is not None and (desired.image, desired.tag) == (live.image, live.tag)
        return View(application, head, desired, problem, live, self._condition(application, live), synced)

    def _live(self, application: Json) -> Desired | None:
        if application["state"] is None:
            return None
        return Desired(**application["live"], tag=application["state"]["tag"])

    def _condition(self, application: Json, live: Desired | None) -> Condition:
        if live is None:
            return Condition("Missing")
        if application["unhealthy"]:
            return Condition("Degraded", application["unhealthy"], phase="Degraded")
        behaviour = self._behaviour(live.image, live.tag)
        subject = Subject(application["state"], live.kind, live.strategy, live.replicas, behaviour, self.timings)
        return condition(subject, self.now())

    # -- operations

    def sync(
        self, application: Json, revision: str, username: str, infos: list[Json], *, dry_run: bool = False
    ) -> None:
        """Begin to apply a revision's manifests.

        Raises:
            Problem: 400, if an operation is running or the revision is unknown.
        """
        if application["automated"] and revision not in {"", BRANCH} and not dry_run:
            raise refusal(FAILED_PRECONDITION, f"Cannot sync to {revision}: auto-sync currently set to {BRANCH}")
        self._refuse_second(application)
        sha = self.manifests.resolve(revision)
        if sha is None:
            raise refusal(INVALID_ARGUMENT, f"unable to resolve '{revision}' to a commit SHA")
        self._begin(application, sha, username, infos, dry_run=dry_run)

    def rollback(self, application: Json, number: int, username: str) -> None:
        """Begin to apply what the history holds under a number; 0 stands for the one before the newest.

        Raises:
            Problem: 400, if an operation is running or there is no such entry.
        """
        if application["automated"]:
            raise refusal(FAILED_PRECONDITION, "rollback cannot be initiated when auto-sync is enabled")
        self._refuse_second(application)
        history = application["history"]
        entries = {entry["id"]: entry for entry in history}
        if number == 0 and len(history) > 1:
            number = history[-2]["id"]
        if number not in entries:
            raise refusal(INVALID_ARGUMENT, f"application {application['name']} does not have deployment id {number}")
        self._begin(application, entries[number]["revision"], username, [], dry_run=False)

    def terminate(self, application: Json) -> None:
        """End a running operation.

        Raises:
            Problem: 400, if none is running.
        """
        operation = application["operation"]
        if operation is None or operation["finished"] is not None:
            raise refusal(INVALID_ARGUMENT, "Unable to terminate operation. No operation is in progress")
        operation |= {"phase": "Failed", "message": "Operation terminated", "finished": self.now()}
        self._save(application)

    def _refuse_second(self, application: Json) -> None:
        operation = application["operation"]
        if operation is not None and operation["finished"] is None:
            raise refusal(FAILED_PRECONDITION, "another operation is already in progress")

    def _begin(self, application: Json, sha: str, username: str, infos: list[Json], *, dry_run: bool) -> None:
        if application["operation"] is not None:
            application["last_operation"] = application["operation"]
        application["operation"] = {
            "requested": self.now(),
            "revision": sha,
            "username": username,
            "infos": infos,
            "dry_run": dry_run,
            "phase": "Running",
            "message": "",
            "finished": None,
        }
        self._save(application)

    def _settle(self, application: Json) -> None:
        operation = application["operation"]
        if operation is None or operation["finished"] is not None:
            if application["automated"]:
                self._follow(application)
            return
        end = operation["requested"] + self.timings.pickup + self.timings.sync
        if self.now() < end:
            return
        operation["finished"] = end
        try:
            desired = self.manifests.desired(operation["revision"], application)
        except ManifestError as error:
            operation |= {"phase": "Failed", "message": f"ComparisonError: {error}"}
        else:
            operation |= {"phase": "Succeeded", "message": "successfully synced (all tasks run)"}
            if not operation["dry_run"]:
                self._apply(application, desired, operation, end)
        self._save(application)

    def _follow(self, application: Json) -> None:
        """Begin the sync that Argo CD begins by itself; a commit that failed is not tried again."""
        operation = application["operation"]
        try:
            head = self.manifests.head()
            desired = self.manifests.desired(head, application)
        except ManifestError:
            return
        live = self._live(application)
        differs = live is None or (live.image, live.tag) != (desired.image, desired.tag)
        if differs and (operation is None or operation["revision"] != head):
            self._begin(application, head, "", [], dry_run=False)

    def _apply(self, application: Json, desired: Desired, operation: Json, at: float) -> None:
        self.run(application, desired, at)
        self._note(application, operation, at)

    def _note(self, application: Json, operation: Json, at: float) -> None:
        entry = {
            "id": application["next_history_id"],
            "revision": operation["revision"],
            "started": operation["requested"] + self.timings.pickup,
            "deployed": at,
            "username": operation["username"],
        }
        application["next_history_id"] += 1
        application["history"] = [*application["history"], entry][-KEPT_HISTORY:]
        application["revision"] = operation["revision"]

    def run(self, application: Json, desired: Desired, at: float) -> None:
        """Give the cluster what it shall run from `at` on."""
        state = application["state"]
        application["live"] = {
            "image": desired.image,
            "kind": desired.kind,
            "replicas": desired.replicas,
            "strategy": desired.strategy,
        }
        if state is None:
            application["state"] = fresh(desired.tag, at, desired.tag)
        elif state["tag"] != desired.tag:
            live = Desired(**application["live"], tag=state["tag"])
            stable = state["tag"] if self._condition(application, live).done else state["stable"]
            application["state"] = fresh(desired.tag, at, stable, state["generation"] + 1)

    def adopt(self, application: Json, desired: Desired, revision: str, at: float) -> None:
        """Put down a deployment of the past that went well."""
        self.run(application, desired, at)
        application["state"]["stable"] = desired.tag
        operation: Json = {
            "requested": at - 1,
            "revision": revision,
            "username": "shipmate",
            "infos": [],
            "dry_run": False,
            "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "finished": at,
        }
        self._note(application, operation, at)
        application["operation"] = operation
        self._save(application)

    # -- the workload's own actions

    def act(self, application: Json, action: str) -> None:
        """Run a resource action on the application's Deployment or Rollout.

        Raises:
            Problem: 400, if there is no such action for it now.
        """
        available = {entry["name"]: entry for entry in self.actions(application)}
        if action not in available:
            raise refusal(INVALID_ARGUMENT, f"action {action} is not available for this resource")
        if available[action]["disabled"]:
            raise refusal(INVALID_ARGUMENT, f"action {action} is disabled for this resource")
        state, now = application["state"], self.now()
        current = self.view(application).condition
        if action == "restart":
            state["restarted"] = now
        elif action == "promote-full":
            state |= {"full": now, "paused": None}
        elif action == "abort":
            state["aborted"] = now
        elif action == "retry":
            state |= {"aborted": None, "retried": now, "resumed": {}}
        elif action == "pause":
            state["paused"] = now
        elif state["paused"] is not None:
            state["paused"] = None
        elif current.pause == "BlueGreenPause":
            state["resumed"]["preview"] = now
        else:
            state["resumed"][str(current.step)] = now
        self._save(application)

    def actions(self, application: Json) -> list[Json]:
        """Return the actions of the application's Deployment or Rollout, as Argo CD lists them."""
        view = self.view(application)
        if view.live is None:
            return []
        if view.live.kind != "Rollout":
            return [{"name": "restart", "displayName": "Restart", "disabled": False}]
        state, current = application["state"], view.condition
        moving = not current.done and state["aborted"] is None
        enabled = {
            "abort": moving,
            "pause": moving and current.phase != "Paused",
            "promote-full": moving,
            "restart": True,
            "resume": current.phase == "Paused",
            "retry": state["aborted"] is not None,
        }
        return [
            {"name": name, "displayName": name.replace("-", " ").capitalize(), "disabled": not on}
            for name, on in enabled.items()
        ]

    # -- around

    def add(self, name: str, *, namespace: str, path: str, workload: str, values: str, labels: dict[str, str]) -> Json:
        """Add an application that runs nothing yet.

        Args:
            name: Its name.
            namespace: Where it runs.
            path: Its folder in the manifests repository.
            workload: The file of its Deployment or Rollout.
            values: Its Helm values file; "" for kustomize.
            labels: For selectors.
        """
        application: Json = {
            "name": name,
            "namespace": namespace,
            "path": path,
            "workload": workload,
            "values": values,
            "labels": labels,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
            "created": self.now(),
            "version": 1,
            "live": None,
            "state": None,
            "revision": "",
            "unhealthy": "",
            "automated": False,
            "operation": None,
            "last_operation": None,
            "history": [],
            "next_history_id": 0,
        }
        return self.documents.put("argocd_application", name, application)

    def _save(self, application: Json) -> None:
        application["version"] += 1
        self.documents.put("argocd_application", application["name"], application)

    def set_automated(self, name: str, *, automated: bool) -> None:
        """Let an application sync by itself whenever git asks for something else, or no longer."""
        application = self.application(name, "default")
        application["automated"] = automated
        self._save(application)

    def set_unhealthy(self, name: str, message: str) -> None:
        """Make an application's workload fail with this message, or recover (""), whatever its version."""
        application = self.application(name, "default")
        application["unhealthy"] = message
        self._save(application)


def moment(seconds: float | None) -> str | None:
    """Return a time as Kubernetes writes it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
