"""Takes secrets out of text before it reaches a model, a log or a store."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[redacted]"

# The forms come from the vendors' own documentation of their tokens' prefixes (GitLab, GitHub, Slack, AWS, Anthropic,
# Stripe, Google, npm, PyPI) and from RFC 7468 (PEM), RFC 7519 (JWT), RFC 3986 (user information in a URI).
_WHOLE = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?
    | \b(?:glpat|gldt|glrt|glptt|glcbt|glsoat|glft|glagent|gloas)-[A-Za-z0-9_.-]{10,}
    | \b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})
    | \bxox[a-z]-[A-Za-z0-9-]{8,} | \bxapp-[A-Za-z0-9-]{8,} | https://hooks\.slack\.com/services/[A-Za-z0-9/]+
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bsk-(?:ant-)?[A-Za-z0-9_-]{16,}
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}
    | \bAIza[A-Za-z0-9_-]{30,} | \bya29\.[A-Za-z0-9_-]{20,}
    | \bnpm_[A-Za-z0-9]{30,} | \bpypi-[A-Za-z0-9_-]{30,} | \bdop_v1_[a-f0-9]{60,} | \bshm_[A-Za-z0-9_-]{20,}
    | \b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER = re.compile(
    r"""
    (?P<keep>
      \b[a-z][a-z0-9+.-]*://[^\s:/@]*:                                   # user:password@ in a connection string
      (?=[^\s@/]+@)
      | \b(?:authorization|proxy-authorization)["']?\s*[:=]\s*["']?(?:bearer|basic|token)?\s*
      | \bbearer\s+(?=[A-Za-z0-9._~+/-]{16,})
      | \b(?:set-)?cookie\s*:\s*
      | (?:\b|_)(?:private-token|job-token|password|passwd|passphrase|pwd|secret|token|api[_-]?key|apikey|access[_-]?key
          |secret[_-]?key|client[_-]?secret|credentials?)["']?\s*(?:=>|[:=])\s*(?=["']?[^\s"'\[{(])
    )
    (?P<quote>["']?)(?P<secret>(?<=["'])[^"']+|[^\s"'@]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COOKIES = re.compile(r"\b((?:set-)?cookie\s*:\s*)[^\r\n]+", re.IGNORECASE)

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?!.*-----END)")
_KEY_ENDS = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")


def redact(text: str) -> str:
    """The text with tokens, keys, passwords, cookies, private keys, connection strings and e-mail addresses masked."""
    text = _COOKIES.sub(rf"\1{MASK}", text)
    text = _AFTER.sub(lambda found: f"{found['keep']}{found['quote']}{MASK}", text)
    return _WHOLE.sub(MASK, text)


def redact_lines(lines: Iterable[str]) -> list[str]:
    """The lines of one text, masked, and as many as they were: those of a private key too, which show it only together."""
    masked: list[str] = []
    within = False
    for line in lines:
        if within:
            ends = _KEY_ENDS.search(line)
            masked.append(MASK + redact(line[ends.end() :]) if ends else MASK)
            within = ends is None
        else:
            masked.append(redact(line))
            within = _KEY_BEGINS.search(line) is not None
    return masked
