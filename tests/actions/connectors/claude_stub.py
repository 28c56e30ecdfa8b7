"""A stub of Claude's API: answers POST /v1/messages as it is told, at once or as a stream of events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler], None]


class Stub(ThreadingHTTPServer):
    """Answers POST /v1/messages as it is told, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.behaviour: Behaviour = lambda handler: answer(handler, message())
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what these tests are about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_GET(self) -> None:
        self.server.behaviour(self)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(json.loads(body))
        self.server.behaviour(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Tests need no log."""


def message(*, tool: str = "status", stop: str = "tool_use", content: list[Any] | None = None) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "id": "toolu_1", "name": tool, "input": {"service": "rates"}}]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": blocks if content is None else content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 12, "output_tokens": 3},
    }


def answer(handler: BaseHTTPRequestHandler, body: Any, status: int = 200, **headers: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(raw)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(raw)


def events(*blocks: Mapping[str, Any], stop: str | None = "tool_use", model: str = "claude-sonnet-5-5") -> list[bytes]:
    """The events of a streamed answer with these blocks; without a stop reason it ends before its end."""
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
    usage = {"input_tokens": 20, "output_tokens": 1, "cache_read_input_tokens": 400}
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**start, "stop_reason": None, "stop_sequence": None, "usage": usage}}
    ]
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            told.append({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}})
            told += [
                {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": part}}
                for part in block["text"].splitlines(keepends=True)
            ]
        else:
            told.append({"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}})
            raw = json.dumps(block["input"])
            delta = {"type": "input_json_delta", "partial_json": raw}
            told.append({"type": "content_block_delta", "index": index, "delta": delta})
        told.append({"type": "content_block_stop", "index": index})
    if stop:
        told.append(
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": 30},
            }
        )
        told.append({"type": "message_stop"})
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in told]


def stream(handler: BaseHTTPRequestHandler, parts: Sequence[bytes]) -> None:
    """Answer with events."""
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.end_headers()
    for part in parts:
        handler.wfile.write(part)
    handler.close_connection = True


def text(words: str) -> dict[str, Any]:
    """A block of words."""
    return {"type": "text", "text": words}


def use(tool: str, *, call: str = "toolu_1", **fields: Any) -> dict[str, Any]:
    """A block that wants a tool used."""
    return {"type": "tool_use", "id": call, "name": tool, "input": fields}


@contextmanager
def serving() -> Iterator[Stub]:
    """A stub that serves until the end of the block."""
    with Stub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()
