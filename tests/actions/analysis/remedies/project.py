"""A project in memory, and a package index in memory, for the remedies' tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.analysis.diagnosis import JobEvidence, diagnose
from actions.analysis.remedies import remedy
from actions.analysis.remedies.remedy import Case, Ecosystem, Remedy
from actions.core.redaction import redact

CI = """\
# Every push is tested.
stages: [test]

unit:
  stage: test
  # the quick ones
  script:
    - pip install -r requirements.txt
    - python -m pytest  # all of them
"""
INDEX = {
    ("python", "requests"): ("2.32.3", "2.31.0"),
    ("python", "PyYAML"): ("6.0.2", "6.0.1"),
    ("python", "lanternlib"): ("2.0.0rc1", "1.4.0", "1.3.0"),
    ("python", "urllib3"): ("2.2.1", "1.26.20", "1.26.18", "1.25.11"),
    ("python", "certifi"): ("1.26.18", "1.25.11"),
    ("python", "PyJWT"): ("2.9.0",),
    ("python", "pyOpenSSL"): ("24.2.1",),
    ("python", "python-jose"): ("3.3.0",),
    ("npm", "left-lantern"): ("3.1.0-beta.1", "3.0.2"),
}


@dataclass
class Project:
    """A project's files."""

    files: dict[str, str]
    asked: list[str] = field(default_factory=list)

    @property
    def paths(self) -> Sequence[str]:
        return sorted(self.files)

    def texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        return {path: self.files[path] for path in paths if path in self.files}

    def versions(self, ecosystem: Ecosystem, name: str, settings: Mapping[str, str]) -> Sequence[str]:
        self.asked.append(name)
        return INDEX.get((ecosystem, name), ())


def mended(
    log: str, files: Mapping[str, str], *, job: str = "unit", took_before: float = 0.0, **evidence: str
) -> Remedy:
    """What the remedies say of a job that wrote this log, in a project of these files."""
    project = Project({".gitlab-ci.yml": CI, **files})
    known = JobEvidence(job=job, ci_config=project.files[".gitlab-ci.yml"], **evidence)
    diagnosis = diagnose(log, evidence=known, redact=redact)
    return remedy(
        Case(
            diagnosis=diagnosis,
            job=job,
            source=project,
            versions=project.versions,
            lock=lambda given: "{}\n" if "package.json" in given else None,
            log=log,
            took_before=took_before,
        )
    )
