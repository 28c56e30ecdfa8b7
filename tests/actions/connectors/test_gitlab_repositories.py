"""Source, merge requests, logs and variables of GitLab, through the ports."""

from __future__ import annotations

import pytest

from actions.connectors.gitlab import Tail
from actions.connectors.gitlab_repositories import GitLabRepositories
from actions.connectors.gitlab_variables import GitLabVariables
from actions.core.errors import Rejected
from tests.actions.connectors.conftest import Connectors

PROJECT = "shop/payments"


def test_of_a_long_log_the_end_is_kept_by_whole_lines() -> None:
    tail = Tail(100)
    for number in range(1000):
        tail.add(f"line {number}\n".encode())
    kept = tail.trace()
    assert kept.text.startswith(f"line {kept.lines_before}\n")
    assert kept.text.endswith("line 999\n")
    assert len(kept.text) <= 100


@pytest.mark.wheels
def test_a_change_is_proposed_once_and_merged_if_it_is_still_the_same(at: Connectors) -> None:
    source = GitLabRepositories(at.gitlab)
    head = source.revision(PROJECT, "main")
    assert head is not None
    made = source.propose(PROJECT, "shipmate/fix-1", head.id, {"new.txt": "one\n"}, message="Add it")
    assert source.propose(PROJECT, "shipmate/fix-1", head.id, {"new.txt": "two\n"}, message="Again").id == made.id
    assert source.read(PROJECT, "shipmate/fix-1", ["new.txt", "not.there"]) == {"new.txt": "one\n"}
    assert "new.txt" in source.files(PROJECT, made.id)
    assert "+one" in source.diff(PROJECT, made.id)
    opened = source.open_merge_request(PROJECT, "shipmate/fix-1", "main", title="Add it", description="Why")
    assert source.open_merge_request(PROJECT, "shipmate/fix-1", "main", title="x", description="").id == opened.id
    with pytest.raises(Rejected):
        source.merge(PROJECT, opened.id, sha="0" * 40)
    merged = source.merge(PROJECT, opened.id, sha=made.id)
    assert (merged.state, source.revision(PROJECT, "main").id) == ("merged", merged.merge_sha)  # type: ignore[union-attr]
    assert source.merge(PROJECT, opened.id, sha=made.id).state == "merged"
    source.delete_branch(PROJECT, "shipmate/fix-1")
    assert source.revision(PROJECT, "shipmate/fix-1") is None


@pytest.mark.wheels
def test_a_merge_request_is_closed_and_its_branch_removed(at: Connectors) -> None:
    source = GitLabRepositories(at.gitlab)
    head = source.revision(PROJECT, "main")
    assert head is not None
    source.propose(PROJECT, "shipmate/fix-2", head.id, {"other.txt": "one\n"}, message="Add it")
    opened = source.open_merge_request(PROJECT, "shipmate/fix-2", "main", title="Add it", description="Why")
    assert source.close(PROJECT, opened.id).state == "closed"
    assert source.close(PROJECT, opened.id).state == "closed"


@pytest.mark.wheels
def test_a_variable_is_set_once_and_its_value_is_in_no_error(at: Connectors) -> None:
    variables = GitLabVariables(at.gitlab)
    assert not variables.exists(PROJECT, "CARD_TOKEN")
    variables.create(PROJECT, "CARD_TOKEN", "a-value-to-be-masked")
    assert variables.exists(PROJECT, "CARD_TOKEN")
    with pytest.raises(Rejected) as refused:
        variables.create(PROJECT, "CARD_TOKEN", "another-value-to-be-masked")
    assert "another-value" not in str(refused.value)
