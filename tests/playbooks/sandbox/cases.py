"""Real broken repositories: what breaks each, which playbook mends it, and those that must be left alone."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from tests.playbooks.sandbox.index import wheel

PIP = "python3 -m pip install --quiet --disable-pip-version-check --target .packages"
LOUD = PIP.replace("--quiet ", "")
RUN = "PYTHONPATH=.packages python3 app.py"


@dataclass(frozen=True)
class Case:
    """A repository that fails.

    Attributes:
        playbook: the playbook that mends it; empty where people have to.
        ci: its `.gitlab-ci.yml`; `{index}` is the package index, `{npm}` the registry, `{state}` a folder that lasts.
        files: its other files, with the same placeholders.
        becomes: what the fix must have in one of its files.
        left: what is said where it is left alone.
    """

    name: str
    playbook: str
    ci: str
    files: dict[str, str | bytes]
    becomes: str = ""
    left: str = ""


FAIL = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(1, 2)\n"


def job(*script: str, more: str = "", name: str = "unit") -> str:
    """A CI file of one job."""
    lines = "\n".join(f"    - {line}" for line in script)
    return f"# What runs at every push.\n{name}:\n  stage: test\n{more}  script:\n{lines}\n"


def _text(text: str) -> str:
    return dedent(text).lstrip("\n")


INDEXED = "--index-url {index}/simple\n"
PACKAGE = '{\n  "name": "shop",\n  "version": "1.0.0",\n  "dependencies": {}\n}\n'
LOCK = (
    '{\n  "name": "shop",\n  "version": "1.0.0",\n  "lockfileVersion": 3,\n  "requires": true,\n'
    '  "packages": {\n    "": {\n      "name": "shop",\n      "version": "1.0.0"\n    }\n  }\n}\n'
)
ONCE = "n=$(cat {state}/NAME 2>/dev/null || echo 0); echo $((n+1)) > {state}/NAME; "

MENDED = (
    Case(
        "python package from an index",
        "pb-dep-001",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "wicklib==1.1.0\n", "app.py": "import lanternlib\n"},
        becomes="wicklib==1.1.0\nlanternlib==1.4.0",
    ),
    Case(
        "python package from a folder of the repository",
        "pb-dep-001",
        job(f"{PIP} -r requirements.txt", RUN),
        {
            "requirements.txt": "--no-index\n--find-links wheels\nwicklib==1.1.0  # held\n",
            "wheels/wicklib-1.1.0-py3-none-any.whl": wheel("wicklib", "1.1.0"),
            "wheels/lantern_colours-1.2.0-py3-none-any.whl": wheel("lantern-colours", "1.2.0"),
            "app.py": "from lantern_colours import *\n",
        },
        becomes="wicklib==1.1.0  # held\nlantern-colours==1.2.0",
    ),
    Case(
        "python package that is named otherwise",
        "pb-dep-001",
        job(f"{PIP} -r requirements-dev.txt", "PYTHONPATH=.packages python3 -m unittest discover -s tests"),
        {
            "requirements-dev.txt": INDEXED + "wicklib>=1.1\n",
            "tests/test_a.py": "import yaml\n" + FAIL.replace("1, 2", "yaml.safe_load(''), {}"),
        },
        becomes="PyYAML>=6.0.2",
    ),
    Case(
        "npm package",
        "pb-dep-002",
        job("npm ci --no-audit --no-fund", "node src/app.js"),
        {
            "package.json": PACKAGE,
            "package-lock.json": LOCK,
            ".npmrc": "registry={npm}/\n",
            "src/app.js": "require('left-lantern')\n",
        },
        becomes='"left-lantern": "^3.0.2"',
    ),
    Case(
        "pin that another package contradicts",
        "pb-dep-003",
        job(f"{LOUD} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "shadelib==3.0.0\nwicklib==1.1.0\n", "app.py": "import shadelib\n"},
        becomes="wicklib==1.2.0",
    ),
    Case(
        "version that does not exist",
        "pb-dep-003",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "lanternlib==1.9.0\n", "app.py": "import lanternlib\n"},
        becomes="lanternlib==1.4.0",
    ),
    Case(
        "variable with a harmless example",
        "pb-env-001",
        job("python3 app.py"),
        {".env.example": "SHOP_LOCALE=en_GB\n", "app.py": "import os\n\nprint(os.environ['SHOP_LOCALE'])\n"},
        becomes='SHOP_LOCALE: "en_GB"',
    ),
    Case(
        "variable with a slip in its name",
        "pb-env-001",
        job("python3 app.py", more="  variables:\n    SHOP_LOCAEL: en_GB  # Britain\n"),
        {"app.py": "import os\n\nprint(os.environ['SHOP_LOCALE'])\n"},
        becomes="SHOP_LOCALE: en_GB  # Britain",
    ),
    Case(
        "stage that does not exist",
        "pb-env-002",
        "stages: [build, test]\n" + job("echo fine").replace("stage: test", "stage: tset  # quick"),
        {},
        becomes="stage: test  # quick",
    ),
    Case(
        "value that is not one of few",
        "pb-env-002",
        job("python3 app.py", more="  variables:\n    LEVEL: debgu\n"),
        {
            "app.py": _text(
                """
                import os
                import sys

                level = os.environ["LEVEL"]
                if level not in ("debug", "info", "error"):
                    sys.exit(f"ConfigError: invalid log level '{{level}}': must be one of debug, info, error")
                """
            )
        },
        becomes="LEVEL: debug",
    ),
    Case(
        "job that needs more time",
        "pb-test-001",
        job("sleep 3", more="  timeout: 2 seconds  # enough\n"),
        {},
        becomes="timeout: 4 seconds  # enough",
    ),
    Case(
        "test that does not always pass",
        "pb-test-002",
        job("bash run.sh"),
        {
            "run.sh": ONCE.replace("NAME", "flaky")
            + "if [ $((n % 2)) = 0 ]; then\n"
            + '  echo "Flaky test detected: T.test_bright failed on attempt 1, passed on attempt 2"\n  exit 1\nfi\n'
        },
        becomes="retry: 2",
    ),
    Case(
        "heap of Node",
        "pb-resource-001",
        job('node -e "const a = []; for (let i = 0; i < 14; i++) a.push(new Array(1e6).fill(i + 0.5))"').replace(
            "  script:", "  variables:\n    NODE_OPTIONS: --max-old-space-size=64\n  script:"
        ),
        {},
        becomes="--max-old-space-size=128",
    ),
    Case(
        "disk that is full",
        "pb-resource-002",
        job('test -n "$GIT_DEPTH" || echo history > /dev/full'),
        {},
        becomes='GIT_DEPTH: "10"',
    ),
    Case(
        "network that comes back",
        "pb-infra-001",
        job("bash run.sh"),
        {
            "run.sh": ONCE.replace("NAME", "network")
            + 'if [ $n = 0 ]; then\n  echo "curl: (6) Could not resolve host: downloads.invalid"\n  exit 6\nfi\n'
        },
    ),
)

LEFT = (
    Case(
        "failing test", "", job("python3 -m unittest discover -s ."), {"test_a.py": FAIL}, left="No playbook mends this"
    ),
    Case("syntax error", "", job("python3 app.py"), {"app.py": "def f(:\n    pass\n"}, left="No playbook mends this"),
    Case(
        "compile error",
        "",
        job("bash build.sh"),
        {"build.sh": "echo \"main.c:1:1: error: expected ';'\"\nexit 1\n"},
        left="No playbook",
    ),
    Case(
        "log that speaks of a package",
        "",
        job("echo \"ModuleNotFoundError: No module named 'lanternlib'\"", "python3 -m unittest discover -s ."),
        {"requirements.txt": INDEXED, "test_a.py": FAIL},
        left="",
    ),
    Case(
        "import with a slip",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "wicklib==1.1.0\n", "app.py": "import reqeusts\n"},
        left="looks like a slip for requests",
    ),
    Case(
        "package that nobody publishes",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "wicklib==1.1.0\n", "app.py": "import shopinternals\n"},
        left="pip finds no package",
    ),
    Case(
        "variable that is a secret",
        "",
        job("python3 app.py"),
        {".env.example": "PAYMENT_TOKEN=abc\n", "app.py": "import os\n\nos.environ['PAYMENT_TOKEN']\n"},
        left="only a person knows its value",
    ),
    Case(
        "job that deploys",
        "",
        job(f"{PIP} -r requirements.txt", RUN, name="deploy-production"),
        {"requirements.txt": INDEXED + "wicklib==1.1.0\n", "app.py": "import lanternlib\n"},
        left="no machine touches it",
    ),
    Case(
        "requirements with hashes",
        "",
        job(RUN),
        {"requirements.txt": "wicklib==1.1.0 --hash=sha256:00\n" + INDEXED, "app.py": "import lanternlib\n"},
        left="pins hashes",
    ),
    Case(
        "another major version",
        "",
        job(f"{LOUD} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "shadelib==3.0.0\nwicklib==0.9.0\n", "app.py": "import shadelib\n"},
        left="",
    ),
    Case(
        "linter",
        "",
        job("echo \"app.py:1:1: F401 'os' imported but unused\"; exit 1"),
        {"app.py": "import os\n"},
        left="",
    ),
    Case(
        "fix that breaks something else",
        "",
        job(f"{PIP} -r requirements.txt", RUN)
        + "frozen:\n  stage: test\n  script:\n    - grep -c . requirements.txt | grep -qx 2\n",
        {"requirements.txt": INDEXED + "wicklib==1.1.0\n", "app.py": "import lanternlib\n"},
        left="frozen, which passed before, fails with it",
    ),
)
