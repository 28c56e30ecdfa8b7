"""A recogniser over the whole catalogue and a small company, fitted once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions import catalog
from actions.core.organization import Organization
from intents.recognizer import Recognizer

COMPANY = Organization.model_validate(
    {
        "environments": [
            {"name": "production", "aliases": ["prod", "live"]},
            {"name": "staging", "aliases": ["stg"]},
            {"name": "qa"},
        ],
        "services": [
            {"name": "ledger-api", "aliases": ["ledger"], "owners": ["books"]},
            {"name": "ledger-writer", "owners": ["books"]},
            {"name": "rates", "aliases": ["fx"], "owners": ["markets"]},
            {"name": "quotes", "owners": ["markets"]},
        ],
        "people": [{"name": "noor", "slack": "U0NOOR", "roles": ["devops"]}, {"name": "sam", "roles": ["developer"]}],
    }
)


@pytest.fixture(scope="session")
def recognizer(learned: Path) -> Recognizer:
    """The recogniser."""
    return Recognizer(catalog(), COMPANY, learned)
