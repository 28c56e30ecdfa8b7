"""pb-test-001 and pb-test-002: a test or job that needs more time, and a test that does not always pass."""

from __future__ import annotations

import re

from actions.analysis.remedies.ci_file import CiFile, NotEditable, in_yaml
from actions.analysis.remedies.remedy import Case, Remedy

CI_FILE = ".gitlab-ci.yml"
PROOFS = 3
"""How often a job must pass before a flaky test counts as dealt with."""
LONGEST = 2 * 3600
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])[a-z]*")
_FLAGS = (
    re.compile(r"(--timeout[= ])(\d+(?:\.\d+)?)(?![\w.])"),
    re.compile(r"(--test(?:Timeout|-timeout)[= ])(\d+)(?!\d)"),
    re.compile(r"(?<![\w-])(timeout\s+(?:-\S+\s+)*)(\d+)(?=[sm]?\s)"),
)
_INI = re.compile(r"(?m)^(timeout[ \t]*=[ \t]*)(\d+(?:\.\d+)?)(?=[ \t]*(?:#.*)?$)")
_SETTINGS = {
    "pytest.ini": _INI,
    "pyproject.toml": _INI,
    "setup.cfg": _INI,
    "tox.ini": _INI,
    "jest.config.js": re.compile(r"(testTimeout:\s*)(\d+)"),
    "package.json": re.compile(r"(\"testTimeout\":\s*|--timeout[= ]|--test(?:Timeout|-timeout)[= ])(\d+)"),
    ".mocharc.json": re.compile(r"(\"timeout\":\s*)(\d+)"),
}
_BY_COMMAND = "timeout: sending signal"
"""What the command `timeout` says; the limit is then in the script, and not the job's own."""
_MORE_RUNS = re.compile(r"--reruns|--flaky|retries")


def timeout(case: Case) -> Remedy:
    """Give it twice the time, once, where what it had stands in the project; nothing is ever left without a limit."""
    text = case.text(CI_FILE)
    if text is None:
        return case.advise(
            "The project has no CI file of its own.", "Raise the limit where the pipeline is configured."
        )
    try:
        ci = CiFile(text)
        if case.diagnosis.rule in {"job-time-limit", None} and _BY_COMMAND not in case.log:
            return _job(case, ci)
        return _test(case, ci) or _job(case, ci)
    except NotEditable as error:
        return case.advise(f"It needs more time, and {error}.", "Raise the limit by hand, or make it quicker.")


def _job(case: Case, ci: CiFile) -> Remedy:
    now = ci.value(case.job, "timeout")
    if now is None:
        return case.advise(
            f"{case.job} ran into the project's or the runner's own limit.",
            "If it does not hang, give it a `timeout`; else look at what it waits for.",
        )
    limit = seconds(str(now))
    if limit is None or 2 * limit > LONGEST:
        return case.advise(
            f"{case.job} may run {now} already.", "Something hangs, or it has to be made quicker or split."
        )
    if case.took_before and case.took_before < 0.2 * limit:
        return case.advise(
            f"{case.job} took {case.took_before:.0f} s when it last passed, far from its limit of {now}: it hangs.",
            "Look at what it waits for; more time would only hide it.",
        )
    new = words(2 * limit)
    return case.edit(
        f"Let {case.job} run {new} in place of {now}",
        {CI_FILE: ci.set_key(case.job, "timeout", in_yaml(new)).text},
        advice="It is slow rather than stuck, or the proof would have failed; see what made it slower.",
    )


def _test(case: Case, ci: CiFile) -> Remedy | None:
    for command in ci.script(case.job):
        for flag in _FLAGS:
            if found := flag.search(command):
                longer = flag.sub(lambda match: f"{match[1]}{_double(match[2])}", command, count=1)
                first, second = command.strip().split("\n")[0], longer.strip().split("\n")[0]
                changed = ci.replace_in_script(first, second)
                return case.edit(_said(found[2], CI_FILE), {CI_FILE: changed.text}, advice=_MIND)
    for path, pattern in _SETTINGS.items():
        settings = case.text(path)
        if settings and (found := pattern.search(settings)):
            changed_text = pattern.sub(lambda match: f"{match[1]}{_double(match[2])}", settings, count=1)
            return case.edit(_said(found[2], path), {path: changed_text}, advice=_MIND)
    return None


_MIND = "The test is slow rather than stuck, or the proof would have failed; see what made it slower."


def _said(old: str, path: str) -> str:
    return f"Give tests a limit of {_double(old)} in place of {old} in {path}"


def _double(number: str) -> str:
    return str(2 * int(number)) if number.isdigit() else f"{2 * float(number):g}"


def flaky(case: Case) -> Remedy:
    """Let the job try again when its script fails, and say openly that a test is not reliable."""
    text = case.text(CI_FILE)
    if text is None:
        return case.advise("The project has no CI file of its own.", "Mend or mark the test.")
    what = f"the test {case.diagnosis.subject}" if case.diagnosis.subject else "one of its tests"
    try:
        ci = CiFile(text)
        if ci.value(case.job, "retry") not in {None, 0} if not isinstance(ci.value(case.job, "retry"), dict) else True:
            return case.advise(
                f"{case.job} is tried again already, and {what} still fails now and then.", "Mend the test."
            )
        if any(_MORE_RUNS.search(command) for command in ci.script(case.job)):
            return case.advise(f"{case.job} runs its tests again already, and {what} still fails.", "Mend the test.")
        changed = ci.set_key(case.job, "retry", "2")
    except NotEditable as error:
        return case.advise(f"{case.job} has an unreliable test, and {error}.", "Mend the test.")
    return case.edit(
        f"Let {case.job} try again up to twice, as {what} does not always pass",
        {CI_FILE: changed.text},
        advice=f"This hides nothing and mends nothing: {what} is still unreliable and has to be mended.",
        runs=PROOFS,
    )


def seconds(text: str) -> float | None:
    """A duration as GitLab writes it, in seconds; None where it is none."""
    if text.isdigit():
        return float(text)
    parts = _PARTS.findall(text.lower())
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None


def words(amount: float) -> str:
    """Seconds in GitLab's words."""
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if amount >= size and amount % size == 0:
            number = int(amount // size)
            return f"{number} {unit}{'s' if number != 1 else ''}"
    return f"{int(amount)} seconds"
