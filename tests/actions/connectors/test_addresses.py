"""Proxies are asked for the world, never for this machine."""

import pytest

from actions.connectors.addresses import is_local


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:80/gitlab", True),
        ("http://[::1]:80", True),
        ("http://localhost", True),
        ("https://gitlab.example.com", False),
        ("https://10.0.0.1", False),
    ],
)
def test_what_is_on_this_machine(url: str, local: bool) -> None:
    assert is_local(url) is local
