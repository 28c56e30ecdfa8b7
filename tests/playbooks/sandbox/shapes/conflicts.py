"""pb-dep-003: versions that cannot hold together, or that do not exist."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import INDEXED, LOUD, NPM, NPMRC, PIP, RUN, Case, job, text
from tests.playbooks.sandbox.shapes.node_packages import LOCK, PACKAGE
from tests.playbooks.sandbox.shapes.python_packages import BACKEND, BUILT

_UNLOCKED = "npm install --no-package-lock --no-audit --no-fund"

CASES = (
    Case(
        "pin that another package contradicts",
        "pb-dep-003",
        job(f"{LOUD} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "shadelib==3.0.0\nwicklib==1.1.0\n", "app.py": "import shadelib\n"},
        becomes=("wicklib==1.2.0",),
        is_quick=True,
    ),
    Case(
        "version that does not exist",
        "pb-dep-003",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "lanternlib==1.9.0\n", "app.py": "import lanternlib\n"},
        becomes=("lanternlib==1.4.0",),
    ),
    Case(
        "constraint that another package contradicts",
        "pb-dep-003",
        job(f"{LOUD} -r requirements.txt -c constraints.txt", RUN),
        {
            "requirements.txt": INDEXED + "shadelib==3.0.0\n",
            "constraints.txt": "# what all services share\nwicklib==1.1.0\n",
            "app.py": "import shadelib\n",
        },
        becomes=("# what all services share\nwicklib==1.2.0\n",),
    ),
    Case(
        "pin of a project with pyproject.toml",
        "pb-dep-003",
        job(
            f"{LOUD} --no-build-isolation .",
            "PYTHONPATH=.packages python3 -m shop",
            more="  variables: {PIP_INDEX_URL: {index}/simple}\n",
        ),
        {
            "backend.py": BACKEND,
            "pyproject.toml": BUILT
            + '\n[project]\nname = "shop"\nversion = "1.0"\ndependencies = ["shadelib==3.0.0", "wicklib==1.1.0"]\n',
            "shop.py": "import shadelib\n",
        },
        becomes=('dependencies = ["shadelib==3.0.0", "wicklib==1.2.0"]',),
    ),
    Case(
        "package that is required twice",
        "pb-dep-003",
        job(f"{LOUD} -r requirements.txt", RUN),
        {
            "requirements.txt": INDEXED + "lanternlib==1.3.0\nwicklib==1.2.0\nlanternlib==1.4.0  # new\n",
            "app.py": "import lanternlib\n",
        },
        becomes=("wicklib==1.2.0\nlanternlib==1.4.0  # new\n",),
    ),
    Case(
        "npm lock that is out of step",
        "pb-dep-003",
        job(NPM, "node app.js"),
        {
            "package.json": PACKAGE.replace("{}", '{\n    "left-lantern": "^3.0.1"\n  }'),
            "package-lock.json": LOCK,
            ".npmrc": NPMRC,
            "app.js": "require('left-lantern')\n",
        },
        becomes=("left-lantern-3.0.2.tgz",),
    ),
    Case(
        "npm version that does not exist",
        "pb-dep-003",
        job(_UNLOCKED, "node app.js"),
        {
            "package.json": PACKAGE.replace("{}", '{\n    "left-lantern": "~3.7.0"\n  }'),
            ".npmrc": NPMRC,
            "app.js": "require('left-lantern')\n",
        },
        becomes=('"left-lantern": "~3.0.2"',),
    ),
    Case(
        "npm package whose peer is another",
        "pb-dep-003",
        job(_UNLOCKED, "node app.js"),
        {
            "package.json": text(
                """
                {
                  "name": "shop",
                  "version": "1.0.0",
                  "dependencies": {
                    "left-lantern": "^3.0.1"
                  },
                  "devDependencies": {
                    "right-lantern": "^2.0.0"
                  }
                }
                """
            ),
            ".npmrc": NPMRC,
            "app.js": "require('left-lantern')\n",
        },
        becomes=('"left-lantern": "^3.0.1"', '"right-lantern": "^1.0.0"'),
    ),
)
