"""One attempt: where it may lead, and that a strange answer harms nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from server.asgi.signatures import new_standard_secret
from server.outbound import pinned_transport
from server.webhooks.answer import Answer
from server.webhooks.sending import EXCERPT_BYTES, Sender
from tests.server.webhooks.tests_webhooks_support import receiving

pytestmark = pytest.mark.anyio


async def sent(url: str, *, private: bool) -> Answer:
    sender = Sender(lambda: private)
    try:
        return await sender.send(url, new_standard_secret(), "msg_1", b"{}")
    finally:
        await sender.close()


async def test_an_address_at_home_is_called_only_where_that_is_allowed() -> None:
    async with receiving() as receiver:
        answer = await sent(receiver.url, private=False)
        assert "private network or on this computer" in answer.error and answer.for_good and receiver.got == []
        assert (await sent(receiver.url, private=True)).error == "" and len(receiver.got) == 1


@pytest.mark.parametrize("place", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1"])
async def test_places_of_machines_are_never_called(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def places_of(host: str, port: int) -> list[str]:
        return ["93.184.215.14", place]

    monkeypatch.setattr(pinned_transport, "places_of", places_of)
    answer = await sent("https://receiver.example/", private=True)
    assert "private network" in answer.error and answer.for_good


async def test_the_place_that_was_looked_at_is_called_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups = iter((["93.184.215.14"], ["127.0.0.1"]))

    async def places_of(host: str, port: int) -> list[str]:
        return next(lookups)

    monkeypatch.setattr(pinned_transport, "places_of", places_of)
    seen: list[httpx2.Request] = []

    async def no_more() -> AsyncIterator[bytes]:
        yield b""

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(204, content=no_more())

    sender = Sender(lambda: False, httpx2.MockTransport(answer))
    assert (await sender.send("https://receiver.example/x", new_standard_secret(), "m", b"{}")).error == ""
    assert seen[0].url.host == "93.184.215.14" and seen[0].headers["host"] == "receiver.example"
    assert (await sender.send("https://receiver.example/x", new_standard_secret(), "m", b"{}")).for_good
    await sender.close()


async def test_plain_http_to_the_public_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def places_of(host: str, port: int) -> list[str]:
        return ["93.184.215.14"]

    monkeypatch.setattr(pinned_transport, "places_of", places_of)
    assert "only https" in (await sent("http://receiver.example/", private=True)).error


async def test_a_host_that_is_unknown_today_may_be_known_tomorrow() -> None:
    answer = await sent("https://nobody.invalid/", private=False)
    assert "not known" in answer.error and not answer.for_good


async def test_nobody_there_is_an_error_to_try_again() -> None:
    async with receiving() as receiver:
        url = receiver.url
    answer = await sent(url, private=True)
    assert answer.status is None and "Nothing answers" in answer.error and not answer.for_good


async def test_of_a_long_or_strange_answer_the_beginning_is_kept() -> None:
    async with receiving() as receiver:
        receiver.text = "x\0" * 500_000
        answer = await sent(receiver.url, private=True)
        assert answer.error == "" and len(answer.body) == EXCERPT_BYTES and "\0" not in answer.body


async def test_redirects_are_not_followed() -> None:
    async with receiving() as receiver:
        receiver.answer = f"307 Elsewhere\r\nLocation: {receiver.url}"
        answer = await sent(receiver.url, private=True)
        assert "redirects are not followed" in answer.error and len(receiver.got) == 1
