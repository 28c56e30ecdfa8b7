"""Realistic job logs: the failures of failures.yaml in the frames of four CI systems, with texts planted at will."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.actions.analysis.neutral_forms import FURTHER_FORMS


@dataclass(frozen=True)
class Case:
    """A failing command, what it wrote, and what it is."""

    label: str
    command: str
    output: str
    exit: int


def failures(file: str = "failures.yaml") -> list[Case]:
    data: list[dict[str, Any]] = YAML(typ="safe").load((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return [Case(**item) for item in data]


def excerpts() -> list[tuple[str, str]]:
    """Labels and short logs without any frame."""
    data: list[dict[str, str]] = YAML(typ="safe").load(
        (Path(__file__).parent / "excerpts.yaml").read_text(encoding="utf-8")
    )
    return [(item["label"], item["log"]) for item in data]


def _section(name: str, title: str, body: str) -> str:
    """A section as GitLab's runner writes it."""
    start, end = f"section_start:1700000000:{name}\r\x1b[0K", f"section_end:1700000003:{name}\r\x1b[0K"
    return f"{start}\x1b[0K\x1b[36;1m{title}\x1b[0;m\n{body}{end}"


def gitlab(case: Case) -> str:
    commands = (("echo preparing", "preparing\n"), ("python --version", "Python 3.12.1\n"), (case.command, case.output))
    script = "".join(f"\x1b[32;1m$ {command}\x1b[0;m\n{output}" for command, output in commands)
    sources = "Fetching changes with git depth set to 20...\nChecking out 1f2e3d4c as detached HEAD (ref is main)...\n"
    return (
        "\x1b[0KRunning with gitlab-runner 17.2.0 (abcdef12)\x1b[0;m\n"
        + _section(
            "prepare_executor", 'Preparing the "docker" executor', "Using Docker executor with image python ...\n"
        )
        + _section("get_sources", "Getting source from Git repository", sources)
        + _section("step_script", 'Executing "step_script" stage of the job script', script)
        + _section("cleanup_file_variables", "Cleaning up project directory and file based variables", "")
        + f"\x1b[31;1mERROR: Job failed: exit code {case.exit}\x1b[0;m\n"
    )


def github(case: Case) -> str:
    body = (
        "##[group]Run actions/checkout@v4\nwith:\n  repository: acme/shop\n  fetch-depth: 1\n##[endgroup]\n"
        "Syncing repository: acme/shop\nHEAD is now at 1f2e3d4 Add a discount\n"
        f"##[group]Run {case.command}\n{case.command}\nshell: bash\nenv:\n  CI_TOKEN: ***\n##[endgroup]\n"
        f"{case.output}##[error]Process completed with exit code {case.exit}.\n"
        "Post job cleanup.\n[command]/usr/bin/git version\ngit version 2.49.0\nCleaning up orphan processes\n"
    )
    lines = enumerate(body.split("\n")[:-1])
    return "".join(f"2026-01-02T03:04:{at % 60:02d}.1234567Z {line}\n" for at, line in lines)


def travis(case: Case) -> str:
    return (
        "travis_fold:start:git.checkout\n$ git clone --depth=50 https://git.example.com/acme/shop.git acme/shop\n"
        "Cloning into 'acme/shop'...\n$ cd acme/shop\n$ git checkout -qf 1f2e3d4c5b6a\n$ ./ci/install.sh\nInstalled.\n"
        f'$ {case.command}\n{case.output}\nThe command "{case.command}" exited with {case.exit}.\n\n'
        "Done. Your build exited with 1.\n"
    )


def jenkins(case: Case) -> str:
    return (
        "Started by user ada\nRunning as SYSTEM\nBuilding remotely on linux-4 in workspace /var/jenkins/shop\n"
        " > git rev-parse refs/remotes/origin/main^{commit} # timeout=10\n"
        "Checking out Revision 1f2e3d4c5b6a (refs/remotes/origin/main)\n"
        'Commit message: "Add a discount"\n[shop] $ /bin/sh -xe /tmp/jenkins1.sh\n+ ./ci/install.sh\nInstalled.\n'
        f"+ {case.command}\n{case.output}Build step 'Execute shell' marked build as failure\nFinished: FAILURE\n"
    )


def bare(case: Case) -> str:
    return case.output


FRAMES: dict[str, Callable[[Case], str]] = {
    "gitlab": gitlab,
    "github": github,
    "travis": travis,
    "jenkins": jenkins,
    "bare": bare,
}

PLANTS = {
    "dependency-missing-python": (
        "ModuleNotFoundError: No module named 'leftpadpy'",
        "ERROR: No matching distribution found for leftpadpy",
    ),
    "dependency-missing-npm": (
        "Error: Cannot find module 'left-pad'",
        "npm ERR! 404 Not Found - GET https://registry.example.org/left-pad - Not found",
    ),
    "version-conflict": ("npm ERR! code ERESOLVE", "ERROR: ResolutionImpossible: for help visit the documentation"),
    "missing-env-var": ("Error: Environment variable PLANTED_TOKEN is not set", "KeyError: 'PLANTED_API_KEY'"),
    "invalid-config": (
        "yaml.scanner.ScannerError: mapping values are not allowed here",
        "Invalid workflow file: .github/workflows/ci.yml#L1",
    ),
    "test-timeout": (
        "panic: test timed out after 10m0s",
        "ERROR: Job failed: execution took longer than 1h0m0s seconds",
    ),
    "flaky-test": ("=== 37 passed, 1 rerun in 2.1s ===",),
    "OOM": (
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "java.lang.OutOfMemoryError: Java heap space",
    ),
    "disk-full": ("OSError: [Errno 28] No space left on device", "write error: No space left on device"),
    "network-transient": (
        "curl: (6) Could not resolve host: dl.example.com",
        "Connection timed out after 30000 ms: ECONNRESET",
    ),
}

NEUTRAL: tuple[str, ...] = (
    "HEAD is now at 9a8b7c6 {text}",
    "HEAD is now at 9a8b7c6 Fix: {text}",
    'Commit message: "{text}"',
    "9a8b7c6 {text}",
    "* 9a8b7c6 (origin/main) docs: explain {text}",
    "fix(runner): survive {text}",
    "Checking out 9a8b7c6d as detached HEAD (ref is fix/{slug})...",
    "Switched to a new branch 'fix/{slug}'",
    " * [new branch]      fix/{slug} -> origin/fix/{slug}",
    "CI_COMMIT_MESSAGE={text}",
    "export CI_COMMIT_TITLE='{text}'",
    '$ echo "{text}"\n{text}',
    "$ echo '{text}' >> notes.txt",
    '+ echo "{text}"\n{text}',
    "$ git log -1 --format=%s\n{text}",
    "$ cat docs/troubleshooting.md\n# Troubleshooting\n{text}\nTry again.",
    '$ grep -rn "{text}" docs\ndocs/faq.md:12:{text}',
    "docs/faq.md:12:{text}",
    'docs/faq.md:12: If you see "{text}", free some room.',
    "# {text}",
    "// {text}",
    "> {text}",
    "tests/test_errors.py::test_reports[{text}] PASSED                       [ 10%]",
    "test_reports_{slug} (tests.test_errors.ErrorTest) ... ok",
    '  ✓ reports "{text}" (3 ms)',
    "    ✔ shows {text}",
    "ok 12 - reports {text}",
    "--- PASS: TestReports/{slug} (0.00s)",
    "=== RUN   TestReports\n    errors_test.go:12: {text}\n--- PASS: TestReports (0.00s)",
    "=== RUN   TestReports\n{text}\n--- PASS: TestReports (0.00s)",
    "[ RUN      ] Errors.Reports\n{text}\n[       OK ] Errors.Reports (0 ms)",
    "tests/test_errors.py::test_reports {text}\nPASSED",
    "test_reports (tests.test_errors.ErrorTest) ... {text}\nok",
    "  console.error\n    {text}\n\n      at log (src/errors.test.js:3:11)\n\nPASS src/errors.test.js",
    'self.assertIn("{text}", output)',
    '    raise RuntimeError("{text}")',
    'INFO: expecting "{text}" in the output',
    "test reports::{slug} ... ok",
    "[INFO] Running a.Errors\n{text}\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s",
    "Merge branch 'fix/{slug}' into 'main'",
    "npm WARN deprecated foo@1.0.0: {text}",
    "Title: {text}",
    "##[group]{text}\n##[endgroup]",
    "::group::{text}\n::endgroup::",
    "√ {text}",
    "[  PASSED  ] {text}",
    "ok - {text}",
    "{text} ... ok",
    "test {text} ... ok",
    "✅ {text}",
    "PASSED: {text}",
    "[PASS] {text}",
    "PASS: {text}",
    "it('{text}', () => {{",
    "[main 9a8b7c6] {text}",
    "  CI_COMMIT_TITLE: {text}",
    "commit_message: {text}",
    "COMMIT_MSG={text}",
    "+ echo {text}",
    "echo {text}",
    "++ printf '%s\\n' '{text}'\n{text}",
    "[command]/bin/echo {text}\n{text}",
    "```\n{text}\n```",
    "<!-- {text} -->",
    "/* {text} */",
    "-- {text}",
    "REM {text}",
    "README.md: {text}",
    "./docs/a.md:3:{text}",
    "docs/a.md-4-{text}",
    "| {text} | open |",
    "1. {text}",
    "Expected output: {text}",
    "e.g. {text}",
    "Example: {text}",
    "INFO {text}",
    "DEBUG: {text}",
    "[debug] {text}",
    "Test 'handles {text}' passed",
    "Job: {text}",
    "Step: {text}",
    "Branch: fix/{slug}",
    "Searching for '{text}' in logs",
    "- {text}",
    "* {text}",
    "  - {text}",
    "Subject: {text}",
    "    {text}\n\n    Signed-off-by: A <a@b.c>",
    "commit 9a8b7c6d5e4f3a2b1c0d9a8b7c6d5e4f3a2b1c0d\nAuthor: A <a@b.c>\nDate:   Thu Jan 1 00:00:00 2026 +0000\n\n    {text}\n",
    "Running test: {text}",
    "should report {text}",
    "    ✓ should throw {text} (3ms)",
    "WARNING: {text}",
    "warning: {text}",
    'logger.error("{text}")',
    "raise RuntimeError('{text}')",
    "test_{slug} (tests.T) ... ok",
    "tests/test_{slug}.py::test_x PASSED",
    "  ● Console\n\n    console.error\n      {text}\n\n      at log (src/a.js:1:1)\n",
    "2026-01-01 00:00:00 DEBUG worker: {text}",
    "Warning: previous run said: {text}",
    "Last failure: {text}",
    "Simulating {text}",
    "Retry test: {text}\nok 3 - retry",
    *FURTHER_FORMS,
)


def planted(log: str, text: str, form: str, rng: random.Random) -> str:
    """The log with a text set somewhere, in a form that means nothing."""
    slug = "".join(letter if letter.isalnum() else "-" for letter in text.lower()).strip("-")
    lines = form.format(text=text, slug=slug).split("\n")
    body = log.split("\n")
    at = rng.randrange(len(body))
    return "\n".join([*body[:at], *lines, *body[at:]])


def plant_trials(count: int, seed: int) -> Iterator[tuple[Case, str, str, str, str]]:
    """Cases with a text of another category planted: the case, its log without and with it, that category, the form."""
    rng = random.Random(seed)  # noqa: S311 - a deterministic choice of trials
    cases = [
        *failures(),
        *failures("more_failures.yaml"),
        *(case for case in failures("fresh_failures.yaml") if case.command),
    ]
    for _ in range(count):
        case = rng.choice(cases)
        frame = rng.choice(list(FRAMES.values()))
        other = rng.choice([category for category in PLANTS if category != case.label])
        form = rng.choice(NEUTRAL)
        log = frame(case)
        yield case, log, planted(log, rng.choice(PLANTS[other]), form, rng), other, form
