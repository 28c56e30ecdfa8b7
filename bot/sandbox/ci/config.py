"""Reads `.gitlab-ci.yml`: which jobs a pipeline of this ref and source has, and what each of them runs."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.sandbox.ci.rules import RuleError, expand, holds

DEFAULT_STAGES = [".pre", "build", "test", "deploy", ".post"]
DEFAULT_TIMEOUT = 3600.0
MOST_RETRIES = 2
MOST_EXTENDS = 11
_TOP_LEVEL = {
    "stages",
    "variables",
    "default",
    "workflow",
    "include",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "spec",
}
_INHERITED = ("before_script", "after_script", "image", "retry", "timeout", "interruptible", "tags")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)\b")


class ConfigError(Exception):
    """The file is no valid pipeline; the message is what GitLab shows as `yaml_errors`."""


@dataclass(frozen=True)
class Job:
    """One job as configured; times in seconds."""

    name: str
    stage: str
    script: list[str]
    after_script: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    needs: list[str] | None = None
    when: str = "on_success"
    allow_failure: bool = False
    allowed_exit_codes: list[int] = field(default_factory=list)
    retries: int = 0
    retry_when: list[str] = field(default_factory=lambda: ["always"])
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True)
class Config:
    """The jobs of one pipeline, in the order of their stages."""

    stages: list[str]
    jobs: list[Job]


def load(
    text: str, variables: dict[str, str], read: Callable[[str], str | None], changed: Callable[[], list[str]]
) -> Config | None:
    """Read a configuration for one pipeline.

    Args:
        text: The file's content.
        variables: The pipeline's variables (predefined and the project's), which rules look at.
        read: Returns another file of the same commit, for `include: local`.
        changed: Returns the files this push changed, for `rules: changes`.

    Returns:
        The pipeline, or None where `workflow: rules` or the jobs' own rules leave nothing to run.

    Raises:
        ConfigError: if GitLab would refuse the file.
    """
    document = _document(text, read)
    shared = {**variables, **_variables(document.get("variables"), "variables")}
    chosen = _first_rule((document.get("workflow") or {}).get("rules"), shared, changed)
    if chosen is None or chosen.get("when") == "never":
        return None
    shared = {**shared, **_variables(chosen.get("variables"), "workflow:rules:variables")}
    stages = _stages(document.get("stages"))
    default = {key: document[key] for key in _INHERITED if key in document} | (document.get("default") or {})
    jobs = []
    for name, raw in document.items():
        if name in _TOP_LEVEL or name.startswith("."):
            continue
        if not isinstance(raw, dict):
            raise ConfigError(f"jobs:{name} config should be a hash")
        job = _job(name, _extended(name, document), default=default, shared=shared, stages=stages, changed=changed)
        if job is not None:
            jobs.append(job)
    if not jobs:
        return None
    _check_needs(jobs, {name for name in document if name not in _TOP_LEVEL})
    jobs.sort(key=lambda job: stages.index(job.stage))
    return Config([stage for stage in stages if any(job.stage == stage for job in jobs)], jobs)


def seconds(duration: object) -> float:
    """Return a duration such as `1h 30m`, `90 seconds` or `90` in seconds.

    Raises:
        ConfigError: if it is none.
    """
    if isinstance(duration, int | float):
        return float(duration)
    text = str(duration)
    if text.isdigit():
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).replace("and", "").strip(" ,"):
        raise ConfigError(f"timeout config should be a duration, not {text!r}")
    return sum(float(amount) * _UNIT_SECONDS[unit[0]] for amount, unit in parts)


def _document(text: str, read: Callable[[str], str | None], depth: int = 0) -> dict[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ConfigError(f"Invalid configuration format: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise ConfigError("Invalid configuration format")
    included: dict[str, Any] = {}
    for entry in _list(document.get("include")):
        path = entry if isinstance(entry, str) else (entry or {}).get("local")
        if not path:
            raise ConfigError("include: the sandbox knows `local` files only")
        other = read(str(path).lstrip("/"))
        if other is None or depth > MOST_EXTENDS:
            raise ConfigError(f"Local file `{path}` does not exist!")
        included = _merged(included, _document(other, read, depth + 1))
    return _merged(included, {str(key): value for key, value in document.items()})


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def _extended(name: str, document: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    raw = document.get(name)
    if not isinstance(raw, dict):
        raise ConfigError(f"{name}: unknown key in `extends`")
    if depth >= MOST_EXTENDS:
        raise ConfigError(f"{name}: circular dependency detected in `extends`")
    result: dict[str, Any] = {}
    for parent in _list(raw.get("extends")):
        if parent not in document:
            raise ConfigError(f"{name}: unknown keys in `extends` ({parent})")
        result = _merged(result, _extended(parent, document, depth + 1))
    return _merged(result, {key: value for key, value in raw.items() if key != "extends"})


def _job(
    name: str,
    raw: dict[str, Any],
    *,
    default: dict[str, Any],
    shared: dict[str, str],
    stages: list[str],
    changed: Callable[[], list[str]],
) -> Job | None:
    raw = {**default, **raw}
    if "script" not in raw and "trigger" not in raw:
        raise ConfigError(f"jobs:{name} config should implement the script:, run:, or trigger: keyword")
    stage = str(raw.get("stage", "test"))
    if stage not in stages:
        raise ConfigError(f"{name} job: chosen stage {stage} does not exist; available stages are {', '.join(stages)}")
    variables = {**shared, **_variables(raw.get("variables"), f"jobs:{name}:variables")}
    chosen: dict[str, Any] | None = {}
    if "rules" in raw:
        chosen = _first_rule(raw["rules"], variables, changed)
    elif not _only_except(raw, variables):
        chosen = None
    if chosen is None:
        return None
    when = str(chosen.get("when", raw.get("when", "on_success")))
    if when == "never":
        return None
    variables |= _variables(chosen.get("variables"), f"jobs:{name}:rules:variables")
    # A manual job outside of rules does not hold up the pipeline; that is GitLab's default.
    allowed = chosen.get("allow_failure", raw.get("allow_failure", when == "manual" and "rules" not in raw))
    retries, retry_when = _retry(name, raw.get("retry", 0))
    needs = raw.get("needs")
    return Job(
        name=name,
        stage=stage,
        script=_commands(raw.get("before_script")) + _commands(raw.get("script")),
        after_script=_commands(raw.get("after_script")),
        variables={key: expand(value, variables) for key, value in variables.items()},
        needs=None
        if needs is None
        else [need if isinstance(need, str) else str(need.get("job", "")) for need in _list(needs)],
        when=when,
        allow_failure=bool(allowed),
        allowed_exit_codes=[int(code) for code in _list(allowed.get("exit_codes"))]
        if isinstance(allowed, dict)
        else [],
        retries=retries,
        retry_when=retry_when,
        timeout=seconds(raw.get("timeout", DEFAULT_TIMEOUT)),
    )


def _stages(raw: object) -> list[str]:
    if raw is None:
        return DEFAULT_STAGES
    named = [str(stage) for stage in _list(raw) if stage not in {".pre", ".post"}]
    return [".pre", *named, ".post"]


def _retry(name: str, raw: object) -> tuple[int, list[str]]:
    most, when = (raw.get("max", 0), _list(raw.get("when", "always"))) if isinstance(raw, dict) else (raw, ["always"])
    if not isinstance(most, int) or not 0 <= most <= MOST_RETRIES:
        raise ConfigError(f"jobs:{name}:retry max must be an integer between 0 and {MOST_RETRIES}")
    return most, [str(reason) for reason in when]


def _check_needs(jobs: list[Job], known: set[str]) -> None:
    present = {job.name for job in jobs}
    for job in jobs:
        for need in job.needs or []:
            if need not in known:
                raise ConfigError(f"{job.name} job: undefined need: {need}")
            if need not in present:
                raise ConfigError(f"'{job.name}' job needs '{need}' job, but '{need}' does not exist in the pipeline.")


def _first_rule(rules: object, variables: dict[str, str], changed: Callable[[], list[str]]) -> dict[str, Any] | None:
    """Return the first rule that holds; {} where there are no rules at all, None where none holds."""
    if rules is None:
        return {}
    try:
        for rule in _list(rules):
            if isinstance(rule, dict) and holds(rule, variables, changed):
                return rule
    except RuleError as error:
        raise ConfigError(str(error)) from None
    return None


def _only_except(raw: dict[str, Any], variables: dict[str, str]) -> bool:
    def matches(entry: str) -> bool:
        ref, tag = variables.get("CI_COMMIT_REF_NAME", ""), "CI_COMMIT_TAG" in variables
        if entry in {"branches", "tags"}:
            return tag == (entry == "tags")
        if entry in {"pushes", "web", "api", "schedules", "merge_requests"}:
            return variables.get("CI_PIPELINE_SOURCE", "").startswith(entry.rstrip("s").removesuffix("e"))
        if entry.startswith("/"):
            return bool(re.search(entry.strip("/"), ref))
        return ref == entry

    def refs(key: str) -> list[str]:
        value = raw.get(key)
        return [str(entry) for entry in _list(value.get("refs") if isinstance(value, dict) else value)]

    only, without = refs("only"), refs("except")
    return (not only or any(matches(entry) for entry in only)) and not any(matches(entry) for entry in without)


def _variables(raw: object, where: str) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError(f"{where} config should be a hash of key value pairs")
    values = {str(key): value.get("value", "") if isinstance(value, dict) else value for key, value in raw.items()}
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}


def _commands(raw: object) -> list[str]:
    commands: list[str] = []
    for entry in _list(raw):
        commands += _commands(entry) if isinstance(entry, list) else [str(entry)]
    return commands


def _list(raw: object) -> list[Any]:
    if raw is None:
        return []
    return raw if isinstance(raw, list) else [raw]
