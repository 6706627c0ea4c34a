"""Webhook signatures: GitHub's form, and nothing that merely looks like it."""

from __future__ import annotations

import hmac

import pytest

from server.asgi.signatures import (
    is_standard_secret,
    new_standard_secret,
    sign_sha256,
    sign_standard,
    verify_sha256,
    verify_standard,
)

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


STANDARD = {
    "message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp": "1614265330",
    "signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
"""The example of the Standard Webhooks libraries."""
STANDARD_SECRET, STANDARD_BODY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'


def test_a_standard_signature_is_that_of_the_standards_own_libraries() -> None:
    assert sign_standard(STANDARD_SECRET, STANDARD["message_id"], 1614265330, STANDARD_BODY) == STANDARD["signature"]
    assert verify_standard(STANDARD_SECRET, STANDARD_BODY, **STANDARD, now=1614265330 + 299)
    both = {**STANDARD, "signature": f"v1,other {STANDARD['signature']}"}
    assert verify_standard(STANDARD_SECRET, STANDARD_BODY, **both, now=1614265330)


@pytest.mark.parametrize(
    "changed",
    [
        {"message_id": "msg_other"},
        {"message_id": None},
        {"timestamp": "1614265331"},
        {"timestamp": "soon"},
        {"timestamp": "-1"},
        {"signature": ""},
        {"signature": "v1,"},
        {"signature": STANDARD["signature"].replace("v1,", "v2,")},
        {"signature": "v1,\udc80"},
    ],
)
def test_any_other_standard_header_is_refused(changed: dict[str, str | None]) -> None:
    headers = {**STANDARD, **changed}
    given = {name: headers[name] for name in ("message_id", "timestamp", "signature")}
    assert not verify_standard(STANDARD_SECRET, STANDARD_BODY, **given, now=1614265330)


def test_an_old_message_an_empty_secret_and_another_body_are_refused() -> None:
    assert not verify_standard(STANDARD_SECRET, STANDARD_BODY, **STANDARD, now=1614265330 + 301)
    assert not verify_standard(STANDARD_SECRET, STANDARD_BODY, **STANDARD, now=1614265330 - 301)
    assert not verify_standard(STANDARD_SECRET, b"{}", **STANDARD, now=1614265330)
    for secret in ("", None, "whsec_", "whsec_not base64!", "é"):
        assert not verify_standard(secret, STANDARD_BODY, **STANDARD, now=1614265330)
    assert is_standard_secret(new_standard_secret()) and not is_standard_secret("whsec_" + "YQ==")
