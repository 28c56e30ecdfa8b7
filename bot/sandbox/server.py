"""Serves both stand-ins from one ASGI program on the loopback interface, in a thread of its own."""

import asyncio
import json
import shutil
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from bot.sandbox import breakages, company, configuration, control
from bot.sandbox.argocd import api as argocd_api
from bot.sandbox.argocd.workload import Timings
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.gitlab import api as gitlab_api
from bot.sandbox.gitlab.deliveries import SWITCHES
from bot.sandbox.repository import PATH
from bot.sandbox.web import Answer, Call
from bot.sandbox.world import World, found

HOST = "127.0.0.1"
START_TIMEOUT = 10.0
STOP_TIMEOUT = 5.0
WATCH_INTERVAL = 0.05

Scope = dict[str, Any]

_HEARD = ("pipeline_events", "push_events", "merge_requests_events")
"""What it is told of: pipelines that end, pushes (some of them reverts), and what becomes of merge requests."""
_SUBSCRIBER = "whoever runs this sandbox"


class SandboxError(RuntimeError):
    """The sandbox could not start; the message says why."""


class Sandbox:
    """A running sandbox; as a context manager it closes itself."""

    def __init__(self, world: World, folder: Path, port: int) -> None:
        self.world = world
        self.folder = folder
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.gitlab_url = f"{self.url}/gitlab"
        self.argocd_url = f"{self.url}/argocd"
        self._stop: Callable[[], None] = lambda: None

    @property
    def gitlab_token(self) -> str:
        """The token of Shipmate's own account at GitLab."""
        return self.gitlab_token_of(company.BOT.name)

    @property
    def argocd_token(self) -> str:
        """The token of Shipmate's own account at Argo CD."""
        return self._token("argocd_token", company.BOT.name)

    def gitlab_token_of(self, username: str) -> str:
        """Return the token of one account at GitLab.

        Raises:
            KeyError: if there is no such account.
        """
        return self._token("gitlab_token", username)

    def _token(self, kind: str, username: str) -> str:
        for entry in self.world.documents.all(kind):
            if entry["username"] == username:
                return str(entry["token"])
        raise KeyError(f"nobody is called {username} in the sandbox")

    @property
    def addresses(self) -> Path:
        """A file, readable by its owner alone, by which other processes find this sandbox: addresses and tokens."""
        return self.folder / "addresses.json"

    def _begin(self, listener: socket.socket) -> None:
        self._stop = _serve(listener, Application(self.world))
        self.world.gitlab.pipelines.recover()
        self._announce()

    def _announce(self) -> None:
        facts = {
            "gitlab_url": self.gitlab_url,
            "gitlab_token": self.gitlab_token,
            "argocd_url": self.argocd_url,
            "argocd_token": self.argocd_token,
            "configuration": str(self.configuration),
        }
        self.addresses.touch(mode=0o600)
        self.addresses.write_text(json.dumps(facts, indent=2))

    @property
    def configuration(self) -> Path:
        """The company's `shipmate.yaml`."""
        return self.folder / "shipmate.yaml"

    @property
    def faults(self) -> Faults:
        """The faults that are on; `fault` switches one on with all it entails."""
        return self.world.faults

    def fault(self, system: str, kind: str, **more: Any) -> Fault:
        """Switch a fault on, as `POST /_sandbox/faults` does.

        Raises:
            FaultError: if there is no such fault.
        """
        return control.switch_on(self.world, {"system": system, "kind": kind, **more})

    def push_broken(self, service: str, kind: str) -> str:
        """Let a colleague push a commit that breaks a service's pipeline, and return its id.

        Raises:
            breakages.BreakageError: if there is no such service or kind of breakage.
        """
        return str(breakages.push(self.world.gitlab, service, kind)["commit"])

    def subscribe(self, url: str, token: str) -> None:
        """Have every project tell an address of its pipelines, pushes and merge requests, as an administrator would; once."""
        documents = self.world.documents
        with documents.lock:
            for hook in documents.all("gitlab_hook"):
                if hook["name"] == _SUBSCRIBER:
                    documents.delete("gitlab_hook", hook["id"])
            for project in documents.all("gitlab_project"):
                number = documents.next_id("gitlab_hook")
                switches = {switch: switch in _HEARD for switch in SWITCHES}
                hook = {
                    "id": number,
                    "project_id": project["id"],
                    "url": url,
                    "name": _SUBSCRIBER,
                    "token": token,
                    "enable_ssl_verification": True,
                    "created_at": self.world.gitlab.now,
                    "deliveries": [],
                    **switches,
                }
                documents.put("gitlab_hook", number, hook)

    def clear_faults(self, system: str = "") -> None:
        """Switch all faults off, or those of one system."""
        control.switch_off(self.world, system)

    def close(self) -> None:
        """Stop serving and end what runs; everything is kept in the state folder."""
        self.addresses.unlink(missing_ok=True)
        self._stop()
        self.world.gitlab.close()
        self.world.documents.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(
    state_dir: Path,
    *,
    port: int = 0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    timings: Timings | None = None,
) -> Sandbox:
    """Start the sandbox in a thread and return once it answers.

    Args:
        state_dir: Shipmate's state folder; the sandbox keeps everything under `sandbox` in it and takes up what it finds.
        port: Where to listen on 127.0.0.1; 0 means any free port.
        clock: The time, for all but how long bash takes.
        timings: How long the cluster takes for things.

    Raises:
        SandboxError: if the port is taken, or git or bash is missing.
    """
    for program in ("git", "bash"):
        if shutil.which(program, path=PATH) is None:
            raise SandboxError(f"The sandbox needs {program}, which is not in {PATH}. Install it and try again.")
    # git runs in other folders, where a relative path would lead nowhere.
    folder = Path(state_dir).resolve() / "sandbox"
    listener = _listen(port)
    bound = int(listener.getsockname()[1])
    world = found(folder, clock, timings or Timings(), f"http://{HOST}:{bound}")
    sandbox = Sandbox(world, folder, bound)
    if not sandbox.configuration.exists():
        sandbox.configuration.write_text(configuration.text())
    sandbox._begin(listener)  # noqa: SLF001 - the handle is made here
    return sandbox


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's delay (40 ms an answer) off only where a socket says that it is TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        taken = f"The sandbox cannot listen on {HOST}:{port} ({error.strerror})."
        raise SandboxError(f"{taken} Choose another port, or 0 for any free one.") from None
    listener.listen(128)
    return listener


def _serve(listener: socket.socket, application: "Application") -> Callable[[], None]:
    import uvicorn  # noqa: PLC0415 - the command line names this module before it knows whether to serve

    config = uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    end = time.monotonic() + START_TIMEOUT
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise SandboxError("The sandbox's server did not start.")
        time.sleep(0.002)

    def stop() -> None:
        application.closing = True
        server.should_exit = True
        thread.join(STOP_TIMEOUT)

    return stop


class Application:
    """The ASGI application: finds the stand-in, meets faults, and leaves the work to threads."""

    def __init__(self, world: World) -> None:
        self.closing = False
        self._world = world

    async def __call__(self, scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        call = _call(scope, await _body(receive))
        system, _, rest = call.path.lstrip("/").partition("/")
        fault = self._world.faults.meet(system, call.method, f"/{rest}")
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "cut_headers":
            _cut(send, b"HTTP/1.1 200 OK\r\ncontent-ty")
            return
        answer = _refused(fault)
        if answer is None:
            answer = await asyncio.to_thread(self._answer, call, system)
        if fault is not None and fault.kind == "cut_body":
            half = answer.body[: len(answer.body) // 2]
            _cut(
                send,
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                % (len(answer.body) + 1)
                + half,
            )
            return
        await self._send(call, answer, send)

    def _answer(self, call: Call, system: str) -> Answer:
        try:
            if system == "gitlab":
                call.base_url, call.path = f"{call.base_url}/gitlab", call.path.removeprefix("/gitlab")
                return gitlab_api.answer(self._world.gitlab, call)
            if system == "argocd":
                call.path = call.path.removeprefix("/argocd")
                return argocd_api.answer(self._world.argocd, call)
            return control.answer(self._world, call)
        except Exception as error:  # noqa: BLE001 - a fault of the stand-in is a 500, as it would be there
            return Answer.json(
                {"message": "500 Internal Server Error", "error": f"{type(error).__name__}: {error}", "code": 13}, 500
            )

    async def _send(self, call: Call, answer: Answer, send: Callable[[Any], Any]) -> None:
        headers = dict(answer.headers)
        if answer.stream is None and answer.status != 204:  # noqa: PLR2004 - "no content" has no length
            headers["content-length"] = str(len(answer.body))
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if answer.stream is None:
            await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else answer.body})
            return
        while not self.closing:
            piece = await asyncio.to_thread(next, answer.stream)
            if piece is None:
                await asyncio.sleep(WATCH_INTERVAL)
                if getattr(send, "__self__", None) is not None and send.__self__.disconnected:  # type: ignore[attr-defined]
                    return
            else:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _call(scope: Scope, body: bytes) -> Call:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii")
    base_url = f"http://{headers.get('host', HOST)}"
    return Call(scope["method"], raw_path, scope["query_string"].decode("ascii"), headers, body, base_url)


async def _body(receive: Callable[[], Any]) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _refused(fault: Fault | None) -> Answer | None:
    if fault is not None and fault.kind == "rate_limited":
        wait = str(max(0, round(fault.seconds)))
        return Answer(429, b"Retry later\n", {"content-type": "text/plain", "retry-after": wait})
    if fault is not None and fault.kind == "conflict":
        return Answer.json({"message": "Could not update refs/heads/main. Please refresh and try again."}, 400)
    if fault is not None and fault.kind == "server_error":
        return Answer.json({"message": "500 Internal Server Error", "error": "Internal Server Error", "code": 13}, 500)
    return None


def _cut(send: Any, data: bytes) -> None:
    """Write raw bytes and hang up: ASGI itself cannot break off in the middle, so this reaches uvicorn's transport."""
    transport = send.__self__.transport
    transport.write(data)
    transport.close()
