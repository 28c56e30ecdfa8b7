"""pb-resource-002: jobs that keep more than the disk holds."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import INDEXED, PIP, Case, job

CASES = (
    Case(
        "history that fills the disk",
        "pb-resource-002",
        job('test -n "$GIT_DEPTH" || echo history > /dev/full'),
        becomes=('GIT_DEPTH: "10"',),
        is_quick=True,
    ),
    Case(
        "downloads of pip that fill the disk",
        "pb-resource-002",
        job(f"{PIP} -r requirements.txt", "bash room.sh", more='  variables:\n    GIT_DEPTH: "1"\n'),
        {
            "requirements.txt": INDEXED + "wicklib==1.1.0\n",
            "room.sh": 'test -n "$PIP_NO_CACHE_DIR" || dd if=/dev/zero of=/dev/full bs=1k count=1\n',
        },
        becomes=('GIT_DEPTH: "1"', 'PIP_NO_CACHE_DIR: "1"'),
    ),
    Case(
        "downloads of npm that fill the disk",
        "pb-resource-002",
        job("npm run build", more='  variables:\n    GIT_DEPTH: "1"\n'),
        {
            "package.json": '{\n  "name": "shop",\n  "scripts": {\n    "build": "node build.js"\n  }\n}\n',
            "build.js": (
                "const kept = process.env.npm_config_cache || ''\n"
                "require('fs').writeFileSync(kept.startsWith('/tmp/npm-cache') ? '/dev/null' : '/dev/full', 'built')\n"
            ),
        },
        becomes=("npm_config_cache:",),
    ),
)
