"""pb-dep-001: Python packages that the code needs and nothing declares."""

from __future__ import annotations

from tests.playbooks.sandbox.index import Wheel, wheel
from tests.playbooks.sandbox.shape import INDEXED, PIP, RUN, Case, job, text

_INSTALL = f"{PIP} --no-build-isolation ."
BACKEND = text(
    '''
    """A build backend of the project's own, which needs nothing to be installed."""
    import configparser, pathlib, tomllib, zipfile

    def requirements():
        told = configparser.ConfigParser(interpolation=None)
        told.read("setup.cfg")
        if told.has_option("options", "install_requires"):
            return told["options"]["install_requires"].split(), {}
        project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
        return project.get("dependencies", []), project.get("optional-dependencies", {})

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        needed, extras = requirements()
        lines = ["Metadata-Version: 2.1", "Name: shop", "Version: 1.0"]
        lines += [f"Requires-Dist: {each}" for each in needed]
        for extra, more in extras.items():
            lines += [f"Provides-Extra: {extra}", *(f"Requires-Dist: {each}; extra == '{extra}'" for each in more)]
        name = "shop-1.0-py3-none-any.whl"
        with zipfile.ZipFile(pathlib.Path(folder, name), "w") as file:
            for module in pathlib.Path(".").glob("shop*.py"):
                file.write(module)
            file.writestr("shop-1.0.dist-info/METADATA", "\\n".join(lines) + "\\n")
            file.writestr("shop-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            file.writestr("shop-1.0.dist-info/RECORD", "")
        return name
    '''
)
BUILT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
_VARIABLES = "  variables:\n    PIP_INDEX_URL: {index}/simple\n"

CASES = (
    Case(
        "python package from an index",
        "pb-dep-001",
        job(f"{PIP} -r requirements.txt", RUN),
        {"requirements.txt": INDEXED + "wicklib==1.1.0\n", "app.py": "import lanternlib\n"},
        becomes=("wicklib==1.1.0\nlanternlib==1.4.0",),
        is_quick=True,
    ),
    Case(
        "python package from a folder of the repository",
        "pb-dep-001",
        job(f"{PIP} -r requirements.txt", RUN),
        {
            "requirements.txt": "--no-index\n--find-links wheels\nwicklib==1.1.0  # held\n",
            "wheels/wicklib-1.1.0-py3-none-any.whl": wheel(Wheel("wicklib", "1.1.0")),
            "wheels/lantern_colours-1.2.0-py3-none-any.whl": wheel(Wheel("lantern-colours", "1.2.0")),
            "app.py": "from lantern_colours import *\n",
        },
        becomes=("wicklib==1.1.0  # held\nlantern-colours==1.2.0",),
    ),
    Case(
        "python package that is named otherwise",
        "pb-dep-001",
        job(f"{PIP} -r requirements-dev.txt", "PYTHONPATH=.packages python3 -m unittest discover -s tests"),
        {
            "requirements.txt": INDEXED,
            "requirements-dev.txt": "-r requirements.txt\nwicklib>=1.1\n",
            "tests/test_a.py": text(
                """
                import unittest
                import yaml

                class T(unittest.TestCase):
                    def test_it(self):
                        self.assertEqual(yaml.safe_load(""), {})
                """
            ),
        },
        becomes=("wicklib>=1.1\nPyYAML>=6.0.2",),
    ),
    Case(
        "python package held by constraints",
        "pb-dep-001",
        job(f"{PIP} -r requirements.txt -c constraints.txt", RUN),
        {
            "requirements.txt": INDEXED + "wicklib\n",
            "constraints.txt": "lanternlib==1.3.0\nwicklib==1.1.0\n",
            "app.py": "import wicklib, lanternlib\n",
        },
        becomes=("wicklib\nlanternlib\n",),
    ),
    Case(
        "python package of a project with pyproject.toml",
        "pb-dep-001",
        job(_INSTALL, "cd / && PYTHONPATH=$CI_PROJECT_DIR/.packages python3 -m shop", more=_VARIABLES),
        {
            "backend.py": BACKEND,
            "pyproject.toml": BUILT
            + '\n[project]\nname = "shop"\nversion = "1.0"\ndependencies = [\n  "wicklib>=1.1",  # burns\n]\n',
            "shop.py": "import lanternlib, wicklib\n",
        },
        becomes=('  "wicklib>=1.1",  # burns\n  "lanternlib>=1.4.0",\n]',),
    ),
    Case(
        "python package of a project with setup.cfg",
        "pb-dep-001",
        job(_INSTALL, RUN.replace("app.py", "-m shop"), more=_VARIABLES),
        {
            "backend.py": BACKEND,
            "pyproject.toml": BUILT,
            "setup.cfg": "[metadata]\nname = shop\n\n[options]\ninstall_requires =\n    wicklib~=1.1\n\n[flake8]\n",
            "shop.py": "import lanternlib\n",
        },
        becomes=("    wicklib~=1.1\n    lanternlib~=1.4.0\n\n[flake8]",),
    ),
    Case(
        "python package that only the tests need",
        "pb-dep-001",
        job(
            f'{PIP} --no-build-isolation ".[test]"',
            "PYTHONPATH=.packages python3 -m pytest -q -p no:cacheprovider test_shop.py",
            more=_VARIABLES,
        ),
        {
            "backend.py": BACKEND,
            "pyproject.toml": BUILT
            + '\n[project]\nname = "shop"\nversion = "1.0"\ndependencies = ["wicklib>=1.1"]\n'
            + '\n[project.optional-dependencies]\ntest = ["wicklib"]\n',
            "shop.py": "",
            "test_shop.py": "import yaml\n\ndef test_it():\n    assert yaml.safe_load('') == {}\n",
        },
        becomes=('dependencies = ["wicklib>=1.1"]\n', 'test = ["wicklib", "PyYAML>=6.0.2"]'),
    ),
    Case(
        "python tool that the job itself runs",
        "pb-dep-001",
        job(f"{PIP} -r requirements.txt -r requirements/dev.txt", "PYTHONPATH=.packages python3 -m bandit app.py"),
        {
            "requirements.txt": INDEXED + "wicklib==1.1.0\n",
            "requirements/dev.txt": "# tools\nPyYAML==6.0.2\n",
            "app.py": "import wicklib\n",
        },
        becomes=("# tools\nPyYAML==6.0.2\nbandit==1.8.0\n",),
    ),
)
