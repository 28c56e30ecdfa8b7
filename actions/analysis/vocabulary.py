"""The forms that lines of job logs have, whatever they say: results, history, quotations, warnings, decorations."""
# ruff: noqa: RUF001 - the marks are those that test frameworks and linters print

import re


def any_of(*forms: str, before: str = "", after: str = "") -> re.Pattern[str]:
    """One pattern for several forms.

    Args:
        forms: Regular expressions.
        before: What stands before each of them.
        after: What stands after each of them.
    """
    return re.compile(f"{before}(?:{'|'.join(forms)}){after}")


_BESIDE_RESULT = r"(?: +\[[^]]*\]| *\([^)]*\))?\s*$"

PASSED = any_of(
    r"^\s*[✓✔√]",
    r"^\s*ok \d",
    r"^ok$",
    r"^\s*--- PASS",
    r"^\s*\[ +(?:OK|PASSED) +\]",
    r"^\s*(?:\[?PASS(?:ED)?\b|✅|☑)",
    r"^\s*(?:[-*] ok|ok -)",
    rf"(?:\bPASSED|\.\.\.? ?ok| - ok|: ok){_BESIDE_RESULT}",
    r"\.py [.sx]+(?: +\[ *\d+%\])?$",
    r"Tests run: \d+, Failures: 0, Errors: 0,.*Time elapsed",
    r"^Test Case '.*' passed",
    r"^\s*Passed \S|(?<!\.)\.{3,} *Passed(?: +[\d.]+ sec)?$",
    r"^\[info\] - (?!.*FAILED)",
    r"^OK \(\d+ test|\b0 (?:failures|failed)\b(?!.*[1-9]\d* errors?)|^\s*\d+ passing\b|^successes:$",
    r"^\.{4,}$|^\d{3} OK\b",
    r"^DONE \d+\.\d+s$|^Removing intermediate container |^ ---> [0-9a-f]{12}$",  # a layer of an image
)
FAILED = any_of(
    r"^\s*[✗✘✕×✖]",
    r"^\s*not ok \d",
    r"^\s*--- FAIL",
    r"^\s*\[ +FAILED +\]",
    r"^\s*FAIL(?:ED|URE)?(?:\s|:|$)",
    rf"(?:\bFAILED|\bERROR|\.\.\. ?(?:FAIL|ERROR|FAILED)|RERUN){_BESIDE_RESULT}",
    r"(?:\*\*\* FAILED \*\*\*|<<< (?:FAILURE|ERROR)!)\s*$",
    r"\.py [.sxFE]*[FE][.sxFE]*(?: +\[ *\d+%\])?$",
    r"Tests run: \d+, Failures: \d+, Errors: \d+,.*Time elapsed",
    r"^Test Case '.*' failed",
    r"Dubious, test returned",
    r"^Failed \d+/\d+ subtests",
)
RESULT_HINTS = (
    *(
        "PASS",
        "FAIL",
        "ERROR",
        "RERUN",
        "ok",
        "OK",
        ".py ",
        "Tests run",
        "Dubious",
        "ubtests",
        "Passed ",
        "passed",
        ".....",
    ),
    *("[info] - ", " passing", "0 fail", "successes", "DONE ", "Removing inter", " ---> ", "failed ("),
)
RESULT_MARKS = "✓✔√✗✘✕×✖✅☑"

STARTED = any_of(r"=== RUN\b", r"\[ RUN +\]", r"Test Case '.*' started", r"\[INFO\] Running \S+$", r"Running [\w.$]+$")

UNEVENTFUL = any_of(
    PASSED.pattern,
    r"^\s*(?:SKIP(?:PED)?|XFAIL|XPASS)\b",
    r"^\s*--- SKIP",
    r"^\s*\[ +(?:SKIPPED|RUN) +\]",
    r"^\s*=== (?:RUN|PAUSE|CONT|NAME)",
    rf"(?:\b(?:SKIPPED|XFAIL|RERUN)|\.\.\.? ?skipped.*){_BESIDE_RESULT}",
)

# A line that names a failed test; its name is not the reason why it failed.
FAILED_NAME = any_of(
    r"^\s*[✗✘✕×✖] .*\(\d+(?:\.\d+)? ?m?s\)$",
    r"^\s*not ok \d",
    r"^\s*--- FAIL",
    r"^\s*\d+\) ",
    r"^\s*● .* › ",
    r"^\s*\[ +FAILED +\]",
    r"^\s*(?:FAIL|ERROR): \w*[Tt]est\w*\b",
    r"^\S+\.py::\S+\s",
    r"^\w+ \([\w.]+\) \.\.\. ",
    r"\bFAILED(?: +\[[^]]*\])?\s*$",
)
# In pytest's summary the reason stands behind the name.
REASONED = re.compile(r"^(?:FAILED|ERROR) (?:\S+(?:\[.*\])?|.*?::.*?) - (?P<reason>.*)$")

HISTORY = any_of(
    r"(?:HEAD is now at|Previous HEAD|Checking out|Checked out|Switched to|Already on|On branch|Your branch)\b",
    r"(?:Commit [Mm]essage|[Cc]ommit:|Author:|Date:|Subject:|Title:|Message:)",
    r"Merge (?:branch|pull|remote|commit|tag)",
    r"(?:Merged|Merging|From|Cherry\S*|Reverted) ",
    r"(?:Last|Latest|Deploying|Testing) commit",
    r"Building (?:ref|branch|commit)",
    r"(?:Running (?:on )?)?[Bb]ranch\b",
    r"refs?/|Ref\b|Tag\b|\* \[new ",
    r"(?:Triggered|Started) by",
    r'Revert "',
    r"Pull [Rr]equest|(?:PR|Issue|Closes|Fixes) #",
    r"Changelog|CHANGELOG|Release notes",
    r"Job name|Pipeline (?:name|for)",
    r"(?:commit )?[0-9a-f]{7,40}(?: |$)",
    r"\[[\w/.\-#]+ (?:\(root-commit\) )?[0-9a-f]{7,}\]",
    r"(?:feat|fix|chore|docs|refactor|perf|revert)(?:\([^)]*\))?!?: ",
    before=r"^[*|\\/ ]*",
)

_CODE_WORDS = (
    r"raise|throw|return|assert(?!\w|ion)|print|console\.|def|class|import|from|except|elif|with |logger?\.|logging\."
    r"|const|let|var|expect\(|it\(|test\(|describe\(|case|grep|sed|awk|cat"
)
QUOTED_LINE = any_of(
    r"#(?![\[#])",
    r"//(?!\w[\w/.\-]*:\w)",
    r"/\*|\*\s(?!\*)|<!--|;;|--\s(?!FAIL)|\"\"\"|```|~~~|@@ ",
    r"[<>]\s|\d*\s*\|\s|> *\d+ \|",
    r"(?:export |declare -x |set )?(?!(?:level|msg|err|error|time|ts|code|exit\w*|status|reason|signal|failed)=)"
    r"[A-Za-z_]\w*=(?=[^\s=])",
    r"(?:echo|printf)\s",
    r"##\[(?:command|debug|group|section)\]|\[command\]|\$ |% |PS .*>",
    r"(?:[Ii]f|[Ww]hen|Note|NOTE|[Hh]int|[Tt]ip|See|Example|Usually|Common|Troubleshooting)\b",
    r"(?:For (?:example|more)|REM)\b|e\.g\.|\d{1,2}\. |::(?:group|debug|notice|set-output|set-env|save-state)",
    r"</?(?!(?:anonymous|unknown|string|stdin|module|built|empty)\b)[a-zA-Z][\w:.\-]*[\s>/]",  # an element of a document
    r"•\s+(?!\[)",
    r"o\s{1,3}(?=[\w\"'])",
    r"ℹ|%%|;\s|rem\s|\d+:(?=[A-Za-z#])(?!\w*(?:[Ee]rror|ERROR|fatal))",
    r"\*\s\*\*[\w\- ./]+:\*\*",  # an entry of a change log
    r"[│ ]*[├└]─|[|\\ ]*[+\\`]-{1,3} |↳ ",  # a branch of a tree of dependencies
    r"--?[a-zA-Z][\w\-]*(?:(?:, |=| )\S+)*\s{2,}\S",  # an option in a help text
    r"\S+\.\w+\s+\d+\s+\d+\s+\d+%",  # a file in a report of coverage
    r"This (?:can|may|usually|often|happens)\b|Possible (?:causes?|reasons?)|Q:|A:|FAQ\b",
    rf"(?:{_CODE_WORDS})[\s('\"].*['\"(=]",
    r"[+-](?!\s*(?:ERROR \||Root composer\.json |\S+/\S+ requires? ))(?:\s+\S|[\"'\w]).*$",
    r'"[\w\-. ]+":\s',
    r"(?:Requirement already|Using cached|copying|creating|adding|inflating|extracting)\b",
    r"(?:[Ss]kipping|[Ii]gnoring|[Ww]ould)\b",
    r"Binary file .* matches",
    before=r"^\s*",
)

# Cells between three bars or more are a row of a table; a tool that draws its messages uses one bar or two.
_BAR = r"(?:[│┃]|(?<!\|)\|(?!\|))"
TABLE_ROW = re.compile(
    rf"^\s*{_BAR}.*{_BAR}.*{_BAR}\s*$|^[^│┃|]+(?:{_BAR}[^│┃|]*){{3,}}$|^\s*\S+\s+\|\s.*\s{{2,}}\|\s"
    rf"|^[^|]+ \| [^|]{{1,20}} \| [^|]{{1,20}}$"
)

_TEXT_FILE = r"[\w./\-@+]+\.(?:md|rst|txt|adoc|html?)"
_SOURCE_FILE = (
    r"[\w./\-\\@+]+\.(?:pyi?|[jt]sx?|mjs|go|rs|java|kt|rb|cc?|cpp|hp?p?|(?:ba)?sh|ya?ml|json|toml|cfg|ini|html?|css|vue"
    r"|php|exs?|scala|swift)"
)
FOUND_IN_TEXT = re.compile(rf"^(?:\./)?{_TEXT_FILE}(?:[:\-]\d+)?[:\-]\s*\S")
FOUND_IN_FILE = any_of(
    rf"{_SOURCE_FILE}[:\-]\d+[:\-]\s*(?!.*\b(?:error|warning|fatal|FATAL|ERROR|Error)\b:?\s).*['\"(#].*",
    rf"{_SOURCE_FILE}:\s*(?:#|//|raise|throw|print|assert|\w+\s*=).*",
    before=r"^(?:\./)?",
)
GO_LOCATION = re.compile(r"^\s+\w[\w\-]*_test\.go:\d+: ")

WARNS = any_of(
    r"^\[?WARN(?:ING)?\]?\b",
    r"^npm (?:WARN|warn)\b",
    r"^[Ww]arn(?:ing)?\b",
    r"^W: ",
    r"^(?:##\[warning\]|::warning|⚠|DEPRECATION|Retrying\b)",
    r"^\[?(?:INFO|DEBUG|TRACE|NOTICE)\b[\]: ]",
    r"^\[(?:debug|DEBUG|warn)\]",
    r"\b\w*Warning: ",
    r"\blevel=(?:warn|info|debug)",
    r"\b(?:(?<!out )[Rr]etrying|will retry|[Tt]rying again|retry \d|attempt \d+ (?:of|/))\b",
    r"(?:^|\s)(?:WARN|INFO|DEBUG|TRACE|WARNING)\s",
    r"^\s*(?:\[[^\]]*\]\s*)*[\[(<][^\])>]*(?i:\b(?:debug|trace|verbose|ignored|skipped|muted|simulated|dry.?run)\b)"
    r"[^\])>]*[\])>]",
    r"^[VDI]/[\w.]+ ?\(",
    # What goes on without it was not stopped by it.
    r"\b(?:[Ss]kipping|[Ii]gnoring|[Ff]alling back|[Cc]ontinuing (?:anyway|without)|not uploading|will be (?:skipped|ignored))\b",
)

ASSERTED = any_of(
    r"\w*[Aa]ssert\w*|DID NOT RAISE|toThrow\w*",
    r"expect\w*|Expected|Received|Actual|got|want|left:|right:",
    r"to (?:equal|be|contain|throw|match|include|raise|eq)",
    r"should|shouldn't|handles?|when|Regex",
    r"[Ss]imulat\w+|mock\w*|fake|stub\w*",
    r"such as|defaults?: ?",
    before=r"\b",
    after=r"\b",
)

# What tells a tool's own report from a label or from prose that mentions an error.
REPORTS = re.compile(
    r"\b(?:errors?|exceptions?|fail\w*|fatal|panic\w*|blocked|exhausted|caused?|reason"
    r"|could ?n[o']t|cannot|can't|unable|invalid|missing"
    r"|problem|stderr|unhandled|uncaught|suppressed|aborted|lost|denied|due to|because|returned|got|timed? ?out|daemon"
    r"|refused|not|\w*(?:ssl|tls|connect)\w*|warn\w*|exit\w*|process|status|stopped|terminated|killed|crash\w*)\b",
    re.IGNORECASE,
)
RECALLS = re.compile(
    r"\b(?:last (?:failure|run|time|error|build|week)|previous\w*|prior|earlier|past|known|example|simulat\w+|expect\w*"
    r"|pretend\w*|sample|searching for|looking for|documented|explain\w*|describ\w*|mention\w*|reproduc\w*|regression"
    r"|dry[ \-]run|registered|catalogue|transcript|baseline|fixture|attach\w*|archived?)\b",
    re.IGNORECASE,
)
_LABELLING = "commit|message|title|subject|branch|name|stage|step|job|text|description|summary|body|note|comment|known"
LABEL = re.compile(
    # A name in camel case is a class, as of an exception; a label is a word or a few.
    rf"^(?![A-Z][a-z]+(?:[A-Z][a-z]+)+: )(?:[A-Z][\w\-]+(?: [\w\-./#!]+){{0,4}}"
    rf"|(?:[\w\-]+\.)*\w*(?:{_LABELLING})\w*|\d+ \w+(?: \w+){{0,3}})\s*[:=]\s",
    re.ASCII,
)
NAMING_KEY = re.compile(rf"^(?:[\w\-]+\.)+\w*(?:{_LABELLING})\s*(?::\s|=)", re.ASCII)
LOUD = re.compile(
    r"\s*(?:##\[error\]|\[(?:ERROR|error|FATAL|fatal|fail|WARN|WARNING)\]|E {2,}|npm (?:ERR!|error)|ERROR:|Error:|error:|fatal:)"
)

DECORATION = any_of(
    r"\s+",
    r"##\[error\]\s*|::error[^:]*::\s*",
    r"\[(?:ERROR|error|FATAL|fatal|INFO|info|WARNING|WARN|warn|fail|wait|stderr|err)\]\s*",
    r"E\s{2,}",
    r"npm (?:ERR!|error)(?:\s|$)|(?:yarn|lerna|nx|pnpm) ERR!\s",
    r"(?:stderr|stdout|remote):\s",
    r"[│┃╵╷]\s*|[×✖✗✘]\s|╰─[>▶]\s*|●\s|>\s+|= note: (?=/)",
    r"\d+\.\d{2,3} (?=\S)|\[\d+/\d+\]\s",
    r"[\w\-]+(?:[_\-]\d+)?\s+\|\s",
    r"\s*\[(?:exec|javac|java|junit|\s*(?:\+ ?\d+ ms)?\s*)\]\s",  # Ant and Flutter
    r"›\s",
    before="^",
)
