"""The office in which Slack's conversations take place."""

from __future__ import annotations

import pytest

from tests.bot.surfaces.slack.workspace import Office, company


@pytest.fixture
def office() -> Office:
    """A workspace of the tests' own company."""
    return Office(company())
