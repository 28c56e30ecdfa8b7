"""What no machine changes: deployment, owners, secrets and security; a remedy that would is turned into advice."""

from __future__ import annotations

import re

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
    r"(?i)^(?:cryptography|pyopenssl|pyjwt|jsonwebtoken|oauthlib|authlib|passlib|bcrypt|paramiko|certifi|itsdangerous"
    r"|python-jose|crypto-js|node-forge|passport.*|helmet)$"
)


def is_protected(path: str) -> bool:
    """Whether no machine changes this file."""
    return _PROTECTED.search(path) is not None


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
        if case.diagnosis.subject and _SENSITIVE_PACKAGE.match(case.diagnosis.subject):
            return case.advise(
                f"{case.diagnosis.subject} has to do with security, so a person decides about its version.",
                f"What would be done: {found.summary}",
            )
        before = case.source.texts(list(found.files))
        if not changes(before, found.files) or all(before.get(path) == text for path, text in found.files.items()):
            return case.advise("The project already says what the playbook would have it say.", found.summary)
    return found
