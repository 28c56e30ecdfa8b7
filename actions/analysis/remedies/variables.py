"""pb-env-001: a variable that the job needs and nobody set: a slip in its name, a harmless example, or a person's secret."""

from __future__ import annotations

import re

from rapidfuzz.distance import DamerauLevenshtein

from actions.analysis.remedies.ci_file import CiFile, NotEditable
from actions.analysis.remedies.remedy import Case, Remedy

CI_FILE = ".gitlab-ci.yml"
EXAMPLES = (".env.example", ".env.sample", ".env.dist", "env.example", ".env.template")
_SECRET = re.compile(
    r"(?i)(?:secret|token|passw|pwd|passphrase|credential|private|auth|cookie|signature|salt|cert|dsn|(?:^|_)key(?:$|_)|api_?key"
    r"|connection|database_url|_url$|webhook)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{1,100}")
_HARMLESS = re.compile(r"[A-Za-z0-9_.:/@-]{1,80}")
_PLACEHOLDER = re.compile(r"(?i)^(?:changeme|change-me|todo|xxx+|<.*>|your[-_ ].*|example|dummy|secret|none)$")
_PREDEFINED = ("CI_", "GITLAB_", "RUNNER_")
_SLIP = 2


def missing(case: Case) -> Remedy:  # noqa: PLR0911 - a sentence for each reason to leave it alone
    """Mend a slip in the name, or take the project's own harmless example; else ask a person for the value."""
    name = case.diagnosis.subject or ""
    if not _NAME.fullmatch(name):
        return case.advise("The log does not say which variable is missing.", "Look at the proving lines.")
    if name.startswith(_PREDEFINED):
        return case.advise(f"{name} is GitLab's own variable.", "It is set for certain kinds of pipelines only.")
    if not _is_read(case, name):
        return case.advise(
            f"Only the log speaks of {name}: nothing in the project reads it.",
            "Look who asks for it; it may be another's code.",
        )
    text = case.text(CI_FILE)
    if text is None:
        return _asked(case, name)
    try:
        ci = CiFile(text)
        present = ci.variables(case.job)
        if name in present:
            return case.advise(
                f"{name} is set in {CI_FILE}, and the job does not see it.",
                "Look whether something in the script unsets it.",
            )
        if slip := _slip(case, present, name):
            return case.edit(f"Rename {slip} to {name} in {CI_FILE}", {CI_FILE: ci.rename_variable(slip, name).text})
        if example := _example(case, name):
            value, path = example
            changed = ci.set_variable(case.job, name, value)
            return case.edit(
                f"Set {name} for {case.job} as {path} does",
                {CI_FILE: changed.text},
                advice=f"{path} says {name}={value}.",
            )
    except NotEditable:
        pass
    return _asked(case, name)


def _is_read(case: Case, name: str) -> bool:
    """Whether the project's own code or scripts read a variable of that name."""
    quoted = re.escape(name)
    reads = re.compile(
        rf"environ[^\n]{{0,20}}[\"']{quoted}[\"']|getenv\(\s*[\"']{quoted}[\"']|process\.env\.{quoted}\b|process\.env\[[\"']{quoted}"
        rf"|\$\{{?{quoted}\b|ENV(?:\.fetch)?[\[(]\s*[\"']{quoted}|env(?:iron)?\(\s*[\"']{quoted}|\b{name.lower()}\s*:"
    )
    return any(reads.search(text) for text in case.source.texts(_readers(case)).values())


def _readers(case: Case) -> list[str]:
    suffixes = (".py", ".js", ".cjs", ".mjs", ".ts", ".sh", ".rb", ".go", ".yml", ".yaml", "Makefile")
    return [path for path in case.source.paths if path.endswith(suffixes) and "node_modules/" not in path][:300]


def _asked(case: Case, name: str) -> Remedy:
    return case.advise(
        f"{name} is not set, and only a person knows its value.",
        f"Set {name} among the project's CI/CD variables (masked), then run the pipeline again.",
        variable=name,
    )


def _slip(case: Case, present: dict[str, str], name: str) -> str | None:
    """A variable that is set, that nothing uses, and whose name is a letter or two off."""
    for other in present:
        if DamerauLevenshtein.distance(other, name, score_cutoff=_SLIP) > _SLIP or other == name:
            continue
        texts = case.source.texts(_readers(case))
        uses = sum(len(re.findall(rf"\b{re.escape(other)}\b", text)) for text in texts.values())
        if uses == 1:
            return other
    return None


def _example(case: Case, name: str) -> tuple[str, str] | None:
    """The value that the project's own example gives, where it cannot be a secret."""
    if _SECRET.search(name):
        return None
    for path, text in case.source.texts(EXAMPLES).items():
        found = re.search(rf"(?m)^(?:export\s+)?{re.escape(name)}=[\"']?([^\"'\n#]*)[\"']?\s*(?:#.*)?$", text)
        if found:
            value = found[1].strip()
            if _HARMLESS.fullmatch(value) and not _PLACEHOLDER.match(value):
                return value, path
    return None
