"""What a stream ends with: one answer, whoever gives it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from starlette.types import Message

from server.mcp_gateway.endpoint.last_word import LastWord

pytestmark = pytest.mark.anyio
WHY = {"code": -1, "message": "It ends."}
ASKED = {"jsonrpc": "2.0", "id": 1, "method": "roots/list"}
ANSWERS = [{"jsonrpc": "2.0", "id": 7, "result": {}}, {"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": ""}}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def event(message: Any) -> bytes:
    return b"event: message\r\ndata: %s\r\n\r\n" % orjson.dumps(message)


async def ended(parts: list[bytes], *, kind: bytes = b"text/event-stream", why: Any = WHY) -> list[bytes]:
    """What goes out when a response of these parts ends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    word = LastWord(send, 7, lambda: why)
    await word.send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    for part in parts:
        await word.send({"type": "http.response.body", "body": part, "more_body": True})
    await word.send({"type": "http.response.body", "body": b""})
    return [message["body"] for message in sent[1:]]


@pytest.mark.parametrize("before", [[], [event(ASKED)], [event(ASKED), b": ping\r\n\r\n"]])
async def test_a_stream_without_an_answer_gets_the_error(before: list[bytes]) -> None:
    told = event({"jsonrpc": "2.0", "id": 7, "error": WHY})
    assert await ended(before) == [*before, told, b""]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_was_answered_is_not_answered_again(answer: dict[str, Any]) -> None:
    for parts in ([event(answer)], [event(ASKED), event(answer), b": ping\r\n\r\n"]):
        assert await ended(parts) == [*parts, b""]


async def test_while_the_endpoint_goes_on_and_in_what_is_no_stream_nothing_is_said() -> None:
    assert await ended([event(ASKED)], why=None) == [event(ASKED), b""]
    assert await ended([b"{}"], kind=b"application/json") == [b"{}", b""]


@pytest.mark.parametrize("why", [WHY, None])
@pytest.mark.parametrize("answered", [False, True])
async def test_a_begun_stream_that_is_cancelled_ends_with_the_error_of_the_endpoint_that_ends(
    why: Any, answered: bool
) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    word, begun = LastWord(send, 7, lambda: why), asyncio.Event()
    before = event(ANSWERS[0] if answered else ASKED)

    async def work() -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await word.send({"type": "http.response.start", "status": 200, "headers": headers})
        await word.send({"type": "http.response.body", "body": before, "more_body": True})
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(word.after(work()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = [] if answered else [event({"jsonrpc": "2.0", "id": 7, "error": WHY})]
    assert [message["body"] for message in sent[1:]] == [before, *([*told, b""] if why else [])]


async def test_of_what_has_not_begun_the_door_says_the_last_word() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    task = asyncio.create_task(LastWord(send, 7, lambda: WHY).after(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sent == []
