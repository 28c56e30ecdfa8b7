"""No text takes long or breaks the diagnosis: endless lines, storms of escapes, halves of letters, endless choices."""

import time

import pytest

from actions.analysis.diagnosis import diagnose
from actions.analysis.rules import rule_book
from actions.analysis.trace import LINE_CHARS

SIZE = 300_000
"""A thirtieth of what the limit of a second is said for."""

LINES = {
    "one line": "x",
    "words without an end": "error timeout failed to resolve ",
    "no words": "\n",
    "short lines": "a\n",
    "colours": "\x1b[31mx\x1b[0m\x1b[2K\n",
    "a title that never ends": "\x1b]0;title ",
    "progress": "progress 12%\rprogress 13%\rError: failed\n",
    "halves of letters": "\udcff\udcfe Error: connection timed out\n",
    "zeros": "\x00" * 100 + "\n",
    "heredocs": "$ cat <<EOF\nerror\n",
    "titles": "=== begin a ===\n--- end b ---\n>>> c\n",
    "tests": "a.py::x PASSED\nError: timed out waiting for x\nb FAILED\n",
    "groups": "##[group]Run x\n##[endgroup]\nError: boom: timed out\n##[error]Process completed with exit code 1.\n",
}
WORDS = {
    "missing": "Missing " * 100 + "FOO_BAR not set required environment variable",
    "colons": "a: " * 300 + "error: timed out",
    "one word": "a" * 900 + " error timed out not set",
    "capitals": "A_" * 450 + " is not set",
    "names": "FOO_BAR " * 100 + " is not set",
    "brackets": "(" * 400 + "error timeout memory " + "[" * 400,
    "spaces": " " * 900 + "expect error",
    "tabs": "\t" * 900 + "timed out error",
    "bars": "| a " * 200 + "error |",
    "dots": "." * 900 + " Passed",
    "versions": "requires 1.1 " * 60 + "but found",
    "paths": "/a" * 400 + " error timed out",
    "quotes": "\"a '" * 300 + " error",
    "numbers": "12." * 300 + " error 1 failed",
}


@pytest.mark.parametrize("name", LINES)
def test_hostile_lines_take_no_time(name: str) -> None:
    log = (LINES[name] * (SIZE // len(LINES[name]) + 1))[:SIZE]
    start = time.process_time()
    diagnose(log).model_dump_json()
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("name", WORDS)
def test_no_pattern_of_a_rule_backtracks_for_long(name: str) -> None:
    line = WORDS[name][:LINE_CHARS]
    start = time.process_time()
    for rule in rule_book().rules:
        rule.match(line)
    diagnose(line + "\n")
    assert time.process_time() - start < 1.0


def test_a_halved_letter_is_shown_as_one_that_is_unknown() -> None:
    said = diagnose("OSError: [Errno 28] No space left on device: \udcff\n")
    assert said.lines[0].text.endswith("\ufffd")
