"""pb-resource-001: jobs that run out of the memory which the project itself gives them."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import Case, job, text

_HOARD = "const a = []; for (let i = 0; i < 14; i++) a.push(new Array(1e6).fill(i + 0.5))"

CASES = (
    Case(
        "heap of Node in a variable",
        "pb-resource-001",
        job(f'node -e "{_HOARD}"', more="  variables:\n    NODE_OPTIONS: --max-old-space-size=64\n"),
        becomes=("--max-old-space-size=128",),
        is_quick=True,
    ),
    Case(
        "heap of Node in a script of package.json",
        "pb-resource-001",
        job("npm run build"),
        {
            "package.json": (
                '{\n  "name": "shop",\n  "scripts": {\n    "build": "node --max-old-space-size=64 build.js"\n  }\n}\n'
            ),
            "build.js": f"{_HOARD}\n",
        },
        becomes=('"node --max-old-space-size=128 build.js"',),
    ),
    Case(
        "too many workers at once",
        "pb-resource-001",
        job("python3 build.py --workers 4"),
        {
            "build.py": text(
                """
                import os, signal, sys

                # Four workers are more than this machine's memory holds, and the kernel ends what asks for too much.
                if int(sys.argv[2]) > 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                """
            )
        },
        becomes=("python3 build.py --workers 2",),
    ),
    Case(
        "memory of the pod",
        "pb-resource-001",
        job(
            "bash pod.sh python3 build.py",
            more="  variables:\n    KUBERNETES_MEMORY_REQUEST: 200Mi\n    KUBERNETES_MEMORY_LIMIT: 200Mi  # as the others\n",
        ),
        {
            "pod.sh": 'ulimit -v $((${KUBERNETES_MEMORY_LIMIT%Mi} * 1024))\n"$@"\n',
            "build.py": "kept = bytearray(250 * 1024 * 1024)\n",
        },
        becomes=('KUBERNETES_MEMORY_REQUEST: "400Mi"', 'KUBERNETES_MEMORY_LIMIT: "400Mi"  # as the others'),
    ),
)
