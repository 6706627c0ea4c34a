"""Webhook signatures: GitHub's form, and nothing that merely looks like it."""

from __future__ import annotations

import hmac

import pytest

from server.asgi.signatures import sign_sha256, verify_sha256

# The example of GitHub's own documentation of webhook signatures.
SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_githubs_documented_example_is_met() -> None:
    assert sign_sha256(SECRET, BODY) == SIGNATURE
    assert verify_sha256(SECRET, BODY, SIGNATURE)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        SIGNATURE[:-1],
        SIGNATURE + "0",
        SIGNATURE[7:],
        "sha1=" + SIGNATURE[7:],
        "sha256=" + "é" * 64,
    ],
)
def test_a_missing_or_malformed_header_is_refused(header: str | None) -> None:
    assert not verify_sha256(SECRET, BODY, header)


def test_another_body_or_secret_is_refused() -> None:
    assert not verify_sha256(SECRET, BODY + b" ", SIGNATURE)
    assert not verify_sha256("other", BODY, SIGNATURE)


@pytest.mark.parametrize("secret", [None, ""])
def test_an_empty_secret_is_refused_even_with_its_own_signature(secret: str | None) -> None:
    of_the_empty_key = "sha256=" + hmac.new(b"", BODY, "sha256").hexdigest()
    assert not verify_sha256(secret, BODY, of_the_empty_key)


def test_nothing_is_signed_with_an_empty_secret() -> None:
    with pytest.raises(ValueError, match="empty secret"):
        sign_sha256("", BODY)
