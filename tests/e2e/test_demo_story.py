"""The demo as `make demo` starts it, in a fresh folder with nothing set: a pipeline breaks, is mended, proven and merged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

STORY = """\
break checkout's pipeline
merge the fix
pipelines of checkout
"""


def test_a_pipeline_breaks_and_the_chat_tells_how_it_is_mended(
    tmp_path: Path, bare_environment: dict[str, str]
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--json"],
        input=STORY,
        cwd=tmp_path,
        env={**bare_environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    broken, merged, pipelines = (json.loads(line) for line in ran.stdout.splitlines())
    proven = broken["follows"]
    assert (broken["outcome"], proven["outcome"]) == ("broken", "proposed")
    assert proven["buttons"] == ["Merge", "Discard"]
    assert "ModuleNotFoundError" in proven["text"]
    assert "Prove it" in proven["text"]
    assert merged["outcome"] == "merged"
    assert "main is green" in merged["text"]
    newest = pipelines["text"].splitlines()[3]
    assert "success" in newest
    assert "main" in newest
