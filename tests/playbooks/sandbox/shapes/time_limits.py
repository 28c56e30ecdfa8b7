"""pb-test-001: jobs and tests that need more time than the project gives them."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import INDEXED, PIP, Case, job

CASES = (
    Case(
        "job that needs more time",
        "pb-test-001",
        job("sleep 2.5", more="  timeout: 2 seconds  # enough\n"),
        becomes=("timeout: 4 seconds  # enough",),
        is_quick=True,
    ),
    Case(
        "tests of pytest that need more time",
        "pb-test-001",
        job(f"{PIP} -r requirements.txt", "PYTHONPATH=.packages python3 -m pytest -q -p no:cacheprovider"),
        {
            "requirements.txt": INDEXED + "pytest-timeout==2.3.1\n",
            "pytest.ini": "[pytest]\ntimeout = 1\n",
            "test_slow.py": "import time\n\ndef test_it():\n    time.sleep(1.4)\n",
        },
        becomes=("[pytest]\ntimeout = 2\n",),
    ),
    Case(
        "tests of Node that need more time",
        "pb-test-001",
        job("npm test"),
        {
            "package.json": (
                '{\n  "name": "shop",\n  "scripts": {\n    "test": "node --test --test-timeout=1000 test/"\n  }\n}\n'
            ),
            "test/slow.test.js": (
                "require('node:test')('it is slow', () => new Promise(done => setTimeout(done, 1400)))\n"
            ),
        },
        becomes=('"node --test --test-timeout=2000 test/"',),
    ),
    Case(
        "command that is given too little time",
        "pb-test-001",
        job("timeout --verbose 1 python3 slow.py"),
        {"slow.py": "import time\n\ntime.sleep(1.4)\n"},
        becomes=("timeout --verbose 2 python3 slow.py",),
    ),
)
