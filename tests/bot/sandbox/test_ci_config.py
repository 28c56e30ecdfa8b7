"""`.gitlab-ci.yml`: which jobs a pipeline has and what they run."""

from textwrap import dedent

import pytest

from bot.sandbox.ci.config import Config, ConfigError, load, seconds
from bot.sandbox.ci.rules import RuleError, evaluate

BRANCH = {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main", "CI_PIPELINE_SOURCE": "push"}
TAG = {"CI_COMMIT_TAG": "v1.0.0", "CI_COMMIT_REF_NAME": "v1.0.0", "CI_PIPELINE_SOURCE": "push"}


def read(text: str, variables: dict[str, str] | None = None, files: dict[str, str] | None = None) -> Config | None:
    """Load a configuration whose commit holds `files`, all of which changed."""
    known = files or {}
    return load(dedent(text), variables or BRANCH, known.get, lambda: list(known))


def jobs(text: str, variables: dict[str, str] | None = None, files: dict[str, str] | None = None) -> list[str]:
    """Return the names of the jobs, in their order."""
    config = read(text, variables, files)
    return [job.name for job in config.jobs] if config else []


def test_jobs_come_in_the_order_of_their_stages() -> None:
    assert jobs("stages: [one, two]\nb: {stage: two, script: x}\na: {stage: one, script: x}\n.hidden: {script: x}") == [
        "a",
        "b",
    ]


def test_rules_choose_jobs_by_branch_and_tag() -> None:
    text = """
        always: {script: x}
        release: {script: x, rules: [{if: $CI_COMMIT_TAG}]}
        branch: {script: x, rules: [{if: $CI_COMMIT_TAG, when: never}, {when: manual, allow_failure: true}]}
    """
    assert jobs(text) == ["always", "branch"]
    assert jobs(text, TAG) == ["always", "release"]


def test_rules_look_at_changed_files() -> None:
    text = "docs: {script: x, rules: [{changes: ['docs/**/*']}]}"
    assert jobs(text, files={"docs/a/b.md": ""}) == ["docs"]
    assert jobs(text, files={"src/a.py": ""}) == []


def test_only_and_except_choose_too() -> None:
    text = "a: {script: x, only: [tags]}\nb: {script: x, except: [tags]}\nc: {script: x, only: [/^ma/]}"
    assert jobs(text) == ["b", "c"]
    assert jobs(text, TAG) == ["a"]


def test_a_workflow_that_does_not_hold_means_no_pipeline() -> None:
    text = "workflow: {rules: [{if: '$CI_COMMIT_BRANCH == \"main\"'}]}\na: {script: x}"
    assert jobs(text) == ["a"]
    assert read(text, TAG) is None


def test_a_job_inherits_defaults_and_what_it_extends() -> None:
    config = read("""
        default: {before_script: [echo first], retry: 1}
        variables: {WHO: world}
        .base: {variables: {GREETING: "hello $WHO"}, timeout: 1h 30m}
        a: {extends: .base, script: [echo $GREETING, [echo more]], retry: {max: 2, when: script_failure}}
    """)
    assert config is not None
    job = config.jobs[0]
    assert job.script == ["echo first", "echo $GREETING", "echo more"]
    assert (job.variables["GREETING"], job.timeout) == ("hello world", 5400)
    assert (job.retries, job.retry_when) == (2, ["script_failure"])


def test_included_files_of_the_same_commit() -> None:
    text = "include: [{local: /ci/base.yml}]\na: {extends: .base}"
    assert jobs(text, files={"ci/base.yml": ".base: {script: x}"}) == ["a"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "Invalid configuration format"),
        ("- a", "Invalid configuration format"),
        ("a: {stage: nowhere, script: x}", "chosen stage nowhere does not exist"),
        ("a: {image: x}", "should implement the script:"),
        ("a: {script: x, needs: [b]}", "undefined need: b"),
        ("a: {script: x, needs: [b]}\nb: {script: x, rules: [{when: never}]}", "does not exist in the pipeline"),
        ("a: {extends: .b, script: x}", "unknown keys in `extends`"),
        ("a: {extends: a, script: x}", "circular dependency"),
        ("a: {script: x, retry: 3}", "between 0 and 2"),
        ("a: {script: x, timeout: soon}", "timeout config should be a duration"),
        ("a: {script: x, rules: [{if: '$A =='}]}", "invalid expression syntax"),
        ("include: /none.yml\na: {script: x}", "does not exist"),
        ("a: hello", "should be a hash"),
    ],
)
def test_what_gitlab_refuses_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("$A", True),
        ("$NONE", False),
        ("$A == 'x'", True),
        ('$A != "x"', False),
        ("$NONE == null", True),
        ("$A =~ /^X/i", True),
        ("$A !~ /y/", True),
        ("$A == 'y' || $B && $A", True),
        ("($A == 'y' || $B) && $NONE", False),
        ("${A} == $A", True),
    ],
)
def test_expressions(expression: str, holds: bool) -> None:
    assert evaluate(expression, {"A": "x", "B": "y"}) is holds


@pytest.mark.parametrize("expression", ["$A ==", "$A $B", "($A", "== 'x'", "$A =~ /(/", "%"])
def test_what_is_no_expression(expression: str) -> None:
    with pytest.raises(RuleError):
        evaluate(expression, {"A": "x"})


def test_durations() -> None:
    assert [seconds(text) for text in ("90", "90 seconds", "1h 30m", "2 minutes", 5)] == [90, 90, 5400, 120, 5]
