"""Argo CD: brings what the repository asks for to the cluster, and tells how it is doing; over httpx."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from actions.connectors.addresses import is_local
from actions.connectors.retrying import Caller, Failure, Safety
from actions.core.errors import NotFound, Rejected
from actions.core.ports.delivery import Application, Health, Rollout, Sync

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]

SYSTEM = "Argo CD"
CONNECT_TIMEOUT, TIMEOUT = 5.0, 10.0
CONCURRENCY = 8
WORKLOADS = ("Rollout", "Deployment", "StatefulSet", "DaemonSet")
UNFINISHED = {"Running", "Terminating"}
_FORBIDDEN, _NOT_FOUND, _FIRST_ERROR = 403, 404, 400
_AUTOMATED = "auto-sync currently set to"
_BUSY = "another operation is already in progress"


class AnswerError(Exception):
    """Argo CD answered with an error."""

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


class ArgoCD:
    """Applications of one Argo CD."""

    def __init__(self, url: str, token: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Prepare a connection; it is opened when it is first needed.

        Args:
            url: Argo CD's address.
            token: a token of an account that may get and sync applications and run resource actions.
            sleep: waits before a call is made again.
        """
        self._url = url.rstrip("/")
        self._token = token
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self._caller = Caller(SYSTEM, url, "ARGOCD_TOKEN", understand, sleep)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    # -- the port

    def applications(self, names: Collection[str]) -> Mapping[str, Application]:
        """These applications, in as few calls as can be; those that do not exist are left out."""
        wanted = set(names)
        if not wanted:
            return {}
        query = {"name": next(iter(wanted))} if len(wanted) == 1 else {}
        listed = self._request("the applications", "GET", "/api/v1/applications", query=query)
        found = [item for item in listed.get("items") or [] if item["metadata"]["name"] in wanted]
        rollouts = self._rollouts([item for item in found if _workload(item).get("kind") == "Rollout"])
        return {
            name: self._application(item, rollouts.get(name)) for item in found for name in [item["metadata"]["name"]]
        }

    def sync(self, name: str, revision: str) -> None:
        """Ask for an application to be synced to a commit; asking again for the same is harmless.

        A sync that is under way for another commit is Rejected.
        """
        try:
            self._sync(name, {"revision": revision})
        except Rejected as error:
            if _AUTOMATED in error.message:
                # With automated sync Argo CD syncs to the branch alone, whose head the commit is or is behind.
                self._sync(name, {})
            elif _BUSY not in error.message or self._syncing(name) != revision:
                raise

    def _sync(self, name: str, body: Json) -> None:
        path = f"/api/v1/applications/{_quoted(name)}/sync"
        try:
            self._request(f"the sync of {name}", "POST", path, body=body, safety=Safety.REPEATABLE)
        except Rejected as error:
            # Under way already: when it syncs to the branch, nothing more is to be asked.
            if body or _BUSY not in error.message:
                raise

    def restart(self, name: str) -> None:
        """Ask for the application's workload to be restarted."""
        self._act(name, "restart", Safety.ONCE)

    def resume_rollout(self, name: str) -> None:
        """Let a paused rollout go on; one that goes on already is left alone."""
        try:
            # Twice would let it over the next pause, too.
            self._act(name, "resume", Safety.ONCE)
        except Rejected:
            rollout = self._rollout(self._get(name))
            if rollout is None or rollout.paused:
                raise

    def abort_rollout(self, name: str) -> None:
        """Stop a rollout and send all traffic to the stable version."""
        self._act(name, "abort", Safety.REPEATABLE)

    # -- behind it

    def _syncing(self, name: str) -> str:
        found = self._get(name)
        operation = (
            found.get("operation") or (found.get("status") or {}).get("operationState", {}).get("operation") or {}
        )
        return str((operation.get("sync") or {}).get("revision", ""))

    def _get(self, name: str) -> Json:
        try:
            return self._request(f"the application {name}", "GET", f"/api/v1/applications/{_quoted(name)}")
        except Rejected as error:
            if isinstance(error.__cause__, AnswerError) and error.__cause__.status == _FORBIDDEN:
                # Argo CD says "permission denied" of what does not exist, so as not to tell strangers.
                raise NotFound(
                    SYSTEM, f"Argo CD has no application {name}, or does not show it.", remedy=error.remedy
                ) from error
            raise

    def _act(self, name: str, action: str, safety: Safety) -> None:
        workload = _workload(self._get(name))
        if not workload:
            raise Rejected(SYSTEM, f"{name} has nothing that could be told to {action}: no {' or '.join(WORKLOADS)}.")
        what = f"the {action} of {workload['kind']} {workload['name']} of {name}"
        place = {key: workload.get(key, "") for key in ("namespace", "version", "group", "kind")} | {
            "resourceName": workload["name"]
        }
        path = f"/api/v1/applications/{_quoted(name)}/resource/actions"
        try:
            self._request(what, "POST", f"{path}/v2", body={**place, "action": action}, safety=safety)
        except NotFound:
            # Before 3.1 there was the older form alone, whose body is the bare name.
            self._request(what, "POST", path, query=place, body=action, safety=safety)

    def _rollouts(self, items: Collection[Json]) -> dict[str, Rollout]:
        if not items:
            return {}
        with ThreadPoolExecutor(min(CONCURRENCY, len(items))) as pool:
            found = pool.map(self._rollout, items)
            return {item["metadata"]["name"]: rollout for item, rollout in zip(items, found, strict=True) if rollout}

    def _rollout(self, item: Json) -> Rollout | None:
        name, workload = item["metadata"]["name"], _workload(item)
        place = {key: workload.get(key, "") for key in ("namespace", "version", "group", "kind")} | {
            "resourceName": workload["name"]
        }
        try:
            answer = self._request(
                f"the Rollout of {name}", "GET", f"/api/v1/applications/{_quoted(name)}/resource", query=place
            )
        except Rejected:
            # Not there yet: git asks for a Rollout that was never synced.
            return None
        return _rollout(json.loads(answer["manifest"]))

    def _application(self, item: Json, rollout: Rollout | None) -> Application:
        status = item.get("status") or {}
        name = item["metadata"]["name"]
        phase, revision = _operation(item)
        return Application(
            name=name,
            versions=_versions(status),
            revision=revision,
            sync=_known(Sync, (status.get("sync") or {}).get("status"), Sync.UNKNOWN),
            health=_known(Health, (status.get("health") or {}).get("status"), Health.UNKNOWN),
            phase=phase,
            message=_message(item, phase),
            url=f"{self._url}/applications/{item['metadata'].get('namespace', 'argocd')}/{name}",
            rollout=rollout,
        )

    def _request(
        self,
        what: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        safety: Safety = Safety.READ,
    ) -> Json:
        client = self._open()

        def ask() -> Json:
            response = client.request(method, path, params=query, json=body)
            if response.status_code >= _FIRST_ERROR:
                raise _error(response)
            decoded = response.json()
            return decoded if isinstance(decoded, dict) else {}

        return self._caller.call(what, ask, safety)

    def _open(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 (not every process needs it)

        with self._lock:
            if self._client is None:
                headers = {"authorization": f"Bearer {self._token}"}
                timeout = httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT)
                self._client = httpx.Client(
                    base_url=self._url, headers=headers, timeout=timeout, trust_env=not is_local(self._url)
                )
            return self._client


def understand(error: Exception) -> Failure | None:
    """What went wrong, of an answer with an error or of an exception of httpx."""
    import httpx  # noqa: PLC0415 (as above)

    if isinstance(error, AnswerError):
        return Failure(error.message, error.status, retry_after=error.retry_after)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        certificate = "CERTIFICATE" in str(error)
        return Failure("its certificate is not accepted" if certificate else "no connection", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return Failure("it took too long")
    if isinstance(error, httpx.TransportError | httpx.DecodingError | json.JSONDecodeError):
        return Failure("the connection broke off")
    return None


def _error(response: httpx.Response) -> AnswerError:
    retry_after = None
    with suppress(KeyError, ValueError):
        retry_after = float(response.headers["retry-after"])
    try:
        said = response.json()
        message = str(said.get("message") or said.get("error")) if isinstance(said, dict) else str(said)
    except ValueError:
        message = response.text[:200].strip() or response.reason_phrase
    return AnswerError(response.status_code, message, retry_after)


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _workload(item: Json) -> Json:
    resources = (item.get("status") or {}).get("resources") or []
    for kind in WORKLOADS:
        for resource in resources:
            if resource.get("kind") == kind:
                found: Json = resource
                return found
    return {}


def _operation(item: Json) -> tuple[str, str]:
    """The phase of the last sync operation, and the commit that the application was last synced to.

    An operation that was asked for stands under `operation` until the controller takes it up; so long, and while it
    runs, `operationState` and the history still tell of the one before.
    """
    status = item.get("status") or {}
    state = status.get("operationState") or {}
    history = status.get("history") or []
    before = str(history[-1].get("revision", "")) if history else ""
    if item.get("operation") or state.get("phase") in UNFINISHED:
        return "Running", before
    return str(state.get("phase", "")), str((state.get("syncResult") or {}).get("revision") or before)


def _versions(status: Json) -> tuple[str, ...]:
    images = (status.get("summary") or {}).get("images") or []
    tags = [image.partition("@")[0].rpartition("/")[2].partition(":")[2] for image in images]
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _message(item: Json, phase: str) -> str:
    status = item.get("status") or {}
    for condition in status.get("conditions") or []:
        if str(condition.get("type", "")).endswith("Error"):
            return str(condition.get("message", ""))
    if phase in {"Failed", "Error"}:
        return str((status.get("operationState") or {}).get("message", ""))
    health = (status.get("health") or {}).get("status")
    for resource in status.get("resources") or []:
        own = resource.get("health") or {}
        if own.get("status") == health and own.get("message"):
            return str(own["message"])
    return str((status.get("health") or {}).get("message", ""))


def _rollout(manifest: Json) -> Rollout:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    strategy = spec.get("strategy") or {}
    kind: Literal["canary", "blue-green"] = "blue-green" if "blueGreen" in strategy else "canary"
    steps = (strategy.get("canary") or {}).get("steps") or []
    step = int(status.get("currentStepIndex") or 0)
    weights = (status.get("canary") or {}).get("weights") or {}
    weight = (weights.get("canary") or {}).get("weight")
    return Rollout(
        name=str((manifest.get("metadata") or {}).get("name", "")),
        strategy=kind,
        step=step,
        steps=len(steps),
        weight=_last_weight(steps, step) if weight is None and steps else weight,
        paused=bool(status.get("pauseConditions")) or bool(spec.get("paused")),
        aborted=bool(status.get("abort")),
    )


def _last_weight(steps: list[Json], step: int) -> int | None:
    # Without traffic routing a Rollout does not tell its weight; its steps do.
    weights = [entry["setWeight"] for entry in steps[: step + 1] if "setWeight" in entry]
    return 100 if step >= len(steps) else weights[-1] if weights else 0


def _known(kind: Any, value: object, otherwise: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        return otherwise
