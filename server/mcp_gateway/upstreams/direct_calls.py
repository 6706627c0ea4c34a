"""The short way for requests beside the SDK's session, on the connection that the session negotiated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.mcp_gateway.caller import Progress
from server.mcp_gateway.messages.tap import Tap
from server.mcp_gateway.upstreams.config import LaunchSpec
from server.mcp_gateway.upstreams.http_calls import HttpCalls, fits
from server.mcp_gateway.upstreams.line_calls import ChannelCalls, LineCalls, LineWriter
from server.mcp_gateway.upstreams.request_failed import result_of

SESSION_HEADER = "Mcp-Session-Id"


class DirectCalls:
    """What a transport offers of the short way: nothing, a channel (pipes, SSE) or HTTP.

    The SDK's way costs a pydantic model, three tasks and four streams per call, more than all the rest of a call.
    """

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self.session_id: str | None = None
        """Of the server, as it gave it."""
        self._lines: ChannelCalls | None = None
        self._http: HttpCalls | None = None
        self._abandon: Callable[[str], Awaitable[None]] | None = None
        self._abandoning: set[asyncio.Future[None]] = set()

    @property
    def offered(self) -> bool:
        return self._lines is not None or self._http is not None

    @property
    def has_headers(self) -> bool:
        """Whether headers go with a request, which repeat some of it."""
        return self._lines is None

    def over_pipes(self, stdin: LineWriter) -> LineCalls:
        """Offer the pipes of a child."""
        self._lines = calls = LineCalls(stdin, self.tap)
        return calls

    def over(self, calls: ChannelCalls) -> None:
        """Offer another channel."""
        self._lines = calls

    def over_http(self, spec: LaunchSpec, tell: Callable[[Any], Awaitable[None]]) -> None:
        """Offer connections to the server, if it is one of plain HTTP without a sign-in.

        `tell` gets what is no answer of ours.
        """
        if spec.auth is None and not spec.public_only and fits(spec.url, spec.headers):
            self._http = HttpCalls(spec.url, spec.headers, tell, self._abandoned, self.tap)

    def close(self) -> None:
        """The connection ends."""
        if self._lines is not None:
            self._lines.close()
        if self._http is not None:
            self._http.close()

    def when_abandoned(self, tell: Callable[[str], Awaitable[None]]) -> None:
        """How a server is told that nobody waits for a call any more, where closing its stream does not say so."""
        self._abandon = tell

    async def call(
        self, method: str, params: dict[str, Any], headers: Mapping[str, str], progress: Progress | None
    ) -> dict[str, Any]:
        """The result as the server wrote it. Raises RequestFailed."""
        if self._lines is not None:
            answer = await self._lines.call(method, params, progress)
        else:
            assert self._http is not None
            own = {SESSION_HEADER: self.session_id} if self.session_id else {}
            answer = await self._http.call(method, params, {**headers, **own}, progress)
        return result_of(answer)

    def _abandoned(self, call_id: str) -> None:
        if self._abandon is not None:
            task = asyncio.ensure_future(self._abandon(call_id))
            self._abandoning.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Future[None]) -> None:
        self._abandoning.discard(task)
        if not task.cancelled():
            task.exception()  # a server that can't be told will find out by itself
