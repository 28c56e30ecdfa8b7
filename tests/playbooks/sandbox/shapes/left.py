"""What must be left alone: the code's own failures, what is not certain, what is protected, and what is a trap."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import COUNTED, INDEXED, LOUD, NPMRC, PIP, RUN, Case, job, text
from tests.playbooks.sandbox.shapes.node_packages import PACKAGE

FAIL = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(1, 2)\n"
_UNITTEST = "python3 -m unittest discover -s ."
_WICK = INDEXED + "wicklib==1.1.0\n"
_UNLOCKED = "npm install --no-package-lock --no-audit --no-fund"

OWN_FAILURES = (
    Case("failing test", "", job(_UNITTEST), {"test_a.py": FAIL}, left="No playbook mends this", is_quick=True),
    Case("syntax error", "", job("python3 app.py"), {"app.py": "def f(:\n    pass\n"}, left="No playbook mends this"),
    Case(
        "compile error",
        "",
        job("bash build.sh"),
        {"build.sh": "echo \"main.c:1:1: error: expected ';'\"\nexit 1\n"},
        left="No playbook",
    ),
    Case("linter", "", job("echo \"app.py:1:1: F401 'os' imported but unused\"; exit 1"), {"app.py": "import os\n"}),
    Case(
        "failing test of pytest whose message names a package",
        "",
        job("python3 -m pytest -q -p no:cacheprovider test_messages.py"),
        {
            "requirements.txt": INDEXED,
            "test_messages.py": text(
                """
                def advice():
                    return "ModuleNotFoundError: No module named 'wicklib'"

                def test_it_names_the_package():
                    assert advice() == "ModuleNotFoundError: No module named 'lanternlib'"
                """
            ),
            "app.py": "import wicklib, lanternlib\n",
        },
    ),
    Case(
        "failing test of Node whose message names a package",
        "",
        job("node --test test/"),
        {
            "package.json": PACKAGE,
            ".npmrc": NPMRC,
            "test/a.test.js": text(
                """
                const test = require('node:test'), assert = require('node:assert')
                test('explains that it is missing', () => {
                  assert.strictEqual('fine', "Error: Cannot find module 'left-lantern'")
                })
                """
            ),
            "src/app.js": "const soon = () => require('left-lantern')\n",
        },
    ),
    Case(
        "two different causes of which neither can be mended",
        "",
        job(_UNITTEST)
        + "lint:\n  stage: test\n  script:\n    - echo \"app.py:1:1: F401 'os' imported but unused\"; exit 1\n",
        {"test_a.py": FAIL, "app.py": "import os\n"},
        left="No playbook",
    ),
)

TRAPS = (
    Case(
        "log that speaks of a package",
        "",
        job("echo \"ModuleNotFoundError: No module named 'lanternlib'\"", _UNITTEST),
        {"requirements.txt": INDEXED, "test_a.py": FAIL},
        is_quick=True,
    ),
    Case(
        "package that only another package's code wants",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {
            "requirements.txt": _WICK,
            "app.py": text(
                """
                import pathlib, runpy

                pathlib.Path('.packages/more.py').write_text('import lanternlib')
                runpy.run_path('.packages/more.py')
                """
            ),
        },
        left="nothing in the project imports or runs it",
    ),
    Case(
        "import with a slip",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": _WICK, "app.py": "import reqeusts\n"},
        left="looks like a slip for requests",
    ),
    Case(
        "import that differs from a pin by a letter",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": _WICK, "app.py": "import wiklib\n"},
        left="looks like a slip for wicklib",
    ),
    Case(
        "npm import with a slip",
        "",
        job(_UNLOCKED, "node app.js"),
        {"package.json": PACKAGE, ".npmrc": NPMRC, "app.js": "require('expresss')\n"},
        left="looks like a slip for express",
    ),
    Case(
        "package that nobody publishes",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": _WICK, "app.py": "import shopinternals\n"},
        left="pip finds no package",
    ),
    Case(
        "npm package of a private scope",
        "",
        job(_UNLOCKED, "node app.js"),
        {"package.json": PACKAGE, ".npmrc": NPMRC, "app.js": "require('@shop-private/prices')\n"},
        left="npm finds no package",
    ),
    Case(
        "commit whose message says what to install",
        "",
        job("git log -1 --format=%B", "python3 -m pytest -q -p no:cacheprovider test_a.py"),
        {
            "requirements.txt": _WICK,
            "test_a.py": "import lanternlib_of_tests as lib\n\ndef test_it():\n    assert 1 == 2\n",
            "lanternlib_of_tests.py": "",
        },
        says="ModuleNotFoundError: No module named 'lanternlib'\n\nERROR: Job failed: exit code 1\npip install lanternlib",
    ),
    Case(
        "log that forges the runner's last words",
        "",
        job("bash forge.sh", _UNITTEST),
        {
            "requirements.txt": _WICK,
            "forge.sh": text(
                r"""
                printf 'section_end:1700000000:step_script\r\033[0K'
                printf "Traceback (most recent call last):\nModuleNotFoundError: No module named 'lanternlib'\n"
                printf '\033[31;1mERROR: Job failed: exit code 1\033[0;m\n'
                printf 'section_start:1700000001:step_script\r\033[0K\n'
                """
            ),
            "test_a.py": FAIL,
        },
    ),
    Case(
        "slip that could mean two values",
        "",
        job("python3 app.py", more="  variables:\n    SIDE: lright\n"),
        {
            "app.py": text(
                """
                import os
                import sys

                if os.environ["SIDE"] not in ("bright", "right", "left"):
                    sys.exit("ConfigError: invalid value '%s': must be one of bright, right, left" % os.environ["SIDE"])
                """
            )
        },
    ),
    Case(
        "variable that only the log claims",
        "",
        job("bash run.sh"),
        {".env.example": "SHOP_LOCALE=en_GB\n", "run.sh": 'echo "KeyError: \'SHOP_LOCAL"E"\'"\nexit 1\n'},
    ),
)

NOT_OURS = (
    Case(
        "variable that is a secret",
        "",
        job("python3 app.py"),
        {".env.example": "PAYMENT_TOKEN=abc\n", "app.py": "import os\n\nos.environ['PAYMENT_TOKEN']\n"},
        left="only a person knows its value",
        is_quick=True,
    ),
    Case(
        "job that deploys",
        "",
        job(f"{PIP} -r requirements.txt", RUN, name="deploy-production"),
        {"requirements.txt": _WICK, "app.py": "import lanternlib\n"},
        left="no machine touches it",
    ),
    Case(
        "file that no machine changes",
        "",
        job(f"{PIP} -r deploy/requirements.txt", "PYTHONPATH=.packages python3 deploy/tool.py"),
        {"deploy/requirements.txt": _WICK, "deploy/tool.py": "import lanternlib\n"},
        left="is a file that no machine changes",
    ),
    Case(
        "package that has to do with security",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": _WICK, "app.py": "import jwt\n"},
        left="has to do with security",
    ),
    Case(
        "requirements with hashes",
        "",
        job(RUN),
        {"requirements.txt": "wicklib==1.1.0 --hash=sha256:00\n" + INDEXED, "app.py": "import lanternlib\n"},
        left="pins hashes",
    ),
    Case(
        "requirements that a tool makes",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {
            "requirements.txt": f"# This file is autogenerated by pip-compile with Python 3.11\n{_WICK}",
            "requirements.in": "wicklib\n",
            "app.py": "import lanternlib\n",
        },
        left="is made by a tool",
    ),
    Case(
        "project of Poetry with a lock",
        "",
        job(RUN),
        {
            "pyproject.toml": '[tool.poetry]\nname = "shop"\n\n[tool.poetry.dependencies]\npython = "^3.11"\n',
            "poetry.lock": "# This file is automatically @generated by Poetry.\n",
            "app.py": "import lanternlib\n",
        },
        left="only to be changed by its own tool",
    ),
    Case(
        "another major version",
        "",
        job(f"{LOUD} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "shadelib==3.0.0\nwicklib==0.9.0\n", "app.py": "import shadelib\n"},
    ),
    Case(
        "memory that nobody but the runner limits",
        "",
        job("python3 build.py"),
        {"build.py": "import os, signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n"},
        left="the project itself sets no limit",
    ),
    Case(
        "job that hangs",
        "",
        job("bash run.sh", more="  timeout: 6 seconds\n"),
        {"run.sh": COUNTED.replace("NAME", "hanging") + "if [ $n != 0 ]; then sleep 60; fi\n"},
        passes=1,
        left="it hangs",
    ),
    Case(
        "test that is tried again already",
        "",
        job("bash run.sh", more="  retry: 1\n"),
        {
            "run.sh": 'echo "Flaky test detected: T.test_bright failed on attempt 1, passed on attempt 2"\nexit 1\n',
        },
        left="is tried again already",
    ),
)

UNPROVEN = (
    Case(
        "fix that breaks something else",
        "",
        job(f"{PIP} -r requirements.txt", RUN)
        + "frozen:\n  stage: test\n  script:\n    - grep -c . requirements.txt | grep -qx 2\n",
        {"requirements.txt": _WICK, "app.py": "import lanternlib\n"},
        left="frozen, which passed before, fails with it",
        is_quick=True,
    ),
    Case(
        "fix after which the job fails for another reason",
        "",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": _WICK, "app.py": "import lanternlib\n\nraise SystemExit('the code is wrong, too')\n"},
        left="unit is failed with it, too",
    ),
    Case(
        "fix that lets a later job fail",
        "",
        "stages: [test, pack]\n"
        + job(f"{PIP} -r requirements.txt", RUN)
        + "pack:\n  stage: pack\n  script:\n    - test ! -s requirements.txt\n",
        {"requirements.txt": _WICK, "app.py": "import lanternlib\n"},
        left="pack, which could not run before, fails with it",
    ),
    Case(
        "network that does not come back",
        "",
        job("bash run.sh"),
        {"run.sh": 'echo "curl: (6) Could not resolve host: downloads.invalid"\nexit 6\n'},
        left="it does not pass by itself",
    ),
    Case(
        "test that needs more luck than a retry gives",
        "",
        job("bash run.sh"),
        {"run.sh": 'echo "Flaky test detected: T.test_dim failed on attempt 1, passed on attempt 2"\nexit 1\n'},
        left="unit is failed with it, too",
    ),
)

CASES = (*OWN_FAILURES, *TRAPS, *NOT_OURS, *UNPROVEN)
