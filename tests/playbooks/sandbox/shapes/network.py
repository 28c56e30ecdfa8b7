"""pb-infra-001: networks that do not answer, and then do."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import COUNTED, PIP, Case, job
from tests.playbooks.sandbox.shapes.node_packages import PACKAGE

CASES = (
    Case(
        "network that comes back",
        "pb-infra-001",
        job("bash run.sh"),
        {
            "run.sh": COUNTED.replace("NAME", "network")
            + 'if [ $n = 0 ]; then\n  echo "curl: (6) Could not resolve host: downloads.invalid"\n  exit 6\nfi\n'
        },
        is_quick=True,
    ),
    Case(
        "download by curl that comes at the second try",
        "pb-infra-001",
        job(
            "curl -sSf -o wick.whl http://packages.example/unsteady/curl/files/wicklib-1.1.0-py3-none-any.whl",
            more="  variables:\n    http_proxy: {proxy}\n",
        ),
    ),
    Case(
        "package of pip that comes at the second try",
        "pb-infra-001",
        job(f"{PIP} -r requirements.txt", more='  variables:\n    http_proxy: {proxy}\n    PIP_RETRIES: "0"\n'),
        {
            "requirements.txt": (
                "--index-url http://packages.example/unsteady/pip/simple\n--trusted-host packages.example\nwicklib==1.1.0\n"
            )
        },
    ),
    Case(
        "package of npm that comes at the second try",
        "pb-infra-001",
        job("npm install --no-package-lock --no-audit --no-fund"),
        {
            "package.json": PACKAGE.replace("{}", '{\n    "left-lantern": "3.0.1"\n  }'),
            ".npmrc": "registry=http://packages.example/unsteady/npm/npm/\nproxy={proxy}\nfetch-retries=0\n",
        },
    ),
)
