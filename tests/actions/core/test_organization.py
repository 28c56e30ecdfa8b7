"""What the configuration means, and what is wrong with it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from actions.core.kinds import Kind
from actions.core.organization import Organization


def test_an_environment_without_a_kind_gets_it_from_its_usual_name_else_production() -> None:
    organization = Organization.model_validate({"environments": [{"name": n} for n in ("dev", "qa", "live", "eu-1")]})
    assert [e.kind for e in organization.environments] == ["development", "staging", "production", "production"]


def test_names_and_aliases_resolve_without_regard_to_case() -> None:
    organization = Organization.model_validate({"services": [{"name": "checkout", "aliases": ["Cash Desk"]}]})
    assert organization.resolve(Kind.SERVICE, "cash desk") == "checkout"
    assert organization.resolve(Kind.SERVICE, "cash") is None


def test_every_fault_is_told_at_once() -> None:
    faulty = {
        "services": [{"name": "a", "aliases": ["x"]}, {"name": "b", "aliases": ["X"]}],
        "people": [{"name": "dana", "roles": ["captain"]}],
        "approvals": [{"environments": ["moon"]}],
    }
    with pytest.raises(ValidationError) as caught:
        Organization.model_validate(faulty)
    message = str(caught.value)
    assert "“X” is used for a and b" in message
    assert "unknown role “captain”" in message
    assert "unknown environment “moon”" in message


def test_the_policy_version_changes_with_the_rules() -> None:
    one, other = Organization(), Organization.model_validate({"approvals": [{"count": 0}]})
    assert one.policy_version != other.policy_version
