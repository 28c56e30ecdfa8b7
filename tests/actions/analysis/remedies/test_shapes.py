"""What the real broken repositories taught the remedies, each held here without a pipeline."""

from __future__ import annotations

import json

import pytest

from tests.actions.analysis.remedies.project import CI, mended
from tests.actions.analysis.remedies.test_remedies import END, HEAP, NODE_CI, no_module, no_node_module

APP = {"app/main.py": "import requests\n"}


# -- Python packages --------------------------------------------------------------------------------------------------


def test_what_constraints_hold_is_not_declared_by_them_and_keeps_their_version() -> None:
    files = {"requirements.txt": "flask==3.0.0\n", "constraints.txt": "requests==2.31.0\n", **APP}
    ci = CI.replace("-r requirements.txt", "-r requirements.txt -c constraints.txt")
    found = mended(no_module("requests"), {".gitlab-ci.yml": ci, **files})
    assert found.files == {"requirements.txt": "flask==3.0.0\nrequests\n"}


EXTRAS = """\
[project]
name = "shop"
dependencies = ["flask>=3"]

[project.optional-dependencies]
docs = ["sphinx"]
test = [
    "pytest>=8",
]
"""


def test_what_only_tests_need_goes_to_the_extra_that_the_job_installs() -> None:
    ci = CI.replace("-r requirements.txt", '"-e" ".[test]"').replace('"-e" ', "")
    files = {".gitlab-ci.yml": ci, "pyproject.toml": EXTRAS, "tests/test_a.py": "import requests\n"}
    found = mended(no_module("requests"), files)
    assert found.files["pyproject.toml"] == EXTRAS.replace(
        '    "pytest>=8",\n', '    "pytest>=8",\n    "requests>=2.32.3",\n'
    )


def test_what_an_extra_declares_is_declared() -> None:
    text = EXTRAS.replace('"sphinx"', '"requests"')
    found = mended(no_module("requests"), {"pyproject.toml": text, **APP})
    assert "declares requests already" in found.summary


@pytest.mark.parametrize("module", ["jwt", "jose", "OpenSSL"])
def test_packages_of_security_are_known_by_the_name_that_would_be_written(module: str) -> None:
    found = mended(no_module(module), {"requirements.txt": "flask==3.0.0\n", "app/main.py": f"import {module}\n"})
    assert "has to do with security" in found.summary


def test_a_pin_of_security_is_not_moved_for_anothers_sake() -> None:
    log = (
        "$ pip install -r requirements.txt\n"
        "ERROR: Cannot install certifi==1.25.11 and requests because these package versions have conflicting dependencies.\n\n"
        "The conflict is caused by:\n    The user requested certifi==1.25.11\n    requests 2.31.0 depends on certifi>=1.26.0\n\n"
        f"ERROR: ResolutionImpossible: for help visit the documentation\n{END}"
    )
    found = mended(log, {"requirements.txt": "requests==2.31.0\ncertifi==1.25.11\n"})
    assert found.kind == "advise", found


# -- version conflicts ------------------------------------------------------------------------------------------------


def test_what_the_project_itself_asks_for_is_not_what_others_ask() -> None:
    log = (
        "$ pip install .\n"
        "ERROR: Cannot install shop and shop==1.0 because these package versions have conflicting dependencies.\n\n"
        "The conflict is caused by:\n    shop 1.0 depends on urllib3==1.25.11\n    requests 2.31.0 depends on urllib3>=1.26.0\n\n"
        f"ERROR: ResolutionImpossible: for help visit the documentation\n{END}"
    )
    text = '[project]\nname = "shop"\ndependencies = ["requests==2.31.0", "urllib3==1.25.11"]\n'
    found = mended(log, {"pyproject.toml": text})
    assert found.files == {"pyproject.toml": text.replace("1.25.11", "1.26.18")}


def test_a_package_that_is_required_twice_stays_once() -> None:
    log = (
        "$ pip install -r requirements.txt\n"
        "ERROR: Cannot install lanternlib==1.3.0 and lanternlib==1.4.0 because these package versions have "
        "conflicting dependencies.\n\nThe conflict is caused by:\n"
        "    The user requested lanternlib==1.3.0\n    The user requested lanternlib==1.4.0\n\n"
        f"ERROR: ResolutionImpossible: for help visit the documentation\n{END}"
    )
    found = mended(log, {"requirements.txt": "lanternlib==1.3.0\nrequests\nlanternlib==1.4.0  # new\n"})
    assert found.files == {"requirements.txt": "requests\nlanternlib==1.4.0  # new\n"}


def test_an_npm_version_that_does_not_exist_is_found_although_the_first_line_names_no_package() -> None:
    log = (
        "$ npm install\nnpm error code ETARGET\n"
        f"npm error notarget No matching version found for left-lantern@~3.7.0.\n{END}"
    )
    package = '{\n  "dependencies": {\n    "left-lantern": "~3.7.0"\n  }\n}\n'
    found = mended(log, {".gitlab-ci.yml": NODE_CI, "package.json": package})
    assert found.files == {"package.json": package.replace("3.7.0", "3.0.2")}


# -- npm workspaces ---------------------------------------------------------------------------------------------------

ROOT = '{\n  "name": "shop",\n  "workspaces": ["packages/*"],\n  "devDependencies": {"eslint": "^9"}\n}\n'
WORKSPACES = {
    ".gitlab-ci.yml": NODE_CI,
    "package.json": ROOT,
    "package-lock.json": "{ }\n",
    "packages/api/package.json": '{\n  "name": "api"\n}\n',
    "packages/api/index.js": "module.exports = 1\n",
    "packages/web/package.json": '{\n  "name": "web"\n}\n',
    "packages/web/src/index.js": "require('left-lantern')\n",
}


def test_the_workspace_that_needs_a_package_declares_it_and_the_lock_at_the_root_is_renewed() -> None:
    found = mended(no_node_module("left-lantern"), WORKSPACES)
    assert set(found.files) == {"packages/web/package.json", "package-lock.json"}
    assert json.loads(found.files["packages/web/package.json"])["dependencies"] == {"left-lantern": "^3.0.2"}


def test_two_workspaces_that_lack_it_are_for_a_person() -> None:
    found = mended(no_node_module("left-lantern"), {**WORKSPACES, "packages/api/index.js": "require('left-lantern')\n"})
    assert "missing in several workspaces" in found.summary


def test_what_the_root_declares_is_there_for_its_workspaces() -> None:
    root = ROOT.replace('"eslint": "^9"', '"left-lantern": "^3"')
    found = mended(no_node_module("left-lantern"), {**WORKSPACES, "package.json": root})
    assert "declares left-lantern already" in found.summary


# -- limits -----------------------------------------------------------------------------------------------------------

LATE = f"$ python -m pytest\nE   Failed: Timeout >10.0s\nFAILED tests/test_a.py::test_slow\n1 failed in 10.2s\n{END}"


@pytest.mark.parametrize("path", ["pytest.ini", "setup.cfg", "tox.ini"])
def test_a_limit_in_a_settings_file_leaves_its_neighbours_and_the_last_line_alone(path: str) -> None:
    text = "[pytest]\ntimeout = 10\n\n\naddopts = -q\n"
    assert mended(LATE, {path: text}).files == {path: text.replace("10", "20")}
    short = "[pytest]\ntimeout = 10  # seconds\n"
    assert mended(LATE, {path: short}).files == {path: short.replace("10", "20")}


def test_the_limit_of_nodes_own_tests_in_a_script_is_doubled() -> None:
    log = f"$ npm test\nnot ok 1 - test/slow.test.js\n  ---\n  failureType: 'testTimeoutFailure'\n{END}"
    package = '{\n  "scripts": {\n    "test": "node --test --test-timeout=1000"\n  }\n}\n'
    found = mended(log, {".gitlab-ci.yml": NODE_CI, "package.json": package})
    assert found.files == {"package.json": package.replace("1000", "2000")}


def test_a_limit_by_the_command_timeout_stands_in_the_script() -> None:
    ci = CI.replace("python -m pytest", "timeout --verbose 60 python -m pytest")
    log = (
        "$ timeout --verbose 60 python -m pytest\ntimeout: sending signal TERM to command ‘python’\n"  # noqa: RUF001
        "ERROR: Job failed: exit code 124\n"
    )
    assert mended(log, {".gitlab-ci.yml": ci}).files == {".gitlab-ci.yml": ci.replace("60", "120")}


def test_the_heap_in_a_script_of_package_json_overrules_the_variable_and_is_the_one_to_double() -> None:
    package = '{\n  "scripts": {\n    "build": "node --max-old-space-size=512 build.js"\n  }\n}\n'
    found = mended(HEAP, {".gitlab-ci.yml": NODE_CI, "package.json": package})
    assert found.files == {"package.json": package.replace("512", "1024")}


# -- what the pipeline's configuration refers to ----------------------------------------------------------------------

TWO = "build-site:\n  script: [make]\nunit:\n  needs:\n    - build-stie  # its files\n  script: [make test]\n"


def test_a_job_that_is_needed_under_a_wrong_name_is_named_right() -> None:
    found = mended("unit job: undefined need: build-stie\n", {".gitlab-ci.yml": TWO})
    assert found.files == {".gitlab-ci.yml": TWO.replace("build-stie", "build-site")}


def test_a_name_that_stands_elsewhere_too_is_for_a_person() -> None:
    ci = TWO + "lint:\n  script: [build-stie]\n"
    found = mended("unit job: undefined need: build-stie\n", {".gitlab-ci.yml": ci})
    assert found.kind == "advise"


def test_a_json_file_that_node_cannot_read_loses_its_stray_comma() -> None:
    log = (
        "$ node app.js\nSyntaxError: /builds/shop/web/config/shop.json: "
        f"Expected double-quoted property name in JSON at position 43\n{END}"
    )
    found = mended(log, {".gitlab-ci.yml": NODE_CI, "config/shop.json": '{\n  "taxes": [7, 19],\n}\n'})
    assert found.files == {"config/shop.json": '{\n  "taxes": [7, 19]\n}\n'}
