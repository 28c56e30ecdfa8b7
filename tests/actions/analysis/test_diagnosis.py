"""What a diagnosis says of whole logs: real failures in the frames of four CI systems, and with other evidence."""

import time
import tracemalloc

import pytest

from actions.analysis.categories import Category, FixRisk
from actions.analysis.diagnosis import JobEvidence, diagnose
from tests.actions.analysis.logs import FRAMES, Case, excerpts, failures, gitlab, plant_trials

CASES = failures()
MORE_CASES = failures("more_failures.yaml")
FRESH_CASES = failures("fresh_failures.yaml")
HELD_OUT = failures("held_out.yaml")
FAILING_TEST = next(case for case in CASES if case.label == "none" and case.command == "npx cypress run")


@pytest.mark.parametrize("frame", FRAMES)
def test_a_failure_is_known_in_every_frame(frame: str) -> None:
    said = {(case.label, case.command): diagnose(FRAMES[frame](case)).category for case in [*CASES, *MORE_CASES]}
    assert not {failure: category.value for failure, category in said.items() if category != failure[0]}


def in_some_frame(at: int, case: Case) -> str:
    """The log in one of the frames, each in its turn; without a command it is an excerpt."""
    return list(FRAMES.values())[at % len(FRAMES)](case) if case.command else case.output


def test_a_failure_with_the_noise_of_real_jobs_is_known() -> None:
    said = [(case, diagnose(in_some_frame(at, case)).category) for at, case in enumerate(FRESH_CASES)]
    assert not [(case.label, case.command, category.value) for case, category in said if category != case.label]


def test_most_of_the_held_out_failures_are_known_and_hardly_any_own_failure_is_mistaken() -> None:
    right = [diagnose(in_some_frame(at, case)).category == case.label for at, case in enumerate(HELD_OUT)]
    own = [known for known, case in zip(right, HELD_OUT, strict=True) if case.label == Category.NONE]
    assert sum(right) >= 0.94 * len(right)
    assert own.count(False) <= 0.02 * len(own)


def test_a_short_excerpt_is_enough() -> None:
    assert not [log for label, log in excerpts() if diagnose(log).category != label]


def test_a_job_cancelled_after_a_long_silence_ran_into_its_limit() -> None:
    quiet = "02:15:33  tests/test_a.py ....\n08:12:40  ##[error]The operation was canceled.\n"
    assert diagnose(quiet).category is Category.TEST_TIMEOUT
    assert diagnose(quiet.replace("08:12", "02:16")).category is Category.NONE


def test_a_planted_text_is_not_followed() -> None:
    trials = list(plant_trials(600, seed=20260102))
    followed = [(case.command, form) for case, _, planted, other, form in trials if diagnose(planted).category == other]
    assert len(followed) < len(trials) * 0.01, followed


def test_a_missing_package_is_named_with_its_lines_and_its_playbook() -> None:
    said = diagnose(gitlab(CASES[0]))
    assert said.subject == "requests_mock"
    assert said.root_cause == "Python cannot import “requests_mock”; it is not installed in the job."
    assert [line.text for line in said.lines] == ["E   ModuleNotFoundError: No module named 'requests_mock'"]
    assert gitlab(CASES[0]).split("\n")[said.lines[0].number - 1].startswith("E   ModuleNotFoundError")
    assert (said.playbook, said.risk, said.confidence >= 0.8) == ("pb-dep-001", FixRisk.LOW, True)


def test_the_fingerprint_is_stable_over_runs_and_differs_between_failures() -> None:
    first = Case("OOM", "make", "/builds/a1/x/run.sh: line 3:  1042 Killed                  ./train --epochs 3\n", 137)
    again = Case("OOM", "make", "/builds/b7/x/run.sh: line 3:   977 Killed                  ./train --epochs 3\n", 137)
    assert diagnose(gitlab(first)).fingerprint == diagnose(gitlab(again)).fingerprint
    assert len({diagnose(gitlab(case)).fingerprint for case in CASES}) > len(CASES) * 0.9


def test_secrets_are_masked_before_anything_comes_out() -> None:
    log = "Error: Environment variable API_TOKEN_HUNTER2 is not set\n"
    said = diagnose(log, redact=lambda text: text.replace("HUNTER2", "[MASKED]"))
    assert "HUNTER2" not in said.model_dump_json()
    assert said.subject == "API_TOKEN_[MASKED]"


def test_a_failed_test_that_passes_when_it_runs_again_is_flaky() -> None:
    log = gitlab(FAILING_TEST)
    assert diagnose(log, evidence=JobEvidence(retry_passed=True)).category is Category.FLAKY_TEST
    assert diagnose(log, evidence=JobEvidence(retry_passed=False)).category is Category.NONE


def test_what_a_successful_run_also_says_is_not_the_cause() -> None:
    noise = "Error: Environment variable NICE_TO_HAVE is not set\n"
    log = f"$ make\n{noise}Segmentation fault (core dumped)\nERROR: Job failed: exit code 139\n"
    assert diagnose(log).category is Category.MISSING_ENV_VAR
    assert (
        diagnose(log, evidence=JobEvidence(passing_trace=f"$ make\n{noise}Job succeeded\n")).category is Category.NONE
    )


def test_the_runner_s_own_word_for_a_time_limit_is_believed() -> None:
    said = diagnose("$ make\nworking\n", evidence=JobEvidence(failure_reason="job_execution_timeout"))
    assert (said.category, said.playbook) == (Category.TEST_TIMEOUT, "pb-test-001")


def test_exit_code_137_without_a_word_is_want_of_memory() -> None:
    said = diagnose("$ make\nworking\n", evidence=JobEvidence(exit_code=137))
    assert (said.category, said.playbook) == (Category.OOM, "pb-resource-001")


@pytest.mark.parametrize(
    ("evidence", "log", "category"),
    [
        (JobEvidence(failure_reason="runner_system_failure"), "$ make\nworking\n", Category.NETWORK_TRANSIENT),
        (JobEvidence(failure_reason="runner_system_failure"), "E   AssertionError: assert 3 == 4\n", Category.NONE),
        (JobEvidence(failure_reason="stuck_or_timeout_failure"), "$ make\nworking\n", Category.TEST_TIMEOUT),
        (JobEvidence(exit_code=124), "$ timeout 60 ./soak\nround 3\n", Category.TEST_TIMEOUT),
        (JobEvidence(exit_code=1), "$ ./soak\nround 3\n", Category.NONE),
    ],
)
def test_what_the_runner_says_is_heard_where_the_log_is_silent(
    evidence: JobEvidence, log: str, category: Category
) -> None:
    assert diagnose(log, evidence=evidence).category is category


def test_a_module_whose_files_the_commit_changes_is_not_installed_from_outside() -> None:
    log = "ModuleNotFoundError: No module named 'billing'\n"
    moved = "diff --git a/src/billing.py b/src/invoicing.py\n--- a/src/billing.py\n+++ b/src/invoicing.py\n"
    assert diagnose(log).category is Category.DEPENDENCY_MISSING_PYTHON
    assert diagnose(log, evidence=JobEvidence(diff=moved)).category is Category.NONE


def test_what_the_diff_or_the_pipeline_s_file_names_is_surer() -> None:
    log = "Error: Environment variable DEPLOY_HOST is not set\n"
    plain = diagnose(log).confidence
    assert diagnose(log, evidence=JobEvidence(diff="+  host = os.environ['DEPLOY_HOST']\n")).confidence > plain
    assert diagnose(log, evidence=JobEvidence(ci_config="script: ./deploy $DEPLOY_HOST\n")).confidence > plain


def test_a_module_of_the_project_itself_is_not_installed_from_outside() -> None:
    log = "ModuleNotFoundError: No module named 'checkout_api'\n"
    assert diagnose(log).category is Category.DEPENDENCY_MISSING_PYTHON
    assert diagnose(log, evidence=JobEvidence(project="acme/checkout-api")).category is Category.NONE


def test_an_error_in_a_step_that_passed_does_not_lead() -> None:
    log = (
        "$ ./probe.sh\ncurl: (6) Could not resolve host: metadata.example.com\n"
        "$ make\nmain.c:3:1: error: expected ';' before 'return'\nmake: *** [all] Error 1\n"
        "ERROR: Job failed: exit code 2\n"
    )
    assert diagnose(log).category is Category.NONE


def test_what_is_pasted_from_a_terminal_may_have_failed_before_the_last_command() -> None:
    pasted = "$ npm ci\nnpm ERR! code ERESOLVE\nnpm ERR! ERESOLVE could not resolve\n$ npm --version\n10.2.4\n"
    assert diagnose(pasted).category is Category.VERSION_CONFLICT


def test_an_error_after_the_failure_does_not_lead() -> None:
    log = (
        "$ make\n./build: no rule\nmake: *** [all] Error 1\nRunning after_script\n"
        "$ ./upload-logs\ncurl: (6) Could not resolve host: logs.example.com\nERROR: Job failed: exit code 2\n"
    )
    assert diagnose(log).category is Category.NONE


@pytest.mark.parametrize("log", ["", "\n\n", "\x00\x1b[", "ok", "\ufeff", "$ ", "+ ", "##[group]Run x", "a" * 100_000])
def test_any_text_has_a_diagnosis(log: str) -> None:
    assert diagnose(log).category is Category.NONE


def test_parts_cut_anywhere_give_the_same_diagnosis() -> None:
    log = gitlab(CASES[0])
    assert diagnose(log[at : at + 7] for at in range(0, len(log), 7)) == diagnose(log)


def long_trace(line: str, size: int) -> str:
    noise = "".join(
        f"2026-01-02T03:04:05.123Z [{n}/9000] {line} module-{n % 977}.o in {n % 31} ms\n" for n in range(9000)
    )
    return noise * (size // len(noise) + 1)


@pytest.mark.wheels  # needs nothing, but takes seconds
@pytest.mark.parametrize("line", ["Compiling", "error_handler failed to resolve timeout; retry"])
def test_ten_megabytes_take_under_a_second(line: str) -> None:
    cause = "OSError: [Errno 28] No space left on device\nERROR: Job failed: exit code 1\n"
    log = "$ make\n" + long_trace(line, 10_000_000) + cause
    diagnose(cause)
    start = time.process_time()
    said = diagnose(log)
    assert time.process_time() - start < 1.0
    assert said.category is Category.DISK_FULL
    assert said.lines[-1].number >= log.count("\n") - 1


@pytest.mark.wheels  # as above
def test_the_middle_of_a_long_trace_is_skimmed_in_bounded_memory() -> None:
    noise = long_trace("Compiling", 1_000_000)

    def parts() -> list[str]:
        return [noise] * 8

    def stream() -> object:
        yield "$ make\n"
        yield from parts()
        yield "c++: fatal error: Killed signal terminated program cc1plus\n"
        yield from parts()
        yield "make: *** [all] Error 2\nERROR: Job failed: exit code 2\n"

    tracemalloc.start()
    said = diagnose(stream())  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said.category is Category.OOM
    assert peak < 100_000_000
