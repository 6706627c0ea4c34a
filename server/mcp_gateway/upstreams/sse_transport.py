"""The HTTP transport of 2024-11-05 (`sse`). Imports the SDK: only when a server is first used."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

import anyio
import httpx2
import mcp_types as types
from mcp.client._transport import TransportStreams
from mcp.shared._httpx_utils import request_within_origin, stream_within_origin
from mcp.shared.message import SessionMessage

from server.mcp_gateway.upstreams.direct_calls import DirectCalls
from server.mcp_gateway.upstreams.line_reader import TooLong
from server.mcp_gateway.upstreams.messages import read_message
from server.mcp_gateway.upstreams.request_failed import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    REFUSED_BY_HTTP,
    RequestFailed,
    connection_closed,
    http_status,
    session_gone,
)
from server.mcp_gateway.upstreams.sse_calls import Post, SseCalls
from server.mcp_gateway.upstreams.sse_events import Event, events_of

_log = logging.getLogger(__name__)
_POST_SECONDS = 30.0
"""A message of the session itself, which is short, was taken by then."""
PassOn = Callable[[SessionMessage | Exception], Awaitable[None]]
_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}


@asynccontextmanager
async def sse_transport(
    url: str, http: httpx2.AsyncClient, direct: DirectCalls, on_end: Callable[[], None]
) -> AsyncGenerator[TransportStreams, None]:
    """Our own: the SDK's gives up the whole connection for one event of more than 1 MB, and lets a call whose message
    the server did not take wait for an answer that never comes."""
    async with http, stream_within_origin(http, "GET", url, headers=_HEADERS) as response:
        response.raise_for_status()
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise ConnectionError("The server answers with something else than a stream of events.")
        to_client, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        to_server, from_client = anyio.create_memory_object_stream[SessionMessage](0)
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def post(message: bytes) -> None:
            await _post(http, await asyncio.shield(address), message)

        calls = SseCalls(post, direct.tap)
        direct.over(calls)

        async def read() -> None:
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, httpx2.HTTPError):
                async with to_client:
                    async for event in events_of(response.aiter_bytes()):
                        await _heard(event, url, address, calls, to_client.send)
            calls.close()
            on_end()

        async def write() -> None:
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async with from_client:
                    async for message in from_client:
                        refused = await _sent(post, message.message)
                        if refused is not None:
                            await to_client.send(refused)

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(read)
                group.start_soon(write)
                try:
                    yield from_server, to_server
                finally:
                    calls.close()
                    group.cancel_scope.cancel()
        finally:
            address.cancel()
            for stream in (to_client, from_server, to_server, from_client):
                stream.close()


async def _heard(event: Event, url: str, address: asyncio.Future[str], calls: SseCalls, pass_on: PassOn) -> None:
    if isinstance(event.data, TooLong):
        calls.refuse(event.data)
    elif event.name == "endpoint":
        if not address.done():
            address.set_result(_address(url, event.data.decode("utf-8", "replace")))
    elif event.name == "message" and not calls.take(event.data):
        await pass_on(read_message(event.data))


def _address(url: str, told: str) -> str:
    """Where messages are posted. Raises ConnectionError for another host: our headers are for this one alone."""
    found = urljoin(url, told.strip())
    ours, theirs = urlsplit(url), urlsplit(found)
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        raise ConnectionError("The server wants its messages sent to another server.")
    return found


async def _post(http: httpx2.AsyncClient, address: str, message: bytes) -> None:
    try:
        answer = await request_within_origin(
            http, "POST", address, content=message, headers={"Content-Type": "application/json"}
        )
    except httpx2.ConnectError as error:
        raise RequestFailed(
            CONNECTION_CLOSED, "nothing answers at its address", None, "transport", True, not_run=True
        ) from error
    except httpx2.HTTPError as error:
        raise connection_closed(str(error) or type(error).__name__) from error
    if answer.status_code == 404:
        raise session_gone()
    if not answer.is_success:
        raise http_status(answer.status_code)


async def _sent(post: Post, message: types.JSONRPCMessage) -> SessionMessage | None:
    """Send a message of the SDK's session; the answer to it when the server does not take it."""
    text = message.model_dump_json(by_alias=True, exclude_unset=True).encode()
    try:
        async with asyncio.timeout(_POST_SECONDS):
            await post(text)
    except (RequestFailed, TimeoutError) as error:
        _log.debug("a message was not taken: %s", error)
        if not isinstance(message, types.JSONRPCRequest):
            return None
        broken = isinstance(error, RequestFailed) and error.broken
        # In the words of the SDK's other transport, which are known here.
        words = str(error) if broken else REFUSED_BY_HTTP
        status = error.status if isinstance(error, RequestFailed) else 0
        told = types.ErrorData(code=CONNECTION_CLOSED if broken else INTERNAL_ERROR, message=words, data=status)
        return SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=message.id, error=told))
    return None
