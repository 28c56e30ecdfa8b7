"""Delivers events to project webhooks, from one thread."""

import json
import queue
import threading
import uuid
from collections.abc import Callable

from bot.sandbox.documents import Documents, Json

DELIVERY_TIMEOUT = 10.0
KEPT_DELIVERIES = 50
# kind of event -> the hook's switch, and the header GitLab names it by
_KINDS = {
    "push": ("push_events", "Push Hook"),
    "tag_push": ("tag_push_events", "Tag Push Hook"),
    "merge_request": ("merge_requests_events", "Merge Request Hook"),
    "note": ("note_events", "Note Hook"),
    "job": ("job_events", "Job Hook"),
    "pipeline": ("pipeline_events", "Pipeline Hook"),
}
SWITCHES = [switch for switch, _ in _KINDS.values()]


class Deliveries:
    """Posts events to hooks, one after the other, each once; what happened is kept with the hook."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._queue: queue.SimpleQueue[tuple[Json, str, Json] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def publish(self, project: Json, kind: str, payload: Callable[[], Json]) -> None:
        """Deliver an event to the project's hooks that want its kind; nobody describes what nobody wants to hear."""
        switch, _ = _KINDS[kind]
        hooks = [
            hook for hook in self._documents.all("gitlab_hook") if hook["project_id"] == project["id"] and hook[switch]
        ]
        if hooks:
            described = payload()
            for hook in hooks:
                self.send(hook, kind, described)

    def send(self, hook: Json, kind: str, payload: Json) -> None:
        """Deliver one event to one hook, whatever it wants."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, name="sandbox-hooks", daemon=True)
            self._thread.start()
        self._queue.put((hook, kind, json.loads(json.dumps(payload))))

    def _deliver(self) -> None:
        import httpx  # noqa: PLC0415 - a sandbox without hooks need not load it

        with httpx.Client(timeout=DELIVERY_TIMEOUT, trust_env=False) as client:
            while (entry := self._queue.get()) is not None:
                hook, kind, payload = entry
                headers = {
                    "content-type": "application/json",
                    "user-agent": "GitLab/18.5.0",
                    "x-gitlab-event": _KINDS[kind][1],
                    "x-gitlab-event-uuid": str(uuid.uuid4()),
                    "x-gitlab-webhook-uuid": str(uuid.uuid4()),
                    "idempotency-key": str(uuid.uuid4()),
                }
                if hook["token"]:
                    headers["x-gitlab-token"] = hook["token"]
                try:
                    status = str(client.post(hook["url"], content=json.dumps(payload), headers=headers).status_code)
                except httpx.HTTPError as error:
                    status = f"internal error: {error}"
                self._note(
                    hook, {"trigger": kind, "url": hook["url"], "request_data": payload, "response_status": status}
                )

    def _note(self, hook: Json, delivery: Json) -> None:
        with self._documents.lock:
            known = self._documents.get("gitlab_hook", hook["id"])
            if known is not None and self._thread is not None:
                delivery["id"] = self._documents.next_id("gitlab_delivery")
                known["deliveries"] = [delivery, *known["deliveries"]][:KEPT_DELIVERIES]
                self._documents.put("gitlab_hook", hook["id"], known)

    def close(self) -> None:
        """Deliver what waits and end the thread."""
        if self._thread is not None:
            thread = self._thread
            self._queue.put(None)
            thread.join(timeout=DELIVERY_TIMEOUT)
            self._thread = None
