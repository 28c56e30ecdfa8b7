"""pb-env-002: values that a tool refuses, and whose right form is plain."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import Case, job, text

CASES = (
    Case(
        "stage that does not exist",
        "pb-env-002",
        "stages: [build, test]\n" + job("echo fine").replace("stage: test", "stage: tset  # quick"),
        becomes=("stage: test  # quick",),
        is_quick=True,
    ),
    Case(
        "job that needs one with a slip in its name",
        "pb-env-002",
        job("echo built", name="build-site")
        + "unit:\n  stage: test\n  needs: [build-stie]  # and its files\n  script: [echo tested]\n",
        becomes=("needs: [build-site]  # and its files",),
    ),
    Case(
        "value that is not one of few",
        "pb-env-002",
        job("python3 app.py", more="  variables:\n    LEVEL: debgu\n"),
        {
            "app.py": text(
                """
                import os
                import sys

                level = os.environ["LEVEL"]
                if level not in ("debug", "info", "error"):
                    sys.exit("ConfigError: invalid log level %r: must be one of debug, info, error" % level)
                """
            )
        },
        becomes=("LEVEL: debug",),
    ),
    Case(
        "option that a script is given",
        "pb-env-002",
        job("python3 build.py --flavour plian --fast"),
        {
            "build.py": text(
                """
                import sys

                flavour = sys.argv[sys.argv.index("--flavour") + 1]
                if flavour not in ("plain", "rich"):
                    sys.exit("ConfigError: invalid option '%s': must be one of plain, rich" % flavour)
                """
            )
        },
        becomes=("python3 build.py --flavour plain --fast",),
    ),
    Case(
        "value in a file of settings",
        "pb-env-002",
        job("python3 app.py"),
        {
            "settings.toml": '[log]\nformat = "jsno"  # for the collector\nlevel = "info"\n',
            "app.py": text(
                """
                import sys, tomllib

                found = tomllib.load(open("settings.toml", "rb"))["log"]["format"]
                if found not in ("json", "text"):
                    sys.exit("ConfigError: settings.toml: invalid value '%s': must be one of json, text" % found)
                """
            ),
        },
        becomes=('format = "json"  # for the collector\n',),
    ),
    Case(
        "stray comma in a JSON file that Node reads",
        "pb-env-002",
        job("node app.js"),
        {
            "config/shop.json": '{\n  "currency": "EUR",\n  "taxes": [7, 19],\n}\n',
            "app.js": "console.log(require('./config/shop.json').currency)\n",
        },
        becomes=('"taxes": [7, 19]\n}',),
    ),
)
