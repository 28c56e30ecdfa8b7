"""pb-resource-001 and pb-resource-002: a job that runs out of memory or disk where the project itself sets how much it uses."""

from __future__ import annotations

import re

from actions.analysis.remedies.ci_file import CiFile, NotEditable
from actions.analysis.remedies.remedy import Case, Remedy

CI_FILE, MANIFEST = ".gitlab-ci.yml", "package.json"
_GROWS = "See what made it need more; if it grows again, something leaks."
MOST_HEAP = 8192
"""In MiB: a job that needs more is for a person to look at."""
_OLD_SPACE = re.compile(r"(--max[-_]old[-_]space[-_]size[= ])(\d+)")
_XMX = re.compile(r"(-Xmx)(\d+)([mMgG])")
_QUANTITY = re.compile(r"(\d+)(Mi|Gi|M|G)")
_WORKERS = (
    re.compile(r"((?:-n|--numprocesses)[= ]?)(auto|logical|\d+)(?![\w.])"),
    re.compile(r"(--(?:maxWorkers|max-workers|workers)[= ])(\d+%?|auto)(?![\w.])"),
    re.compile(r"(\bmake\b.*?\s-j ?)(\d+|\$\(nproc\))"),
)
_POD = ("KUBERNETES_MEMORY_LIMIT", "KUBERNETES_MEMORY_REQUEST")


def memory(case: Case) -> Remedy:
    """Raise the limit that the project itself sets, or let fewer things run at once."""
    text = case.text(CI_FILE)
    if text is None:
        return _bigger_runner(case)
    try:
        ci = CiFile(text)
        return _heap(case, ci) or _pod(case, ci) or _fewer(case, ci) or _bigger_runner(case)
    except NotEditable as error:
        return case.advise(f"{case.job} needs more memory, and {error}.", "Raise the limit by hand.")


def _heap(case: Case, ci: CiFile) -> Remedy | None:
    variables = ci.variables(case.job)
    if case.diagnosis.rule == "node-heap":
        options = variables.get("NODE_OPTIONS", "")
        for command in ci.script(case.job):
            if (found := _OLD_SPACE.search(command)) and (more := _doubled(found[2])):
                longer = _OLD_SPACE.sub(rf"\g<1>{more}", command.split("\n")[0], count=1)
                return _edit(case, ci.replace_in_script(command.split("\n")[0], longer), f"{more} MiB of heap for Node")
        if in_scripts := _heap_in_scripts(case):
            return in_scripts
        found = _OLD_SPACE.search(options)
        more = _doubled(found[2]) if found else 4096
        if not more:
            return None
        new = _OLD_SPACE.sub(rf"\g<1>{more}", options) if found else f"{options} --max-old-space-size={more}".strip()
        return _edit(case, ci.set_variable(case.job, "NODE_OPTIONS", new), f"{more} MiB of heap for Node")
    if case.diagnosis.rule == "java-heap":
        for key in ("MAVEN_OPTS", "GRADLE_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS", "SBT_OPTS"):
            if found := _XMX.search(variables.get(key, "")):
                mega = int(found[2]) * (1024 if found[3] in "gG" else 1)
                if more := _doubled(str(mega)):
                    return _edit(
                        case,
                        ci.set_variable(case.job, key, _XMX.sub(f"-Xmx{more}m", variables[key])),
                        f"{more} MiB of heap for Java",
                    )
    return None


def _heap_in_scripts(case: Case) -> Remedy | None:
    """Where package.json itself says how much, what the job's variables say is overruled by it."""
    manifest = case.text(MANIFEST) or ""
    sizes = _OLD_SPACE.findall(manifest)
    more = _doubled(sizes[0][1]) if len(sizes) == 1 else None
    if not more:
        return None
    changed = _OLD_SPACE.sub(rf"\g<1>{more}", manifest)
    return case.edit(f"Give {case.job} {more} MiB of heap for Node", {MANIFEST: changed}, advice=_GROWS)


def _doubled(amount: str) -> int | None:
    more = 2 * int(amount)
    return more if more <= MOST_HEAP else None


def _pod(case: Case, ci: CiFile) -> Remedy | None:
    variables, said = ci.variables(case.job), ""
    changed = ci
    for key in _POD:
        found = _QUANTITY.fullmatch(variables.get(key, ""))
        if found is None:
            continue
        mega = int(found[1]) * (1024 if found[2].startswith("G") else 1)
        if not _doubled(str(mega)):
            return None
        said = f"{2 * int(found[1])}{found[2]}"
        changed = changed.set_variable(case.job, key, said)
    return _edit(case, changed, f"{said} of memory for its pod") if said else None


def _fewer(case: Case, ci: CiFile) -> Remedy | None:
    for command in ci.script(case.job):
        for pattern in _WORKERS:
            found = pattern.search(command)
            if found is None or found[2] in {"0", "1"}:
                continue
            fewer = str(max(1, int(found[2]) // 2)) if found[2].isdigit() else "2"
            first = command.split("\n")[0]
            longer = pattern.sub(rf"\g<1>{fewer}", first, count=1)
            return _edit(case, ci.replace_in_script(first, longer), f"{fewer} things at once in place of {found[2]}")
    return None


def _edit(case: Case, ci: CiFile, what: str) -> Remedy:
    return case.edit(
        f"Give {case.job} {what}",
        {CI_FILE: ci.text},
        advice=_GROWS,
    )


def _bigger_runner(case: Case) -> Remedy:
    return case.advise(
        f"{case.job} was ended for want of memory, and the project itself sets no limit that could be raised.",
        "Have it run on a bigger runner (`tags`), or let it do less at once.",
    )


def disk(case: Case) -> Remedy:
    """Have the job keep less: no caches of downloads, and not all of the history."""
    text = case.text(CI_FILE)
    if text is None:
        return _cleaned(case)
    try:
        ci = CiFile(text)
        variables, script = ci.variables(case.job), " ".join(ci.script(case.job))
        wanted: dict[str, str] = {}
        if "GIT_DEPTH" not in variables:
            wanted["GIT_DEPTH"] = "10"
        if re.search(r"\bpip3?\b", script) and "PIP_NO_CACHE_DIR" not in variables:
            wanted["PIP_NO_CACHE_DIR"] = "1"
        if re.search(r"\bnpm\b", script) and "npm_config_cache" not in variables:
            wanted["npm_config_cache"] = "/tmp/npm-cache"  # noqa: S108 - a job's own machine, thrown away with it
        if not wanted:
            return _cleaned(case)
        for key, value in wanted.items():
            ci = ci.set_variable(case.job, key, value)
    except NotEditable as error:
        return case.advise(f"{case.job} needs more room, and {error}.", "Clean the runner's disk.")
    return case.edit(
        f"Have {case.job} keep less on disk ({', '.join(wanted)})",
        {CI_FILE: ci.text},
        advice="If the runner's disk is full of other things, cleaning it is what helps.",
    )


def _cleaned(case: Case) -> Remedy:
    return case.advise(
        f"The disk of {case.job}'s runner is full, and the job already keeps as little as it can.",
        "Clean the runner's disk, or shorten how long artifacts and caches are kept.",
    )
