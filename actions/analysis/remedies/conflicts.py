"""pb-dep-003: requirements that cannot be met together, or name versions that do not exist."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from actions.analysis.remedies import node, requirements
from actions.analysis.remedies.names import normalised
from actions.analysis.remedies.python_missing import pip_settings, stable
from actions.analysis.remedies.remedy import Case, Remedy
from actions.analysis.remedies.requirements import Requirement

_USER = re.compile(r"The user requested (?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*==\s*(?P<version>[^\s;,(]+)")
_DEPENDS = re.compile(
    r"(?P<by>[A-Za-z0-9._-]+) (?P<version>\S+) depends on (?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?(?P<spec>[<>=!~][^\s;)]*)"
)
_UNMET = re.compile(
    r"(?P<by>[A-Za-z0-9._-]+) \S+ (?:has requirement|requires) (?P<name>[A-Za-z0-9._-]+)(?P<spec>[<>=!~][^\s;]*), but you"
)
_DOUBLE = re.compile(
    r"Double requirement given: (?P<name>[A-Za-z0-9._-]+)(?P<spec>\S*) .*\(already in (?P<other>[^,)]+)"
)


def conflict(case: Case) -> Remedy:
    """Loosen the pin that stands in the way, as far as the others ask and no further."""
    if (case.diagnosis.rule or "").startswith(("npm", "lockfile")):
        return node.conflict(case)
    texts = case.source.texts(requirements.files(case.source.paths))
    own = [each for path, text in texts.items() for each in requirements.read(path, text)]
    if name := _required_twice(case.log):
        return _double(case, dict(texts), own, name)
    if case.diagnosis.rule == "pip-no-such-version" and case.diagnosis.subject:
        return _nonexistent(case, dict(texts), own, case.diagnosis.subject)
    return _asked_by_others(case, dict(texts), own)


def _required_twice(log: str) -> str | None:
    """The package that the project itself asks for in two versions, as pip of today or of old says it."""
    if found := _DOUBLE.search(log):
        return found["name"]
    asked: dict[str, set[str]] = {}
    for each in _USER.finditer(log):
        asked.setdefault(normalised(each["name"]), set()).add(each["version"])
    return next((name for name, versions in asked.items() if len(versions) > 1), None)


def _asked_by_others(case: Case, texts: dict[str, str], own: list[Requirement]) -> Remedy:
    """A pin of our own that a package we install contradicts."""
    asked: dict[str, list[tuple[str, str]]] = {}
    ourselves = {requirements.own_name(path, text) for path, text in texts.items()}
    for found in (*_DEPENDS.finditer(case.log), *_UNMET.finditer(case.log)):
        if normalised(found["by"]) in ourselves:
            continue
        asked.setdefault(normalised(found["name"]), []).append((found["by"], found["spec"].rstrip(",.")))
    for each in own:
        constraints = asked.get(normalised(each.name))
        if not constraints or not each.spec.startswith("=="):
            continue
        by = ", ".join(dict.fromkeys(who for who, _ in constraints))
        try:
            wanted = SpecifierSet(",".join(dict.fromkeys(spec for _, spec in constraints)))
            pinned = Version(each.spec.removeprefix("==").strip())
        except (InvalidSpecifier, InvalidVersion):
            continue
        if wanted.contains(pinned):
            continue
        return _moved(case, texts, each, (wanted, by))
    return case.advise(
        "Which of the contradicting packages gives way is not to be seen from the requirements.",
        "Loosen one of the pins that the proving lines name.",
    )


def _moved(case: Case, texts: dict[str, str], own: Requirement, asked: tuple[SpecifierSet, str]) -> Remedy:
    wanted, by = asked
    pinned = Version(own.spec.removeprefix("==").strip())
    fitting = _fitting(case, own.name, wanted)
    if not fitting:
        return case.advise(
            f"pip finds no {own.name} that {by} can do with ({wanted}).", "Choose another version of either."
        )
    same = [version for version in fitting if version.major == pinned.major]
    # The least move that helps: the nearest version above the pin within its major version, else the newest of it.
    above = [version for version in same if version > pinned]
    chosen = min(above) if above else (max(same) if same else None)
    if chosen is None:
        near = min(fitting, key=lambda version: abs(version.major - pinned.major))
        return case.advise(
            f"{by} needs {own.name} {wanted}, and {own.path} pins {pinned}: another major version ({near}).",
            f"Move to {own.name} {near} and see what else has to change, or choose a version of {by} for {pinned}.",
        )
    return _changed(case, texts, own, f"=={chosen}", f"{by} needs {own.name} {wanted}.")


def _fitting(case: Case, name: str, wanted: SpecifierSet) -> list[Version]:
    found = []
    for text in stable(case.versions("python", name, pip_settings(case))):
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if wanted.contains(version):
            found.append(version)
    return found


def _changed(case: Case, texts: dict[str, str], own: Requirement, spec: str, why: str) -> Remedy:
    try:
        changed = requirements.change(own.path, texts[own.path], own.name, own.spec, spec)
    except requirements.NotEditable as error:
        return case.advise(f"{own.name}{own.spec} should be {own.name}{spec}, but {error}.", why)
    return case.edit(f"Ask for {own.name}{spec} in place of {own.spec} in {own.path}", {own.path: changed}, advice=why)


def _nonexistent(case: Case, texts: dict[str, str], own: list[Requirement], subject: str) -> Remedy:
    """A pin to a version that was never published."""
    mine = next(
        (each for each in own if normalised(each.name) == normalised(subject) and each.spec.startswith("==")), None
    )
    if mine is None:
        return case.advise(
            f"{subject} is asked for by another package, not by this project.", "Look at the proving lines."
        )
    try:
        pinned = Version(mine.spec.removeprefix("==").strip())
    except InvalidVersion:
        return case.advise(f"{mine.name}{mine.spec} is no version.", "Write the version that is meant.")
    candidates = _fitting(case, mine.name, SpecifierSet(f"=={pinned.major}.*"))
    if pinned in candidates or not candidates:
        return case.advise(
            f"pip finds no {mine.name} {pinned} for the job's Python, and none of its major version that is nearer.",
            "See which versions there are, and for which Python.",
        )
    below = [version for version in candidates if version < pinned]
    chosen = max(below) if below else min(candidates)
    return _changed(case, texts, mine, f"=={chosen}", f"{mine.name} {pinned} does not exist.")


def _double(case: Case, texts: dict[str, str], own: list[Requirement], name: str) -> Remedy:
    """The same package twice in one file with two pins: the lower one goes."""
    same = [each for each in own if normalised(each.name) == normalised(name)]
    paths = {each.path for each in same}
    pins = [each for each in same if each.spec.startswith("==")]
    if len(paths) != 1 or len(same) != len(pins) or len(pins) < 2:  # noqa: PLR2004 - two make a double
        return case.advise(f"{name} is required twice, in different ways.", "Keep the one that is meant.")
    try:
        ordered = sorted(pins, key=lambda each: Version(each.spec.removeprefix("==").strip()))
        text = texts[pins[0].path]
        for each in sorted(ordered[:-1], key=lambda each: -each.line):
            text = requirements.without(each.path, text, each.line)
    except (InvalidVersion, requirements.NotEditable) as error:
        return case.advise(f"{name} is required twice, and {error}.", "Keep the one that is meant.")
    keep = ordered[-1]
    return case.edit(f"Require {name} once, as {keep.spec.removeprefix('==')}, in {keep.path}", {keep.path: text})
