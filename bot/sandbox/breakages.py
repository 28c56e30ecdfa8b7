"""Ways for a colleague to break a service's pipeline: each is a commit that a person pushes to main."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.sandbox.company import PEOPLE, SERVICES, Service
from bot.sandbox.documents import Json
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.repository import Change


class BreakageError(ValueError):
    """There is no such service, or no such way to break one."""


@dataclass(frozen=True)
class Breakage:
    """One way: the commit's message, and what it makes of a service's files (path → content)."""

    message: str
    change: Callable[[dict[str, str]], Mapping[str, str | bytes]]


def _module(files: dict[str, str]) -> str:
    return next(
        path for path in files if path.endswith(".py") and not path.endswith("__init__.py") and "tests" not in path
    )


def _tests(files: dict[str, str]) -> str:
    return next(path for path in files if path.startswith("tests/"))


def _failing_test(files: dict[str, str]) -> dict[str, str]:
    path = _tests(files)
    return {
        path: files[path] + "\n    def test_lanterns_are_bright(self):\n        self.assertEqual('dim', 'bright')\n"
    }


def _syntax_error(files: dict[str, str]) -> dict[str, str]:
    path = _module(files)
    return {path: files[path] + "\n\ndef shine(:\n    return 1\n"}


def _missing_module(files: dict[str, str]) -> dict[str, str]:
    path = _module(files)
    return {path: f"import lantern_colours\n{files[path]}"}


def _wheel(name: str, version: str, code: str) -> bytes:
    """A wheel of one module, as pip installs it."""
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: lanternshop\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return out.getvalue()


def _missing_dependency(files: dict[str, str]) -> dict[str, str | bytes]:
    """A package of the company's own is used, and lies where packages lie; only nobody asks for it to be installed."""
    path, ci = _module(files), ".gitlab-ci.yml"
    install = "python3 -m pip install --quiet --disable-pip-version-check --target .packages -r requirements.txt"
    script = "    - python3 -m unittest discover -s tests\n"
    found: dict[str, str | bytes] = {
        "wheels/lantern_money-1.0.0-py3-none-any.whl": _wheel("lantern_money", "1.0.0", "CENTS = 100\n"),
        "wheels/lantern_colours-1.2.0-py3-none-any.whl": _wheel("lantern_colours", "1.2.0", "RED = '#c00'\n"),
        "requirements.txt": "# Packages of our own.\n--no-index\n--find-links wheels\nlantern-money==1.0.0\n",
        ci: files[ci].replace(
            script, f"    - {install}\n    - PYTHONPATH=.:.packages python3 -m unittest discover -s tests\n"
        ),
    }
    if "import lantern_colours" not in files[path]:
        found[path] = f"import lantern_colours\n\n{files[path]}"
    return found


def _short_time(files: dict[str, str]) -> dict[str, str]:
    """A job whose tests take longer than it may."""
    ci = ".gitlab-ci.yml"
    slow = files[ci].replace("    - python3 -m unittest", "    - sleep 3\n    - python3 -m unittest", 1)
    return {ci: slow.replace("  timeout: 5 minutes\n", "  timeout: 2 seconds\n")}


def _missing_command(files: dict[str, str]) -> dict[str, str]:
    path = ".gitlab-ci.yml"
    return {path: files[path].replace("python3 -m unittest", "pyhton3 -m unittest")}


def _invalid_configuration(files: dict[str, str]) -> dict[str, str]:
    path = ".gitlab-ci.yml"
    return {path: files[path].replace("stage: test", "stage: tset")}


KINDS = {
    "test": Breakage("Check that lanterns are bright", _failing_test),
    "syntax": Breakage("Let lanterns shine", _syntax_error),
    "module": Breakage("Use the colours library", _missing_module),
    "dependency": Breakage("Colours for the lanterns", _missing_dependency),
    "timeout": Breakage("Tests may take two seconds", _short_time),
    "command": Breakage("Tidy the pipeline", _missing_command),
    "configuration": Breakage("Tidy the pipeline's stages", _invalid_configuration),
}


def push(site: GitLab, name: str, kind: str) -> Json:
    """Push a commit that breaks a service's pipeline; a second push of the same kind may change nothing.

    Args:
        site: The GitLab it is pushed to.
        name: The service.
        kind: One of `KINDS`.

    Returns:
        The commit's id, its author and the project, as the control endpoint answers them.

    Raises:
        BreakageError: if there is no such service or kind.
    """
    service = next((found for found in SERVICES if found.name == name), None)
    if service is None:
        raise BreakageError(f"service is {name!r}; it must be one of {', '.join(found.name for found in SERVICES)}")
    if kind not in KINDS:
        raise BreakageError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    return _commit(site, service, KINDS[kind])


def _commit(site: GitLab, service: Service, breakage: Breakage) -> Json:
    project = site.project_by_path(service.project)
    culprit = next((person for person in PEOPLE if service.owner in person.teams), PEOPLE[1])
    account = next(user for user in site.documents.all("gitlab_user") if user["username"] == culprit.name)
    if project is None:
        raise BreakageError(f"{service.project} is gone")
    repository = site.repository(project)
    with site.documents.lock:
        head = repository.branch("main")
        paths = [path for _, kind, _, path in repository.tree("main", recursive=True) if kind == "blob"]
        contents = zip(paths, repository.read_many("main", paths), strict=True)
        files = {path: content.decode(errors="ignore") for path, content in contents if content is not None}
        changes = [
            Change(path, content if isinstance(content, bytes) else content.encode())
            for path, content in breakage.change(files).items()
        ]
        with site.pushes.watch(project, account["id"]):
            sha = repository.write(
                "main", head, changes, message=breakage.message, author=site.person(account), when=site.clock()
            )
    return {"project": service.project, "commit": sha, "author": culprit.name}
