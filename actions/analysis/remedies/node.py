"""pb-dep-002, and Node's part of pb-dep-003: packages in package.json, with the lock file that npm itself writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from actions.analysis.remedies.names import KNOWN_NPM, near_miss
from actions.analysis.remedies.remedy import Case, Remedy

MOST_SOURCES = 300
MOST_WORKSPACES = 50
MOST_TRIED = 3
CI_FILE = ".gitlab-ci.yml"
MANIFEST, LOCK = "package.json", "package-lock.json"
BUILTIN = frozenset(
    [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
        "test",
    ]
)
TOOL_PACKAGE = {"tsc": "typescript", "ng": "@angular/cli", "vue-cli-service": "@vue/cli-service", "babel": "@babel/cli"}
_IMPORTS = re.compile(
    r"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\s*\(\s*)["'](?P<name>(?:@[\w.-]+/)?[\w.-]+)(?:/[^"']*)?["']"""
)
_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec)/|\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|/)[\w.-]*\.config\.[cm]?[jt]s$"
)
_OTHER_LOCKS = ("yarn.lock", "pnpm-lock.yaml", "bun.lockb", "bun.lock", "npm-shrinkwrap.json")


class NotEditable(Exception):
    """The package is managed in a way that is not changed by a machine; the message says which."""


@dataclass(frozen=True)
class Place:
    """A package.json that could declare a package.

    Attributes:
        path: the file: at the root, or of a workspace.
        document: what it says.
        inherited: what the root declares for its workspaces, too.
    """

    path: str
    document: dict[str, Any]
    inherited: frozenset[str] = frozenset()

    @property
    def folder(self) -> str:
        """Its folder with a slash behind it; empty at the root."""
        return self.path.removesuffix(MANIFEST)

    @property
    def declared(self) -> set[str]:
        """The packages that are there for its code."""
        sections = ("dependencies", "devDependencies", "optionalDependencies")
        return {name for section in sections for name in self.document.get(section, {})} | self.inherited


def missing(case: Case) -> Remedy:
    """Add the missing package, if the project's own code shows that it is meant, and npm finds it."""
    name = _package(case.diagnosis.subject or "")
    if name is None:
        return case.advise("The log names no package that could be added.", "Look at the proving lines.")
    if name in BUILTIN:
        return case.advise(
            f"{name} belongs to Node itself.", "The job's Node is older than the code expects; see its image."
        )
    try:
        places = _places(case)
    except NotEditable as error:
        return case.advise(f"{name} is missing, and {error}.", "Add it with the project's own tool.")
    name = TOOL_PACKAGE.get(name, name)
    declaring = [place.path for place in places if name in place.declared]
    needing = [(place, needed) for place in places if (needed := _needed_by(case, place, places, name))]
    lacking = [(place, needed) for place, needed in needing if name not in place.declared]
    if len(lacking) != 1:
        return _not_plain(case, name, declaring, [place.path for place, _ in lacking])
    if other := near_miss(name, KNOWN_NPM, {each for place in places for each in place.declared}):
        return case.advise(
            f"“{name}” looks like a slip for {other}, so it is not installed.", f"If {other} is meant, mend the import."
        )
    place, needed = lacking[0]
    return _added(case, place, name, needed)


def _not_plain(case: Case, name: str, declaring: Sequence[str], lacking: Sequence[str]) -> Remedy:
    """Why it is not plain that one package.json lacks a package."""
    if lacking:
        return case.advise(
            f"{name} is missing in several workspaces ({', '.join(lacking)}).", "Add it where it is meant."
        )
    if declaring:
        return case.advise(
            f"{declaring[0]} declares {name} already, and the job does not install it.",
            f"Have the job {case.job} run `npm ci`, with development packages where it needs them.",
        )
    return case.advise(
        f"Only the log speaks of {name}: nothing in the project imports or runs it.",
        "Look who asks for it; nothing is installed on the word of a log.",
    )


def _package(subject: str) -> str | None:
    subject = subject.removeprefix("node:")
    if subject.startswith((".", "/", "~", "@/")):
        return None
    parts = subject.split("/")
    name = "/".join(parts[:2]) if subject.startswith("@") else parts[0]
    return name if _NAME.fullmatch(name) else None


def _manifest(case: Case, path: str = MANIFEST) -> dict[str, Any]:
    text = case.text(path)
    if text is None:
        raise NotEditable(f"the project has no {path} at its root")
    if other := next((each for each in _OTHER_LOCKS if each in case.source.paths), None):
        raise NotEditable(f"{other} is only to be changed by its own tool")
    try:
        manifest = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotEditable(f"{path} is not valid JSON") from error
    if not isinstance(manifest, dict):
        raise NotEditable(f"{path} is no JSON object")
    return manifest


def _places(case: Case) -> list[Place]:
    """The root's package.json, and those of its workspaces."""
    root = Place(MANIFEST, _manifest(case))
    inherited = frozenset(root.declared)
    inside = workspaces(case.source.paths, root.document)
    return [root, *(Place(path, _manifest(case, path), inherited) for path in inside)]


def workspaces(paths: Sequence[str], root: Mapping[str, Any]) -> list[str]:
    """The package.json files of a root's workspaces."""
    said = root.get("workspaces", [])
    globs = said.get("packages", []) if isinstance(said, dict) else said
    patterns = [str(PurePosixPath(str(glob)) / MANIFEST) for glob in globs if not str(glob).startswith("!")]
    found = [
        path
        for path in paths
        if any(PurePosixPath(path).match(each) and path.count("/") == each.count("/") for each in patterns)
    ]
    return found[:MOST_WORKSPACES]


def _needed_by(case: Case, place: Place, places: Sequence[Place], name: str) -> str | None:
    """The file of a place that imports a package, or its scripts that run it; None where nothing does."""
    tools = {tool for tool, package in TOOL_PACKAGE.items() if package == name} | {name}
    for script in place.document.get("scripts", {}).values():
        if any(re.search(rf"(?<![\w@./-]){re.escape(tool)}(?![\w-])", str(script)) for tool in tools):
            return f"{place.path} (scripts)"
    suffixes = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".vue", ".svelte")
    deeper = tuple(each.folder for each in places if each.folder.startswith(place.folder) and each is not place)
    sources = [
        path
        for path in case.source.paths
        if path.endswith(suffixes)
        and "node_modules/" not in path
        and path.startswith(place.folder)
        and not path.startswith(deeper or ("\0",))
    ]
    ordered = sorted(sources, key=lambda path: (_TEST.search(path) is not None, path.count("/"), path))[:MOST_SOURCES]
    for path, text in case.source.texts(ordered).items():
        if name in {found["name"] for found in _IMPORTS.finditer(_COMMENTS.sub("", text))}:
            return path
    return None


def _added(case: Case, place: Place, name: str, needed: str) -> Remedy:
    settings = npm_settings(case)
    found = [version for version in case.versions("npm", name, settings) if "-" not in version]
    if not found:
        return case.advise(
            f"npm finds no package “{name}” where this project installs from.",
            "Look whether the import is right, or publish the package there.",
        )
    section = "devDependencies" if _TEST.search(needed) or needed.startswith(place.path) else "dependencies"

    def change(document: dict[str, Any]) -> None:
        present = document.setdefault(section, {})
        in_order = list(present) == sorted(present)
        present[name] = f"^{found[0]}"
        if in_order:
            document[section] = dict(sorted(present.items()))

    summary = f"Add {name} ^{found[0]} to {section} in {place.path}"
    return _edited(case, summary, change, path=place.path, advice=f"{needed} needs it.")


def _edited(
    case: Case, summary: str, change: Callable[[dict[str, Any]], None], *, path: str = MANIFEST, advice: str = ""
) -> Remedy:
    files = {path: _changed(case, change, path)}
    if LOCK in case.source.paths:
        lock = case.lock({**_of_lock(case), **files})
        if lock is None:
            return case.advise(
                f"{LOCK} has to be renewed by npm, which could not do it here.",
                f"By hand: {summary}, then `npm install`.",
            )
        files[LOCK] = lock
    return case.edit(summary, files, advice=advice)


def _changed(case: Case, change: Callable[[dict[str, Any]], None], path: str = MANIFEST) -> str:
    text = case.text(path) or "{}"
    document = json.loads(text)
    change(document)
    return _dumped(document, like=text)


def _of_lock(case: Case) -> dict[str, str]:
    """All that npm looks at when it writes the lock: every package.json, the present lock, and its configuration."""
    paths = [MANIFEST, LOCK, *workspaces(case.source.paths, _manifest(case))]
    return {**case.source.texts(paths), **npm_settings(case)}


def _dumped(document: dict[str, Any], *, like: str) -> str:
    """The document in the indentation of the text, with its last line's end."""
    indent = re.search(r"\n([ \t]+)\"", like)
    step: str | int = indent[1] if indent else 2
    return json.dumps(document, indent=step, ensure_ascii=False) + ("\n" if like.endswith("\n") else "")


def npm_settings(case: Case) -> dict[str, str]:
    """The project's own configuration of npm."""
    return dict(case.source.texts([".npmrc"]))


def conflict(case: Case) -> Remedy:
    """A lock that is out of step is renewed; a version that does not exist gives way to the nearest that does."""
    try:
        manifest = _manifest(case)
    except NotEditable as error:
        return case.advise(f"The versions do not fit, and {error}.", "Mend them with the project's own tool.")
    if case.diagnosis.rule == "lockfile-out-of-step":
        return _renewed(case)
    said = _UNPUBLISHED.search(case.log)
    name = _package(case.diagnosis.subject or (said["name"] if said else ""))
    if case.diagnosis.rule == "npm-no-such-version" and name:
        return _existing(case, manifest, name)
    return _peers(case, manifest)


def _renewed(case: Case) -> Remedy:
    if LOCK not in case.source.paths:
        return case.advise(
            f"The project has no {LOCK}, which `npm ci` needs.", "Commit the lock that `npm install` writes."
        )
    lock = case.lock(_of_lock(case))
    if lock is None:
        return case.advise(
            f"{LOCK} does not fit {MANIFEST}, and npm could not renew it here.", "Run `npm install` and commit."
        )
    return case.edit(f"Renew {LOCK} from {MANIFEST}", {LOCK: lock})


def _existing(case: Case, manifest: dict[str, Any], name: str) -> Remedy:
    section = next((key for key in ("dependencies", "devDependencies") if name in manifest.get(key, {})), None)
    if section is None:
        return case.advise(
            f"{name} is asked for by another package, not by this project.", "Look at the proving lines."
        )
    wanted = str(manifest[section][name])
    versions = [each for each in case.versions("npm", name, npm_settings(case)) if "-" not in each]
    major = re.search(r"\d+", wanted)
    nearest = next((each for each in versions if major and each.split(".")[0] == major[0]), None)
    if nearest is None:
        return case.advise(
            f"{name} has no version like {wanted}; the newest are {', '.join(versions[:3]) or 'none'}.",
            "Which other major version fits is for a person to say.",
        )
    prefix = "".join(ch for ch in wanted[:1] if ch in "^~")

    def change(document: dict[str, Any]) -> None:
        document[section][name] = f"{prefix}{nearest}"

    return _edited(case, f"Ask for {name} {prefix}{nearest} in place of {wanted}, which does not exist", change)


_UNPUBLISHED = re.compile(r"No matching version found for (?P<name>(?:@[\w.-]+/)?[\w.-]+)@")
_PEER = re.compile(
    r"peer (?P<name>(?:@[\w.-]+/)?[\w.-]+)@\"(?P<range>[^\"]+)\" from (?P<by>(?:@[\w.-]+/)?[\w.-]+)@(?P<version>[\d.]+)"
)


def _peers(case: Case, manifest: dict[str, Any]) -> Remedy:
    """A package whose peer is another version than the project asks for gives way to its version that fits, if there is one."""
    peer = _PEER.search(case.log)
    if peer and peer["by"] in manifest.get("devDependencies", {}) and (older := _older(case, manifest, peer["by"])):
        return older
    own = {**manifest.get("dependencies", {}), **manifest.get("devDependencies", {})}
    if peer is None or peer["name"] not in own:
        return case.advise(
            "npm finds no versions that fit together.", "Which package gives way is for a person to say."
        )
    name, wanted = peer["name"], peer["range"]
    majors = set(re.findall(r"(?:^|[\s|^~>=])(\d+)", wanted))
    versions = [each for each in case.versions("npm", name, npm_settings(case)) if "-" not in each]
    fits = next((each for each in versions if each.split(".")[0] in majors), None)
    present = re.search(r"\d+", str(own[name]))
    if fits is None or present is None:
        return case.advise(
            f"{peer['by']} needs {name} {wanted}, which npm does not find.", "Choose another version of either."
        )
    section = "dependencies" if name in manifest.get("dependencies", {}) else "devDependencies"
    if section == "dependencies" and fits.split(".")[0] != present[0]:
        return case.advise(
            f"{peer['by']} needs {name} {wanted}, and the project runs on {own[name]}: another major version.",
            f"Either move to {name} {fits}, or choose a version of {peer['by']} for {own[name]}.",
        )

    def change(document: dict[str, Any]) -> None:
        document[section][name] = f"^{fits}"

    return _edited(case, f"Ask for {name} ^{fits}, which {peer['by']} needs", change, advice=f"It was {own[name]}.")


def _older(case: Case, manifest: dict[str, Any], name: str) -> Remedy | None:
    """A tool that wants another peer than the project has gives way to its own newest version with which npm is content."""
    wanted = str(manifest["devDependencies"][name])
    now = re.search(r"\d+", wanted)
    versions = [each for each in case.versions("npm", name, npm_settings(case)) if "-" not in each]
    newest: dict[int, str] = {}
    for each in versions:
        newest.setdefault(int(each.split(".")[0]), each)
    below = sorted((major for major in newest if now and major < int(now[0])), reverse=True)
    for version in [newest[major] for major in below][:MOST_TRIED]:

        def change(document: dict[str, Any], version: str = version) -> None:
            document["devDependencies"][name] = f"^{version}"

        if case.lock({**_of_lock(case), MANIFEST: _changed(case, change)}) is not None:
            summary = f"Ask for {name} ^{version}, whose peers the project has"
            return _edited(case, summary, change, advice=f"It was {wanted}.")
    return None
