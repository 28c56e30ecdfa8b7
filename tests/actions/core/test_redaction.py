"""No secret gets past redaction, and ordinary words do."""

from __future__ import annotations

import pytest

from actions.core.redaction import MASK, redact

SECRETS = [
    ("password=hunter2 and so on", "hunter2"),
    ("'secret': 'two words'", "two words"),
    ("postgres://shop:pa55word@db:5432/shop", "pa55word"),
    ("Authorization: Bearer abcdefghijklmnopqrstuv", "abcdefghijklmnopqrstuv"),
    ("PRIVATE-TOKEN: glpat-abcdefghij1234567890", "glpat"),
    ("export GITLAB_TOKEN=abc123def", "abc123def"),
    ("Set-Cookie: session=abc; Path=/", "session=abc"),
    ("mail dana@lanternshop.example today", "dana@"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ("key sk-ant-api03-abcdefghijklmnop_qrst", "sk-ant"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_masked(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize(
    "text",
    ["the token is nice", "deploy checkout v1.4.2 to staging", "see https://gitlab.example/shop/checkout/-/jobs/12"],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text
