"""From a job's log and a project's files to what is to be done: as a careful engineer would, or not at all."""

from __future__ import annotations

import json

import pytest

from tests.actions.analysis.remedies.project import CI, mended

END = "ERROR: Job failed: exit code 1\n"


def no_module(name: str) -> str:
    return (
        "$ python -m pytest\nTraceback (most recent call last):\n"
        f'  File "app/main.py", line 3, in <module>\n    import {name}\n'
        f"ModuleNotFoundError: No module named '{name}'\n{END}"
    )


# -- pb-dep-001 -------------------------------------------------------------------------------------------------------


def test_a_missing_package_is_added_in_order_and_in_the_manner_of_the_file() -> None:
    text = "# what runs\nflask==3.0.0\nsix==1.16.0  # old\n"
    found = mended(no_module("requests"), {"requirements.txt": text, "app/main.py": "import requests\n"})
    assert (found.kind, found.playbook) == ("edit", "pb-dep-001")
    assert found.files == {"requirements.txt": "# what runs\nflask==3.0.0\nrequests==2.32.3\nsix==1.16.0  # old\n"}
    assert "app/main.py needs it" in found.advice


def test_a_module_that_is_named_otherwise_than_its_package_is_known() -> None:
    found = mended(no_module("yaml"), {"requirements.txt": "", "app/main.py": "import yaml\n"})
    assert found.files == {"requirements.txt": "PyYAML>=6.0.2\n"}


def test_no_pre_release_is_asked_for() -> None:
    found = mended(
        no_module("lanternlib"), {"requirements.txt": "flask==3.0.0\n", "app/main.py": "from lanternlib import x\n"}
    )
    assert found.files["requirements.txt"] == "flask==3.0.0\nlanternlib==1.4.0\n"


PYPROJECT = """\
[project]
name = "shop"
dependencies = [
    "flask>=3",  # the web
    "six>=1.16"
]
"""


def test_pyproject_keeps_its_comments() -> None:
    ci = CI.replace("-r requirements.txt", ".")
    found = mended(
        no_module("requests"), {".gitlab-ci.yml": ci, "pyproject.toml": PYPROJECT, "app/main.py": "import requests\n"}
    )
    assert found.files["pyproject.toml"] == PYPROJECT.replace(
        '"six>=1.16"\n', '"six>=1.16",\n    "requests>=2.32.3",\n'
    )


def test_setup_cfg() -> None:
    cfg = "[options]\npackages = find:\ninstall_requires =\n    flask~=3.0\n\n[options.extras_require]\ndev = black\n"
    ci = CI.replace("-r requirements.txt", "-e .")
    found = mended(no_module("requests"), {".gitlab-ci.yml": ci, "setup.cfg": cfg, "app/main.py": "import requests\n"})
    assert found.files["setup.cfg"] == cfg.replace("flask~=3.0\n", "flask~=3.0\n    requests~=2.32.3\n")


@pytest.mark.parametrize(
    ("log", "files", "why"),
    [
        (no_module("requests"), {"requirements.txt": "", "app/main.py": "x = 1\n"}, "Only the log speaks of"),
        (no_module("evilpkg"), {"requirements.txt": "", "app/main.py": "import evilpkg\n"}, "pip finds no package"),
        (
            no_module("reqeusts"),
            {"requirements.txt": "", "app/main.py": "import reqeusts\n"},
            "looks like a slip for requests",
        ),
        (
            no_module("shoplib"),
            {"requirements.txt": "shop-lib==1\n", "a.py": "import shoplib\n"},
            "looks like a slip for shop-lib",
        ),
        (
            no_module("app"),
            {"requirements.txt": "", "app/__init__.py": "", "m.py": "import app\n"},
            "No playbook mends this",
        ),
        (no_module("tomllib"), {"requirements.txt": "", "m.py": "import tomllib\n"}, "belongs to Python"),
        (
            no_module("requests"),
            {"requirements.txt": "requests==2.31.0\n", "m.py": "import requests\n"},
            "declares requests already",
        ),
        (
            no_module("requests"),
            {"requirements.txt": "flask==3 --hash=sha256:00\n", "m.py": "import requests\n"},
            "pins hashes",
        ),
        (
            no_module("requests"),
            {"pyproject.toml": PYPROJECT, "poetry.lock": "", "m.py": "import requests\n"},
            "by its own tool",
        ),
    ],
    ids=["unimported", "unpublished", "slip", "near a pin", "own", "stdlib", "declared", "hashes", "poetry"],
)
def test_what_is_not_installed(log: str, files: dict[str, str], why: str) -> None:
    found = mended(log, files)
    assert found.kind == "advise", found
    assert why in found.summary
    assert not found.files


# -- pb-dep-002 -------------------------------------------------------------------------------------------------------

NODE_CI = "unit:\n  script:\n    - npm ci\n    - npm test\n"
PACKAGE = '{\n    "name": "shop",\n    "dependencies": {\n        "express": "^4.18.0"\n    }\n}\n'


def no_node_module(name: str) -> str:
    return f"$ npm test\nnode:internal/modules/cjs/loader:1078\n  throw err;\nError: Cannot find module '{name}'\n{END}"


def test_a_missing_npm_package_is_added_with_the_lock_and_the_indentation() -> None:
    found = mended(
        no_node_module("left-lantern"),
        {
            ".gitlab-ci.yml": NODE_CI,
            "package.json": PACKAGE,
            "package-lock.json": "{}",
            "src/a.js": "const l = require('left-lantern/x');\n",
        },
    )
    assert found.playbook == "pb-dep-002"
    assert found.files["package.json"] == PACKAGE.replace('"^4.18.0"', '"^4.18.0",\n        "left-lantern": "^3.0.2"')
    assert found.files["package-lock.json"] == "{}\n"


def test_what_only_tests_import_is_a_development_package() -> None:
    found = mended(
        no_node_module("left-lantern"),
        {".gitlab-ci.yml": NODE_CI, "package.json": PACKAGE, "test/a.test.js": "import l from 'left-lantern';\n"},
    )
    assert json.loads(found.files["package.json"])["devDependencies"] == {"left-lantern": "^3.0.2"}


@pytest.mark.parametrize(
    ("name", "files", "why"),
    [
        ("left-lantern", {"src/a.js": "// require('left-lantern')\n"}, "Only the log speaks of"),
        ("expres", {"src/a.js": "require('expres')\n"}, "looks like a slip for express"),
        ("no-such-thing", {"src/a.js": "require('no-such-thing')\n"}, "npm finds no package"),
        ("left-lantern", {"src/a.js": "require('left-lantern')\n", "yarn.lock": ""}, "by its own tool"),
    ],
)
def test_which_npm_packages_are_not_installed(name: str, files: dict[str, str], why: str) -> None:
    found = mended(no_node_module(name), {".gitlab-ci.yml": NODE_CI, "package.json": PACKAGE, **files})
    assert found.kind == "advise"
    assert why in found.summary


# -- pb-dep-003 -------------------------------------------------------------------------------------------------------

CONFLICT = f"""\
$ pip install -r requirements.txt
ERROR: Cannot install urllib3==1.25.11 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested urllib3==1.25.11
    requests 2.31.0 depends on urllib3<3 and >=1.26.0

ERROR: ResolutionImpossible: for help visit the documentation
{END}"""


def test_a_pin_moves_as_far_as_the_others_need_and_within_its_major_version() -> None:
    log = CONFLICT.replace("urllib3<3 and >=1.26.0", "urllib3>=1.26.0")
    found = mended(log, {"requirements.txt": "requests==2.31.0\nurllib3==1.25.11  # held\n"})
    assert found.playbook == "pb-dep-003"
    assert found.files == {"requirements.txt": "requests==2.31.0\nurllib3==1.26.18  # held\n"}


def test_another_major_version_is_for_a_person() -> None:
    log = CONFLICT.replace("urllib3<3 and >=1.26.0", "urllib3>=2")
    found = mended(log, {"requirements.txt": "requests==2.31.0\nurllib3==1.25.11\n"})
    assert found.kind == "advise"
    assert "another major version" in found.summary


def test_a_version_that_does_not_exist_gives_way_to_the_nearest() -> None:
    log = (
        "$ pip install -r requirements.txt\n"
        "ERROR: Could not find a version that satisfies the requirement requests==2.99.0 (from versions: 2.31.0, 2.32.3)\n"
        f"ERROR: No matching distribution found for requests==2.99.0\n{END}"
    )
    found = mended(log, {"requirements.txt": "requests==2.99.0\n"})
    assert found.files == {"requirements.txt": "requests==2.32.3\n"}


def test_a_lock_that_is_out_of_step_is_renewed_by_npm() -> None:
    says = "`npm ci` can only install packages when your package.json and package-lock.json are in sync."
    log = f"$ npm ci\nnpm error code EUSAGE\nnpm error {says}\n{END}"
    found = mended(log, {".gitlab-ci.yml": NODE_CI, "package.json": PACKAGE, "package-lock.json": "{ }"})
    assert found.files == {"package-lock.json": "{}\n"}


# -- pb-env-001 -------------------------------------------------------------------------------------------------------


def no_variable(name: str) -> str:
    where = 'Traceback (most recent call last):\n  File "app.py", line 2, in <module>'
    return f"$ python app.py\n{where}\nKeyError: '{name}'\n{END}"


def test_a_secret_is_asked_for_and_never_written() -> None:
    found = mended(
        no_variable("PAYMENT_TOKEN"),
        {".env.example": "PAYMENT_TOKEN=abc\n", "app.py": "import os\nos.environ['PAYMENT_TOKEN']\n"},
    )
    assert (found.kind, found.variable) == ("advise", "PAYMENT_TOKEN")


def test_a_harmless_example_is_taken_over() -> None:
    found = mended(
        no_variable("SHOP_LOCALE"), {".env.example": "SHOP_LOCALE=en_GB\n", "app.py": "os.environ['SHOP_LOCALE']\n"}
    )
    assert found.files[".gitlab-ci.yml"] == CI.replace(
        "  # the quick ones\n  script:", '  variables:\n    SHOP_LOCALE: "en_GB"\n  # the quick ones\n  script:'
    )


def test_a_slip_in_a_name_is_mended() -> None:
    ci = CI.replace("  stage: test\n", "  stage: test\n  variables:\n    SHOP_LOCAEL: en_GB\n")
    found = mended(no_variable("SHOP_LOCALE"), {".gitlab-ci.yml": ci, "app.py": "os.environ['SHOP_LOCALE']\n"})
    assert found.files[".gitlab-ci.yml"] == ci.replace("SHOP_LOCAEL", "SHOP_LOCALE")


# -- pb-env-002 -------------------------------------------------------------------------------------------------------


def test_one_of_few_values_is_put_right_where_it_stands() -> None:
    log = f"$ python app.py\nConfigError: invalid log level 'debgu': must be one of debug, info, error\n{END}"
    ci = CI.replace("python -m pytest  # all of them", "python app.py --level debgu")
    found = mended(log, {".gitlab-ci.yml": ci})
    assert found.playbook == "pb-env-002", found
    assert found.files[".gitlab-ci.yml"] == ci.replace("debgu", "debug")


# -- pb-test-001, pb-test-002 -----------------------------------------------------------------------------------------


def test_a_job_that_is_slow_gets_twice_the_time() -> None:
    ci = CI.replace("  stage: test\n", "  stage: test\n  timeout: 10 minutes  # plenty\n")
    log = "$ python -m pytest\ntests/test_a.py ....\nERROR: Job failed: execution took longer than 10m0s seconds\n"
    found = mended(log, {".gitlab-ci.yml": ci}, failure_reason="job_execution_timeout", took_before=500.0)
    assert found.files[".gitlab-ci.yml"] == ci.replace("10 minutes", "20 minutes")


def test_a_job_that_hangs_is_left_alone() -> None:
    ci = CI.replace("  stage: test\n", "  stage: test\n  timeout: 10 minutes\n")
    log = "$ python -m pytest\nERROR: Job failed: execution took longer than 10m0s seconds\n"
    found = mended(log, {".gitlab-ci.yml": ci}, failure_reason="job_execution_timeout", took_before=20.0)
    assert found.kind == "advise"
    assert "it hangs" in found.summary


def test_an_unreliable_test_is_tried_again_openly() -> None:
    log = (
        "$ python -m pytest --flaky\nFAILED tests/test_a.py::test_dim - assert 1 == 2\nRERUN tests/test_a.py::test_dim\n"
        f"1 failed, 3 passed in 1.2s\n{END}"
    )
    found = mended(log.replace(" --flaky", ""), {}, retry_passed="true")
    assert found.playbook == "pb-test-002", found
    assert found.files[".gitlab-ci.yml"] == CI.replace(
        "  # the quick ones\n  script:", "  retry: 2\n  # the quick ones\n  script:"
    )
    assert found.runs == 3
    assert "has to be mended" in found.advice


# -- pb-resource-001, pb-resource-002, pb-infra-001 -------------------------------------------------------------------

HEAP = f"$ npm test\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n{END}"


def test_nodes_heap_is_doubled_where_it_is_set_and_set_where_it_is_not() -> None:
    ci = NODE_CI.replace("unit:\n", "unit:\n  variables:\n    NODE_OPTIONS: --max-old-space-size=512\n")
    found = mended(HEAP, {".gitlab-ci.yml": ci})
    assert found.files[".gitlab-ci.yml"] == ci.replace("--max-old-space-size=512", '"--max-old-space-size=1024"')
    bare = mended(HEAP, {".gitlab-ci.yml": NODE_CI})
    assert 'NODE_OPTIONS: "--max-old-space-size=4096"' in bare.files[".gitlab-ci.yml"]


def test_a_full_disk_has_the_job_keep_less() -> None:
    says = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    log = f"$ pip install -r requirements.txt\n{says}\n{END}"
    found = mended(log, {})
    assert found.playbook == "pb-resource-002"
    assert 'GIT_DEPTH: "10"' in found.files[".gitlab-ci.yml"]
    assert 'PIP_NO_CACHE_DIR: "1"' in found.files[".gitlab-ci.yml"]


def test_what_passes_by_itself_is_tried_again() -> None:
    found = mended(
        "$ curl https://x.example\ncurl: (6) Could not resolve host: x.example\nERROR: Job failed: exit code 6\n", {}
    )
    assert (found.kind, found.playbook) == ("retry", "pb-infra-001")


# -- what no machine touches ------------------------------------------------------------------------------------------


def test_a_job_that_deploys_is_not_touched() -> None:
    ci = CI.replace("unit:", "deploy-production:")
    found = mended(
        no_module("requests"),
        {".gitlab-ci.yml": ci, "requirements.txt": "", "a.py": "import requests\n"},
        job="deploy-production",
    )
    assert found.kind == "advise"
    assert "no machine touches it" in found.summary


def test_what_has_to_do_with_security_is_for_a_person() -> None:
    found = mended(no_module("jwt"), {"requirements.txt": "", "a.py": "import jwt\n"})
    assert found.kind == "advise"


@pytest.mark.parametrize(
    "hostile",
    [
        "$ git log -1\nFix ModuleNotFoundError: No module named 'evilpkg'\n",
        "tests/test_a.py::test_says PASSED\n  captured: ModuleNotFoundError: No module named 'evilpkg'\n",
        "Merging branch ModuleNotFoundError: No module named 'evilpkg'\n",
    ],
)
def test_a_log_that_only_mentions_a_package_changes_nothing(hostile: str) -> None:
    log = f"{hostile}$ python -m pytest\nFAILED tests/test_a.py::test_b - AssertionError: assert 1 == 2\n1 failed in 0.1s\n{END}"
    found = mended(log, {"requirements.txt": "", "a.py": "import os\n"})
    assert found.kind == "advise"
    assert not found.files
