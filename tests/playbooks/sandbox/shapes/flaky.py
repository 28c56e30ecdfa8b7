"""pb-test-002: tests that do not always pass."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import COUNTED, Case, job, text

CASES = (
    Case(
        "test that does not always pass",
        "pb-test-002",
        job("bash run.sh"),
        {
            "run.sh": COUNTED.replace("NAME", "flaky")
            + "if [ $((n % 2)) = 0 ]; then\n"
            + '  echo "Flaky test detected: T.test_bright failed on attempt 1, passed on attempt 2"\n  exit 1\nfi\n'
        },
        becomes=("retry: 2",),
        is_quick=True,
    ),
    Case(
        "test of pytest that passed on the same commit",
        "pb-test-002",
        job("python3 -m pytest -q -p no:cacheprovider test_lamp.py"),
        {
            "test_lamp.py": text(
                """
                import pathlib

                def test_it_shines():
                    count = pathlib.Path("{state}/pytest-flaky")
                    runs = int(count.read_text()) if count.exists() else 0
                    count.write_text(str(runs + 1))
                    assert runs % 2 == 0
                """
            )
        },
        becomes=("retry: 2",),
        passes=1,
    ),
    Case(
        "test of a browser that passes at the second try",
        "pb-test-002",
        job("node e2e.js --fail-on-flaky-tests"),
        {
            "e2e.js": text(
                """
                const fs = require('fs'), path = '{state}/browser-flaky'
                const runs = fs.existsSync(path) ? Number(fs.readFileSync(path)) : 0
                fs.writeFileSync(path, String(runs + 1))
                if (runs % 2 == 0) {
                  console.log('  1 flaky')
                  console.log('    [chromium] shop.spec.js:3:1 the basket opens')
                  console.log('  4 passed (2.1s)')
                  process.exit(1)
                }
                console.log('  5 passed (2.1s)')
                """
            )
        },
        becomes=("retry: 2",),
    ),
)
