"""The client side of the official SDK: transports and raw requests. Imported only when a server is first used."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import anyio
import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client._transport import TransportStreams
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter

from server import __version__
from server.errors import GridBearError
from server.limits.circuit_breaker import FailureKind
from server.mcp_gateway.upstreams.child_process import ChildProcess, child_environment
from server.mcp_gateway.upstreams.config import LaunchSpec
from server.mcp_gateway.upstreams.process_guardian import Guardian

_log = logging.getLogger(__name__)
_RAW: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_MAX_PAGES = 100
_CLIENT = types.Implementation(name="gridbear-desktop", version=__version__)

Progress = Callable[[float, float | None, str | None], Awaitable[None]]


class RequestFailed(Exception):
    """A request to the server was answered by a JSON-RPC error, or not at all.

    `kind` is set when the connection is to blame (None: the server answered, and that is its answer);
    `broken` when the connection is of no further use.
    """

    def __init__(
        self, code: int, message: str, data: Any = None, kind: FailureKind | None = None, broken: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.kind = kind
        self.broken = broken


@dataclass(slots=True)
class HttpFaults:
    """What went wrong on the HTTP level since the connection was made; each count only grows."""

    transport: int = 0
    server: int = 0


class _WatchedTransport(httpx2.AsyncHTTPTransport):
    """Counts faults that the SDK folds into JSON-RPC errors of its own."""

    def __init__(self, faults: HttpFaults) -> None:
        super().__init__()
        self._faults = faults

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await super().handle_async_request(request)
        except httpx2.TransportError:
            self._faults.transport += 1
            raise
        if response.status_code >= 500:
            self._faults.server += 1
        return response


class SdkSession:
    """An open, negotiated connection to one MCP server."""

    def __init__(self, client: Client, faults: HttpFaults) -> None:
        self._client = client
        self._faults = faults

    @property
    def protocol_version(self) -> str:
        return self._client.protocol_version

    async def list_tools(self) -> list[dict[str, Any]]:
        """All pages of the tool list, as the server wrote them. Raises RequestFailed."""
        tools: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            request = types.ListToolsRequest(params=types.PaginatedRequestParams(cursor=cursor))
            result = await self._send(request, None)
            tools += [tool for tool in result.get("tools", ()) if isinstance(tool, dict)]
            cursor = result.get("nextCursor")
            if not cursor:
                break
        if self.protocol_version in MODERN_PROTOCOL_VERSIONS and any(_has_header_fields(tool) for tool in tools):
            # The SDK mirrors annotated arguments into headers only for tools that its own listing has seen.
            await self._client.session.list_tools()
        return tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any] | None, meta: Mapping[str, Any] | None, progress: Progress | None
    ) -> dict[str, Any]:
        """The result as the server wrote it (also one with `isError`). Raises RequestFailed."""
        params: dict[str, Any] = {"name": name, "arguments": arguments}
        if meta:
            params["_meta"] = dict(meta)
        request = types.CallToolRequest(params=types.CallToolRequestParams.model_validate(params))
        return await self._send(request, progress)

    async def watch_tools(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever the server says so on a 2026-07-28 subscription; returns when there is none."""
        capability = self._client.server_capabilities.tools
        if capability is None or not capability.list_changed:
            return
        try:
            async with self._client.listen(tools_list_changed=True) as subscription:
                async for _event in subscription:
                    changed()
        except (ListenNotSupportedError, MCPError, OSError) as error:
            _log.debug("no subscription to tool changes: %s", error)

    async def _send(self, request: Any, progress: Progress | None) -> dict[str, Any]:
        transport, server = self._faults.transport, self._faults.server
        try:
            # Typed for the SDK's own models; a TypeAdapter of dict keeps unknown fields as they came.
            session: Any = self._client.session
            result: dict[str, Any] = await session.send_request(request, _RAW, progress_callback=progress)
            return result
        except MCPError as error:
            kind: FailureKind | None = None
            broken = error.code == types.CONNECTION_CLOSED or error.message == "Session terminated"
            if broken or self._faults.transport > transport:
                kind = "transport"
            elif self._faults.server > server:
                kind = "slow"
            raise RequestFailed(error.code, error.message, error.data, kind, broken) from error
        except ValueError as error:
            raise RequestFailed(types.INTERNAL_ERROR, f"its answer is no valid MCP: {error}") from error
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError, RuntimeError) as error:
            raise RequestFailed(
                types.CONNECTION_CLOSED, str(error) or "connection closed", None, "transport", True
            ) from error


@asynccontextmanager
async def open_session(
    spec: LaunchSpec,
    *,
    stderr: deque[str],
    guardian: Guardian | None,
    on_tools_changed: Callable[[], None],
    on_child: Callable[[int | None], None],
) -> AsyncGenerator[SdkSession, None]:
    """Reach the server and agree on a protocol version. Must be entered and left by the same task.

    `on_child` is told the child's process id, and None when it ends. Raises OSError, ValueError, MCPError,
    httpx2 errors or an ExceptionGroup of them when the server can't be reached.
    """
    faults = HttpFaults()

    async def on_message(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            on_tools_changed()

    transport: Any
    if spec.transport == "stdio":
        transport = _stdio(spec, stderr, guardian, on_child)
    elif spec.transport == "sse":
        transport = sse_client(
            spec.url,
            headers=dict(spec.headers),
            httpx_client_factory=lambda headers=None, timeout=None, auth=None: _http_client(
                faults, headers, timeout, auth
            ),
        )
    else:
        transport = _streamable_http(spec, faults)
    client = Client(transport, mode="auto", cache=None, message_handler=on_message, client_info=_CLIENT)
    async with client:
        yield SdkSession(client, faults)


def _http_client(faults: HttpFaults, headers: Any, timeout: Any = None, auth: Any = None) -> httpx2.AsyncClient:
    # The read time is our own limit's business: a tool may work for long without a byte on the wire.
    limits = timeout or httpx2.Timeout(30.0, read=None)
    # No proxies or .netrc from the environment: what reaches a server is what its row says.
    return httpx2.AsyncClient(
        transport=_WatchedTransport(faults), headers=headers, timeout=limits, auth=auth, trust_env=False
    )


@asynccontextmanager
async def _streamable_http(spec: LaunchSpec, faults: HttpFaults) -> AsyncGenerator[TransportStreams, None]:
    async with (
        _http_client(faults, dict(spec.headers)) as http,
        streamable_http_client(spec.url, http_client=http) as streams,
    ):
        yield streams


@asynccontextmanager
async def _stdio(
    spec: LaunchSpec, stderr: deque[str], guardian: Guardian | None, on_child: Callable[[int | None], None]
) -> AsyncGenerator[TransportStreams, None]:
    """Our own stdio transport: the SDK's takes up to 4 s to stop a child, spares grandchildren of a child that
    exits by itself, and can't hand out the tail of stderr."""
    child = await ChildProcess.start(
        [spec.command, *spec.args],
        env=child_environment(spec.env),
        cwd=spec.cwd,
        stderr=stderr,
        guardian=guardian,
    )
    to_client, from_child = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_child, from_client = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError, ValueError):
            # ValueError: a line longer than the limit; what follows can't be trusted.
            async with to_client:
                while line := await child.stdout.readline():
                    await to_client.send(_parsed(line))

    async def write() -> None:
        try:
            async with from_client:
                async for message in from_client:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    child.stdin.write(text.encode() + b"\n")
                    await child.stdin.drain()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError, RuntimeError):
            # (RuntimeError is what uvloop makes of a pipe that is gone.)
            # The session must see the end of the connection and not wait for an answer for ever.
            await to_client.aclose()

    on_child(child.pid)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            group.start_soon(write)
            try:
                yield from_child, to_child
            except Exception as error:
                if await child.ended_within(0.5):
                    raise ConnectionError(f"The program ended with exit code {child.returncode}.") from error
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    await to_child.aclose()
                    await from_child.aclose()
                    await child.stop()
                group.cancel_scope.cancel()
    finally:
        on_child(None)
        for stream in (to_client, from_child, to_child, from_client):
            stream.close()


def _parsed(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        # Servers that print to stdout are common; the line is dropped and the connection lives on.
        return error


def _has_header_fields(tool: dict[str, Any]) -> bool:
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return False
    return any(isinstance(value, dict) and "x-mcp-header" in value for value in properties.values())


def describe(error: BaseException) -> str:
    """One sentence for a person about why a server could not be reached."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = cast(BaseException, error.exceptions[0])
    if isinstance(error, FileNotFoundError):
        return f"The command was not found: {error.filename or error}."
    if isinstance(error, PermissionError):
        return f"The command may not be run: {error.filename or error}."
    if isinstance(error, MCPError) and error.code == types.CONNECTION_CLOSED:
        return "The server closed the connection before it was ready."
    if type(error) is ConnectionError or isinstance(error, GridBearError):
        return str(error)
    if isinstance(error, asyncio.TimeoutError):
        return "The server did not answer in time."
    if isinstance(error, httpx2.ConnectError):
        return "Nothing answers at the server's address."
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
