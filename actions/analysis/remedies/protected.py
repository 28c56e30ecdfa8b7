"""What no machine changes: deployment, owners, secrets and security; a remedy that would is turned into advice."""

from __future__ import annotations

import re
from collections.abc import Mapping

from actions.analysis.remedies.remedy import Case, Remedy, changes

_PROTECTED = re.compile(
    r"""(?ix)
      (?:^|/)(?:CODEOWNERS|Dockerfile[^/]*|docker-compose[^/]*|Procfile|\.netrc|\.pypirc|id_[a-z0-9]+|[^/]*\.(?:pem|key|p12|tf|tfvars))$
    | (?:^|/)\.env(?:\.[^/]*)?$
    | (?:^|/)(?:deploy|deployment|deployments|k8s|kubernetes|helm|charts?|manifests|terraform|ansible|secrets?|infra)/
    | (?:^|/)(?:SECURITY\.md|\.gitlab/(?:security|CODEOWNERS).*)$
    """
)
_SENSITIVE_JOB = re.compile(
    r"(?i)\b(?:deploy|release|publish|prod(?:uction)?|rollout|terraform|sign|secret|security|sast|dast)"
)
_SENSITIVE_PACKAGE = re.compile(
    r"(?i)^(?:cryptography|pyopenssl|pyjwt|jsonwebtoken|authlib|passlib|bcrypt|paramiko|certifi|itsdangerous"
    r"|.*oauth.*|(?:python-|node-)?jose|bcryptjs|argon2.*|pycryptodome|pynacl|crypto-js|node-forge|passport.*|helmet)$"
)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_protected(path: str) -> bool:
    """Whether no machine changes this file."""
    return _PROTECTED.search(path) is not None


def _sensitive(case: Case, found: Remedy, before: Mapping[str, str]) -> str | None:
    """The package of security that is meant by the log or named in a changed line; None where there is none.

    The log names a module (jwt), the file its package (PyJWT), and a conflict is often solved by moving a third one.
    """
    words = [case.diagnosis.subject or ""]
    for each in changes(before, {path: text for path, text in found.files.items() if not path.endswith("-lock.json")}):
        changed = (line[1:] for line in each.diff.splitlines() if line[:1] in {"+", "-"})
        words += [word for line in changed for word in _NAME.findall(line)]
    return next((word for word in words if _SENSITIVE_PACKAGE.match(word)), None)


def guarded(case: Case, found: Remedy) -> Remedy:
    """The remedy itself, or advice in its place where it would touch what machines keep off."""
    if found.kind == "advise":
        return found
    if _SENSITIVE_JOB.search(case.job):
        return case.advise(
            f"{case.job} deploys, publishes or guards something, so no machine touches it.",
            f"What would be done: {found.summary}",
        )
    if found.kind == "edit":
        if protected := [path for path in found.files if is_protected(path)]:
            return case.advise(
                f"{', '.join(protected)} is a file that no machine changes.", f"What would be done: {found.summary}"
            )
        before = case.source.texts(list(found.files))
        if sensitive := _sensitive(case, found, before):
            return case.advise(
                f"{sensitive} has to do with security, so a person decides about its version.",
                f"What would be done: {found.summary}",
            )
        if not changes(before, found.files) or all(before.get(path) == text for path, text in found.files.items()):
            return case.advise("The project already says what the playbook would have it say.", found.summary)
    return found
