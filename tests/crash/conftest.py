"""The same running Shipmate as in the story, one a test."""

from __future__ import annotations

from tests.e2e.conftest import bare_environment, postgresql

__all__ = ["bare_environment", "postgresql"]
