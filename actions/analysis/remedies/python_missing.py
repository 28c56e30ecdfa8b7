"""pb-dep-001: a Python package that the project's own code needs and does not declare is added where it belongs."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Sequence

from actions.analysis.remedies import ci_file, requirements
from actions.analysis.remedies.names import DISTRIBUTION_OF, KNOWN_PYTHON, near_miss, normalised
from actions.analysis.remedies.remedy import Case, Remedy

MOST_SOURCES = 300
CI_FILE = ".gitlab-ci.yml"
TOOLS = frozenset(
    [
        "pytest",
        "tox",
        "nox",
        "flake8",
        "black",
        "isort",
        "mypy",
        "ruff",
        "pylint",
        "bandit",
        "coverage",
        "twine",
        "behave",
        "sphinx-build",
        "mkdocs",
        "pre-commit",
        "gunicorn",
        "uvicorn",
        "celery",
        "alembic",
        "build",
        "wheel",
    ]
)
_TOOL_PACKAGE = {"sphinx-build": "sphinx"}
_PRERELEASE = re.compile(r"(?i)\d(?:a|b|rc|\.?dev)\d*")
_ELSEWHERE = re.compile(r"(?:^|/)(?:\.venv|venv|site-packages|node_modules|vendor|build|dist)/")


def missing(case: Case) -> Remedy:
    """Add the missing package, if the project's own code shows that it is meant, and pip finds it."""
    subject = (case.diagnosis.subject or "").strip()
    module = subject.split(".", maxsplit=1)[0]
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", subject) or not module:
        return case.advise("The log names no package that could be added.", "Look at the proving lines.")
    if refusal := _not_a_package(case, module):
        return refusal
    where = _needed_by(case, module)
    if where is None:
        return case.advise(
            f"Only the log speaks of {module}: nothing in the project imports or runs it.",
            "Look who asks for it; nothing is installed on the word of a log.",
        )
    name = DISTRIBUTION_OF.get(module) or _TOOL_PACKAGE.get(module) or module.replace("_", "-")
    return _declared(case, name) or _added(case, name, where)


def _not_a_package(case: Case, module: str) -> Remedy | None:
    if module in sys.stdlib_module_names:
        return case.advise(
            f"{module} belongs to Python itself.",
            "The job's Python is older or newer than the code expects; see its image.",
        )
    local = {f"{module}.py", f"src/{module}.py"}
    for path in case.source.paths:
        if path in local or path.startswith((f"{module}/", f"src/{module}/")):
            return case.advise(
                f"{module} is a part of the project itself ({path}).",
                "Install the project in the job, or set PYTHONPATH.",
            )
    return None


def _needed_by(case: Case, module: str) -> str | None:
    """The file that imports a module, or the CI file whose job runs it as a tool; None where nothing does."""
    if module in TOOLS:
        text = case.text(CI_FILE)
        if text is not None and any(
            re.search(rf"(?<![\w./-]){re.escape(module)}(?![\w-])", line) for line in _script(case, text)
        ):
            return CI_FILE
    sources = [path for path in case.source.paths if path.endswith(".py") and not _ELSEWHERE.search(path)]
    tests_last = sorted(sources, key=lambda path: ("test" in path, path.count("/"), path))[:MOST_SOURCES]
    for path, text in case.source.texts(tests_last).items():
        if module in imported(text):
            return path
    return None


def _script(case: Case, text: str) -> list[str]:
    try:
        return ci_file.CiFile(text).script(case.job)
    except ci_file.NotEditable:
        return []


def imported(text: str) -> set[str]:
    """The top-level modules that a Python file imports; none where it cannot be parsed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def _declared(case: Case, name: str) -> Remedy | None:
    texts = case.source.texts(requirements.files(case.source.paths))
    present = [each for path, text in texts.items() for each in requirements.read(path, text)]
    for each in present:
        if normalised(each.name) == normalised(name) and not requirements.is_constraints(each.path):
            return case.advise(
                f"{each.path} declares {each.name} already, and the job does not install it.",
                f"Have the job {case.job} install {each.path}, or look at the output of its installation.",
            )
    pinned = {normalised(each.name) for each in present}
    if other := near_miss(normalised(name), KNOWN_PYTHON, pinned):
        return case.advise(
            f"“{name}” looks like a slip for {other}, so it is not installed.", f"If {other} is meant, mend the import."
        )
    if locks := [path for path in case.source.paths if path in requirements.LOCKS]:
        return case.advise(
            f"{name} is imported and not declared, and {locks[0]} is only to be changed by its own tool.",
            f"Add {name} with that tool and commit the lock.",
        )
    return None


def _added(case: Case, name: str, needed_by: str) -> Remedy:
    settings = pip_settings(case)
    versions = stable(case.versions("python", name, settings))
    if not versions:
        return case.advise(
            f"pip finds no package “{name}” where this project installs from.",
            "Look whether the import is right, or publish the package there.",
        )
    found = case.source.texts(requirements.files(case.source.paths))
    texts = {path: text for path, text in found.items() if not requirements.is_constraints(path)}
    held = any(
        normalised(each.name) == normalised(name)
        for path, text in found.items()
        if path not in texts
        for each in requirements.read(path, text)
    )
    for path, extra in _places(case, texts, needed_by):
        beside = [each.spec for each in requirements.read(path, texts[path])]
        requirement = name if held else _written(name, versions[0], beside)
        try:
            changed = requirements.add(path, texts[path], requirement, extra=extra)
        except requirements.NotEditable as error:
            return case.advise(f"{name} belongs into {path}, but {error}.", f"Add {requirement} there by hand.")
        return case.edit(
            f"Add {requirement} to {path}",
            {path: changed},
            advice=f"{needed_by} needs it." if needed_by != CI_FILE else "",
        )
    return case.advise(
        f"{needed_by} needs {name}, and the project has no file that would declare it.",
        f"Add {name} to what the job {case.job} installs.",
    )


def _places(case: Case, texts: dict[str, str], needed_by: str) -> Iterable[tuple[str, str]]:
    """The files that could declare it, best first, each with the project's extra: what the failed job installs."""
    ci = case.text(CI_FILE)
    installed = requirements.installed_by(_script(case, ci)) if ci else []
    named = [path for path in installed if path in texts]
    of_tests = "test" in needed_by or needed_by == CI_FILE
    named.sort(key=lambda path: ("dev" in path or "test" in path) is not of_tests)
    yield from ((path, "") for path in named)
    if "." in installed:
        project = texts.get("pyproject.toml", "")
        wanted = requirements.extras_of(_script(case, ci)) if ci and of_tests else []
        yield from (("pyproject.toml", extra) for extra in wanted if extra in requirements.extras(project))
        if "dependencies" in project:
            yield "pyproject.toml", ""
        if "setup.cfg" in texts:
            yield "setup.cfg", ""
    yield from ((path, "") for path in texts if path.endswith("requirements.txt") and path not in named)
    yield from ((path, "") for path in ("pyproject.toml", "setup.cfg") if path in texts)


def _written(name: str, version: str, specs: Sequence[str]) -> str:
    """A requirement in the manner of those beside it."""
    for operator in ("==", "~=", ">="):
        if specs and sum(spec.startswith(operator) for spec in specs) * 2 >= len(specs):
            return f"{name}{operator}{version}"
    return f"{name}>={version}" if not specs else name


def stable(versions: Sequence[str]) -> list[str]:
    """The versions that are no pre-releases; all where there is nothing else."""
    finals = [version for version in versions if not _PRERELEASE.search(version)]
    return finals or list(versions)


def pip_settings(case: Case) -> dict[str, str]:
    """The project's own configuration of pip: where packages come from is said in these files and nowhere else."""
    wanted = ["pip.conf", ".pip/pip.conf", *requirements.files(case.source.paths)]
    texts = {path: text for path, text in case.source.texts(wanted).items() if path.endswith((".txt", ".conf"))}
    ci = case.text(CI_FILE)
    if ci is not None:
        try:
            variables = ci_file.CiFile(ci).variables(case.job)
        except ci_file.NotEditable:
            variables = {}
        said = {key: value for key, value in variables.items() if key.startswith("PIP_") and "$" not in value}
        texts[".gitlab-ci.yml:variables"] = "\n".join(f"{key}={value}" for key, value in said.items())
    texts["paths"] = "\n".join(path for path in case.source.paths if path.endswith((".whl", ".tar.gz")))
    return texts
