"""Ways for a colleague to break a service's pipeline: each is a commit that a person pushes to main."""

from collections.abc import Callable
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
    change: Callable[[dict[str, str]], dict[str, str]]


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
        files = {path: content.decode() for path, content in contents if content is not None}
        changes = [Change(path, content.encode()) for path, content in breakage.change(files).items()]
        with site.pushes.watch(project, account["id"]):
            sha = repository.write(
                "main", head, changes, message=breakage.message, author=site.person(account), when=site.clock()
            )
    return {"project": service.project, "commit": sha, "author": culprit.name}
