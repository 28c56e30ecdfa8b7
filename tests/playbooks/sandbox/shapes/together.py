"""Several failures at once in one pipeline: each is mended as far as it can be, on one branch."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import INDEXED, PIP, RUN, Case, job
from tests.playbooks.sandbox.shapes.left import FAIL

_PACKAGE = job(f"{PIP} -r requirements.txt", RUN)
_FILES: dict[str, str | bytes] = {"requirements.txt": INDEXED + "wicklib==1.1.0\n", "app.py": "import lanternlib\n"}

CASES = (
    Case(
        "two failures that can both be mended",
        "pb-dep-001",
        _PACKAGE + "shell:\n  stage: test\n  script:\n    - bash -u build.sh\n",
        {**_FILES, ".env.example": "SHOP_FLAVOUR=plain\n", "build.sh": 'echo "building $SHOP_FLAVOUR"\n'},
        becomes=("lanternlib==1.4.0", 'SHOP_FLAVOUR: "plain"'),
    ),
    Case(
        "two failures of which one is the code's own",
        "pb-dep-001",
        _PACKAGE + "broken:\n  stage: test\n  script:\n    - python3 -m unittest discover -s tests\n",
        {**_FILES, "tests/test_a.py": FAIL},
        becomes=("lanternlib==1.4.0",),
        still=("broken",),
    ),
    Case(
        "two jobs that fail for the same reason",
        "pb-dep-001",
        _PACKAGE + f"again:\n  stage: test\n  script:\n    - {PIP} -r requirements.txt\n    - {RUN}\n",
        _FILES,
        becomes=("wicklib==1.1.0\nlanternlib==1.4.0\n",),
    ),
)
