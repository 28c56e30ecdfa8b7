"""pb-env-002: a value that a tool refuses and whose right form is plain: a slip for one of few, or a stray comma."""

from __future__ import annotations

import difflib
import json
import re

from actions.analysis.remedies.ci_file import CiFile, NotEditable
from actions.analysis.remedies.protected import is_protected
from actions.analysis.remedies.remedy import Case, Remedy

CI_FILE = ".gitlab-ci.yml"
_STAGE = re.compile(r"chosen stage (?P<given>[\w.-]+) does not exist; available stages are (?P<known>[^\n]+)")
_UNKNOWN_JOB = re.compile(
    r"(?:undefined need: |job needs '|job depends on '|unknown keys in `extends` \()(?P<given>[.\w-]+)"
)
_CHOICE = re.compile(
    r"""(?ix)
      invalid\ choice:\ ['"]?(?P<a>[\w.+-]+)['"]?\ \(choose\ from\ (?P<a_known>[^)]+)\)
    | ['"](?P<b>[\w.+-]+)['"]\ is\ not\ (?:one\ of|a\ valid\ choice\ of|among)\ (?P<b_known>[^\n]+)
    | (?:invalid|unknown|unsupported)\ (?:value|level|mode|log\ level|environment|option|setting)s?[:\ ]+
      (?:for\ \S+\ )?['"]?(?P<c>[\w.+-]+)['"]?[^\n]{0,40}?
      \(?(?:expected|allowed|must\ be|choose|valid|one\ of|known)[^\n:]*?(?::|\ of|from|are|be)?\ +(?P<c_known>[^\n)]+)
    """
)
_WORD = re.compile(r"[\w.+-]+")
_JSON = re.compile(r"[\w./-]+\.json\b")
_TRAILING = re.compile(r",(?=\s*[}\]])")
_NOISE = frozenset({"or", "and", "one", "of", "from", "are"})
_SUFFIXES = (".yml", ".yaml", ".toml", ".ini", ".cfg", ".json", ".conf", ".env", ".properties")
_ALIKE = 0.6


def invalid(case: Case) -> Remedy:
    """Put the value right where only one thing can be meant."""
    try:
        if found := _STAGE.search(case.log):
            return _stage(case, found["given"], _words(found["known"]))
        if found := _UNKNOWN_JOB.search(case.log):
            return _job_name(case, found["given"])
        if found := _CHOICE.search(case.log):
            given = found["a"] or found["b"] or found["c"]
            return _choice(case, given, _words(found["a_known"] or found["b_known"] or found["c_known"]))
    except NotEditable as error:
        return case.advise(
            f"The value is not valid, and {error}.", "Mend it by hand; the proving lines say what is allowed."
        )
    return _trailing_comma(case) or case.advise(
        "What the configuration should say is not to be seen from the log.",
        "Mend it by hand; the proving lines say where.",
    )


def _words(text: str) -> list[str]:
    return [word.strip(".") for word in _WORD.findall(text) if word not in _NOISE]


def _nearest(given: str, known: list[str]) -> str | None:
    """The one allowed value that is meant; None where none is like it, or two are alike."""
    close = difflib.get_close_matches(given.lower(), [word.lower() for word in known], 2, cutoff=_ALIKE)
    if not close:
        return None
    if len(close) > 1:
        first, second = (difflib.SequenceMatcher(None, given.lower(), word).ratio() for word in close)
        if first - second < 0.1:  # noqa: PLR2004 - closer than this, either may be meant
            return None
    return next(word for word in known if word.lower() == close[0])


def _stage(case: Case, given: str, known: list[str]) -> Remedy:
    nearest = _nearest(given, known)
    text = case.text(CI_FILE)
    if nearest is None or text is None:
        return case.advise(
            f"There is no stage {given}; there are {', '.join(known)}.", f"Add {given} to `stages`, or name another."
        )
    changed = CiFile(text).replace_stage(given, nearest)
    return case.edit(f"Name the stage {nearest} in place of {given}, which does not exist", {CI_FILE: changed.text})


def _job_name(case: Case, given: str) -> Remedy:
    """A job that another needs or extends, and that is written otherwise where it stands."""
    ci = CiFile(case.text(CI_FILE) or "")
    known = [name for name in ci.bodies if name.startswith(".") == given.startswith(".")]
    nearest = None if given in known else _nearest(given, known)
    if nearest is None:
        return case.advise(f"There is no job {given} in {CI_FILE}.", "Name the one that is meant, or add it.")
    changed = ci.replace_reference(given, nearest)
    return case.edit(f"Name the job {nearest} in place of {given}, which does not exist", {CI_FILE: changed.text})


def _choice(case: Case, given: str, known: list[str]) -> Remedy:
    nearest = _nearest(given, known)
    if nearest is None:
        return case.advise(
            f"“{given}” is not allowed; allowed are {', '.join(known[:10])}.", "Say which of them is meant."
        )
    places = _places(case, given)
    if len(places) != 1:
        where = ", ".join(sorted({path for path, _ in places})) or "no configuration file"
        return case.advise(
            f"“{given}” should be “{nearest}”, and it stands in {where}.",
            "Mend it where it is meant; that is not plain.",
        )
    (path, line), text = places[0], case.text(places[0][0]) or ""
    lines = text.split("\n")
    lines[line] = re.sub(rf"(?<![\w.-]){re.escape(given)}(?![\w.-])", nearest, lines[line], count=1)
    return case.edit(f"Say {nearest} in place of {given} in {path}", {path: "\n".join(lines)})


def _places(case: Case, value: str) -> list[tuple[str, int]]:
    """The lines of configuration files that give a value, as values and not as anything else."""
    paths = [
        path
        for path in case.source.paths
        if path.endswith(_SUFFIXES) and not is_protected(path) and "lock" not in path and path.count("/") <= 3  # noqa: PLR2004 - configuration lies near the root
    ][:60]
    pattern = re.compile(
        rf"(?:[:=]\s*|--[\w-]+[ =])[\"']?(?<![\w.-]){re.escape(value)}(?![\w.-])[\"']?\s*(?:,|;|#.*|\s--.*)?\s*$"
        rf"|--[\w-]+[ =][\"']?{re.escape(value)}(?![\w.-])"
    )
    return [
        (path, number)
        for path, text in case.source.texts(paths).items()
        for number, line in enumerate(text.split("\n"))
        if pattern.search(line) and not line.lstrip().startswith("#")
    ]


def _trailing_comma(case: Case) -> Remedy | None:
    """A JSON file of the project that is valid but for a comma before a closing bracket."""
    broken = []
    named = set(_JSON.findall(case.log))
    for path in case.source.paths:
        if path.endswith(".json") and any(
            path == name or path.endswith(f"/{name}") or name.endswith(f"/{path}") for name in named
        ):
            text = case.text(path) or ""
            if not _is_json(text) and _is_json(_TRAILING.sub("", text)):
                broken.append((path, text))
    if len(broken) != 1 or is_protected(broken[0][0]):
        return None
    path, text = broken[0]
    return case.edit(f"Take a stray comma out of {path}", {path: _TRAILING.sub("", text)})


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
