"""Names of packages: how a module's name becomes a distribution's, which are known, and which only look like a known one."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from rapidfuzz.distance import DamerauLevenshtein

DISTRIBUTION_OF = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "Crypto": "pycryptodome",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "rest_framework": "djangorestframework",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "socks": "PySocks",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
"""Modules that are not named like their distribution, by the projects' own documentation."""


def _known(ecosystem: str) -> frozenset[str]:
    path = Path(__file__).with_name("known") / f"{ecosystem}.txt"
    return frozenset(path.read_text(encoding="utf-8").split())


KNOWN_PYTHON = _known("python")
KNOWN_NPM = _known("npm")
"""Names that are mistyped often because everybody types them; what only looks like one of them is not installed."""

_SHORT = 4


def normalised(name: str) -> str:
    """A Python distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def near_miss(name: str, known: Collection[str], pinned: Collection[str]) -> str | None:
    """The known or pinned name that this one could be mistaken for; None where it is one itself, or like none.

    Args:
        name: the name in question, normalised.
        known: names that everybody knows.
        pinned: names that the project has already.
    """
    others = {*known, *pinned}
    if name in others:
        return None
    bare = name.replace("-", "").replace("_", "")
    for other in sorted(others):
        if bare == other.replace("-", "").replace("_", ""):
            return other
        allowed = 1 if len(other) <= 2 * _SHORT else 2
        if len(other) >= _SHORT and DamerauLevenshtein.distance(name, other, score_cutoff=allowed) <= allowed:
            return other
    return None
