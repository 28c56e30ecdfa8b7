"""pb-env-001: variables that a job needs and nobody set."""

from __future__ import annotations

from tests.playbooks.sandbox.shape import Case, job, text

_READS = "import os\n\nprint(os.environ['SHOP_LOCALE'])\n"

CASES = (
    Case(
        "variable with a harmless example",
        "pb-env-001",
        job("python3 app.py"),
        {".env.example": "SHOP_LOCALE=en_GB\n", "app.py": _READS},
        becomes=('SHOP_LOCALE: "en_GB"',),
        is_quick=True,
    ),
    Case(
        "variable with a slip in its name",
        "pb-env-001",
        job("python3 app.py", more="  variables:\n    SHOP_LOCAEL: en_GB  # Britain\n"),
        {"app.py": _READS},
        becomes=("SHOP_LOCALE: en_GB  # Britain",),
    ),
    Case(
        "variable that Node wants",
        "pb-env-001",
        job("node app.js", more='  variables:\n    SHOP_TAX: "19"\n'),
        {
            ".env.sample": "# how prices are shown\nSHOP_CURRENCY=EUR # ISO 4217\n",
            "app.js": text(
                """
                const currency = process.env.SHOP_CURRENCY
                if (!currency) throw new Error('SHOP_CURRENCY is not set')
                """
            ),
        },
        becomes=('SHOP_TAX: "19"', 'SHOP_CURRENCY: "EUR"'),
    ),
    Case(
        "variable that the shell wants",
        "pb-env-001",
        job("bash -u build.sh"),
        {".env.dist": "export SHOP_FLAVOUR='plain'\n", "build.sh": 'echo "building $SHOP_FLAVOUR"\n'},
        becomes=('SHOP_FLAVOUR: "plain"',),
    ),
    Case(
        "variable that a person knows",
        "pb-env-001",
        job("python3 app.py"),
        {"app.py": "import os\n\nassert len(os.environ['SHOP_API_TOKEN']) > 8\n"},
        value="a-value-only-lena-knows",
    ),
)
