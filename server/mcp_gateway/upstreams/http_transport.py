"""Remote servers by HTTP: streamable HTTP and the older SSE. Imports the SDK: only when a server is first used."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import httpx2
import mcp_types as types
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from server.mcp_gateway.upstreams.config import LaunchSpec
from server.mcp_gateway.upstreams.direct_calls import SESSION_HEADER, DirectCalls
from server.mcp_gateway.upstreams.http_faults import HttpFaults, faults_of_this
from server.mcp_gateway.upstreams.raw_client import CameWith
from server.mcp_gateway.upstreams.sse_transport import sse_transport
from server.outbound.pinned_transport import PublicTransport

_log = logging.getLogger(__name__)


class _WatchedTransport(httpx2.AsyncHTTPTransport):
    """Notes faults that the SDK folds into JSON-RPC errors of its own."""

    def __init__(self, faults: HttpFaults, direct: DirectCalls) -> None:
        super().__init__()
        self._faults = faults
        self._direct = direct

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await super().handle_async_request(request)
        except httpx2.TransportError:
            faults_of_this(self._faults).transport = True
            raise
        if session := response.headers.get(SESSION_HEADER):
            self._direct.session_id = session
        if response.status_code >= 500:
            faults_of_this(self._faults).server = True
        return response


class _Client(httpx2.AsyncClient):
    """Notes how each request ended. A 401 that a renewed token answers is no end, and nobody is to sign in for it."""

    faults: HttpFaults
    aside: frozenset[str] = frozenset()
    """Methods of HTTP whose end says nothing of a request that anybody made."""

    async def send(self, request: httpx2.Request, **more: Any) -> httpx2.Response:
        response = await super().send(request, **more)
        if request.method not in self.aside:
            faults_of_this(self.faults).status = response.status_code
        return response


def http_transport(
    spec: LaunchSpec, faults: HttpFaults, direct: DirectCalls, on_end: Callable[[], None]
) -> AbstractAsyncContextManager[TransportStreams]:
    """The connection to a server of the transport `http` or `sse`; `on_end`: the server has ended that of `sse`."""
    if spec.transport == "sse":
        return sse_transport(spec.url, _http_client(spec, faults, direct), direct, on_end)
    return _streamable_http(spec, faults, direct)


def _http_client(spec: LaunchSpec, faults: HttpFaults, direct: DirectCalls) -> httpx2.AsyncClient:
    # The read time is our own limit's business: a tool may work for long without a byte on the wire.
    limits = httpx2.Timeout(30.0, read=None)
    transport: httpx2.AsyncBaseTransport = _WatchedTransport(faults, direct)
    if spec.public_only:
        transport = PublicTransport(lambda: False, transport, most_bytes=None)
    # No proxies or .netrc from the environment: what reaches a server is what its row says.
    client = _Client(
        transport=transport,
        headers=dict(spec.headers),
        timeout=limits,
        auth=spec.auth,
        follow_redirects=False,
        trust_env=False,
    )
    client.faults = faults
    if spec.transport == "http":
        # The stream for what a server tells by itself, which it need not have, and the end of a session.
        client.aside = frozenset(("GET", "DELETE"))
    return client


@asynccontextmanager
async def _streamable_http(
    spec: LaunchSpec, faults: HttpFaults, direct: DirectCalls
) -> AsyncGenerator[TransportStreams, None]:
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)

    async def tell(message: dict[str, Any]) -> None:
        # What a server sends beside the answer of a call belongs to the session: its own requests, its notices.
        try:
            known = types.jsonrpc_message_adapter.validate_python(message, by_name=False)
        except ValueError:
            _log.debug("a message of %s that is no MCP is left out", spec.url)
            return
        # Read by the task whose request the server answers: so it is known whose it is.
        await to_client.send(SessionMessage(known, metadata=CameWith.this()))

    async with (
        _http_client(spec, faults, direct) as http,
        streamable_http_client(spec.url, http_client=http) as (read, write),
        anyio.create_task_group() as group,
        to_client,
        from_server,
    ):

        async def pass_on() -> None:
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async with to_client:
                    async for message in read:
                        await to_client.send(message)

        group.start_soon(pass_on)
        direct.over_http(spec, tell)
        try:
            yield from_server, write
        finally:
            direct.close()
            group.cancel_scope.cancel()
