"""Servers that ask without end: what comes beyond so many open questions is not heard, and answers make room."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from server.mcp_gateway.messages.tap import UNWATCHED
from server.mcp_gateway.upstreams.open_questions import MOST
from server.mcp_gateway.upstreams.tapped_streams import tapped

pytestmark = pytest.mark.anyio


def asks(number: Any) -> SessionMessage:
    return SessionMessage(types.JSONRPCRequest(jsonrpc="2.0", id=number, method="ping"))


def tells(method: str, **params: Any) -> SessionMessage:
    return SessionMessage(types.JSONRPCNotification(jsonrpc="2.0", method=method, params=params))


def answers(number: Any) -> SessionMessage:
    return SessionMessage(types.JSONRPCResponse(jsonrpc="2.0", id=number, result={}))


async def test_a_flood_of_questions_has_an_end_and_answers_and_cancellations_make_room() -> None:
    said, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](10 * MOST)
    to_server, _heard = anyio.create_memory_object_stream[SessionMessage](10 * MOST)

    @contextlib.asynccontextmanager
    async def transport() -> AsyncIterator[TransportStreams]:
        yield from_server, to_server

    async with tapped(transport(), UNWATCHED) as (read, write):

        async def passed(*messages: SessionMessage) -> list[Any]:
            for message in (*messages, tells("end")):
                said.send_nowait(message)
            found: list[Any] = []
            while True:
                item = await read.receive()
                assert isinstance(item, SessionMessage)
                if getattr(item.message, "method", None) == "end":
                    return found
                found.append(getattr(item.message, "id", None))

        assert await passed(*(asks(number) for number in range(MOST + 50))) == list(range(MOST))
        assert await passed(asks("more"), answers(7)) == [7], "answers always come"
        await write.send(answers(3))
        assert await passed(asks("first"), asks("second")) == ["first"]
        assert await passed(tells("notifications/cancelled", requestId=5), asks("third")) == [None, "third"]
        refusal = types.ErrorData(code=1, message="no")
        await write.send(SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=9, error=refusal)))
        assert await passed(asks("8"), asks(8), asks("fourth")) == ["fourth"], "an id in use is not used again"
    for stream in (said, from_server, to_server, _heard):
        stream.close()
