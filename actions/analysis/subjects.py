"""Whether the thing a line names is what a playbook could mend: a foreign package, not the project's own file."""

import re

_OWN_NAMES = frozenset(
    (
        *("src", "app", "apps", "tests", "test", "config", "utils", "util", "main", "lib", "libs", "core", "settings"),
        *("common", "helpers", "models", "conftest", "scripts", "backend", "server", "frontend", "client", "api"),
        *("base", "package", "project", "setup", "local", "tools"),
    )
)
_INTERPRETER_PARTS = frozenset(
    (
        *("_ctypes", "_sqlite3", "_bz2", "_lzma", "_ssl", "_tkinter", "tkinter", "_curses", "readline", "_hashlib"),
        *("_uuid", "_socket", "zlib", "encodings", "site", "os", "sys"),
    )
)
_ALIAS_SCOPES = frozenset(
    (
        *("@app", "@components", "@src", "@shared", "@lib", "@utils", "@core", "@api", "@config", "@assets", "@pages"),
        *("@store", "@stores", "@hooks", "@models", "@services", "@tests", "@test", "@common", "@modules", "@server"),
        *("@client", "@views", "@helpers", "@styles", "@features", "@ui", "@root", "@layouts", "@constants"),
        *("@context", "@screens"),
    )
)
_OWN_FOLDERS = frozenset(
    (
        *("dist", "build", "public", "components", "assets", "styles", "pages", "views", "store", "stores", "hooks"),
        *("services", "types", "generated", "layouts", "features", "modules", "shared"),
    )
)
_NPM_NAME = re.compile(r"(?:@[a-z0-9~\-][a-z0-9_.~\-]*/)?[a-zA-Z0-9~\-][\w.~\-]*(?:/[\w.\-/]+)?$")
_FILE = re.compile(r"\.(?:js|ts|tsx|jsx|mjs|cjs|json|node|css|scss|vue|svg|png)$")
_CONSTANT = re.compile(
    r"^(?:E|ERR|ERROR|HTTP|TEST|SIG|STATUS|CODE|NO|NOT|IS|HAS|INVALID|UNKNOWN)_|_(?:ERROR|ERR|FAILED|FAILURE|FOUND|EXCEPTION|TIMEOUT|CODE|PASSED|OK)$"
)
_FOREIGN = re.compile(r"(?:site|dist)-packages|/lib/python|\.venv|node_modules|https?://|/_actions/|/\.tox/|/simple/")


def acceptable(kind: str | None, name: str, log: str, project: str | None = None) -> bool:
    """Judge the subject of a sign.

    Args:
        kind: What it should be: ``python-module``, ``npm-package``, ``variable``, or None for no check.
        name: The name that the log gives.
        log: The text around, in which the project's own paths may show that the name is its own.
        project: The last part of the project's path, where it is known.

    Returns:
        False where the name is the project's own, a part of the interpreter, a path, an alias, or no such name.
    """
    if kind == "python-module":
        return _foreign_module(name, log, project)
    if kind == "npm-package":
        return _foreign_package(name, log, project)
    if kind == "variable":
        return not _CONSTANT.search(name)
    return True


def _foreign_module(name: str, log: str, project: str | None) -> bool:
    top = name.strip(".").split(".")[0]
    if not top or top.lower() in _OWN_NAMES or top in _INTERPRETER_PARTS or top == (project or "").replace("-", "_"):
        return False
    # A directory of that name that holds sources of this checkout: the project cannot import itself.
    own = re.compile(rf"(?<![\w.\-])(?P<path>[\w.~@:\\/\-]*?[\\/])?{re.escape(top)}[\\/][\w.\\/\-]*")
    return not any(
        not _FOREIGN.search(line) and (found := own.search(line)) and not found[0].startswith(("http", "//"))
        for line in log.splitlines()
    )


def _foreign_package(name: str, log: str, project: str | None) -> bool:
    if name.startswith((".", "/", "~", "#", "$", "node:", "file:")) or "\\" in name or re.match(r"[A-Za-z]:", name):
        return False
    scope, _, rest = name.partition("/")
    if scope in _ALIAS_SCOPES or scope == "@" or name == project or not _NPM_NAME.match(name):
        return False
    if not name.startswith("@") and rest and (scope in _OWN_NAMES or scope in _OWN_FOLDERS):
        return False
    if not rest and _FILE.search(name) and not re.search(r"^[a-z]+\.js$", name):
        return False
    package = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
    return not re.search(rf"^> {re.escape(package)}@", log, re.MULTILINE)


def decoded(name: str) -> str:
    """A name as it is said, where an address held it."""
    return re.sub("%40", "@", re.sub("%2f", "/", name, flags=re.IGNORECASE))


def plain(kind: str | None, name: str) -> str:
    """The name as one would install or set it: without a path below the package, without quotes."""
    name = name.strip("'\"` .,:;")
    if kind == "npm-package" or name.startswith("@"):
        return "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
    return name
