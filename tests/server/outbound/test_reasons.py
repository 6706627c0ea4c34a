"""Why nobody answered, in words for a person."""

from __future__ import annotations

import socket
import ssl

import httpx2
import pytest

from server.outbound.reasons import why_no_answer
from server.webhooks.sending import Sender

pytestmark = pytest.mark.anyio


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_a_closed_port_and_an_unknown_host_are_told_in_plain_words() -> None:
    sender = Sender(lambda: True)
    try:
        answer = await sender.send(f"http://127.0.0.1:{closed_port()}/", "whsec_aGVsbG8=", "m", b"{}")
        assert answer.error == "Nothing answers at its address."
        answer = await sender.send("http://nowhere.invalid/", "whsec_aGVsbG8=", "m", b"{}")
        assert answer.error == "The host nowhere.invalid is not known."
    finally:
        await sender.close()
    async with httpx2.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx2.ConnectError) as raised:
            await client.get("http://nowhere.invalid/")
    assert why_no_answer(raised.value) == "Its host is not known."


async def test_a_certificate_that_is_not_trusted_and_what_has_no_better_words_keep_theirs() -> None:
    untrusted = httpx2.ConnectError("failed")
    untrusted.__cause__ = ssl.SSLError("self-signed certificate")
    assert "safe connection" in why_no_answer(untrusted) and "self-signed certificate" in why_no_answer(untrusted)
    assert why_no_answer(httpx2.ReadTimeout("")) == why_no_answer(TimeoutError()) == "No answer in time."
    assert why_no_answer(httpx2.RemoteProtocolError("half an answer")) == "RemoteProtocolError: half an answer."
    assert why_no_answer(httpx2.ReadError("")) == "ReadError."
