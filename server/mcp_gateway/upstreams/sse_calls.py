"""Requests to a server of the older HTTP transport: each is posted, all answers come on one stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from server.mcp_gateway.messages.tap import UNWATCHED, Tap
from server.mcp_gateway.upstreams.line_calls import ChannelCalls
from server.mcp_gateway.upstreams.pending_calls import PendingCall
from server.mcp_gateway.upstreams.request_failed import RequestFailed

Post = Callable[[bytes], Awaitable[None]]
"""Send one message. Raises RequestFailed when the server does not take it."""


class SseCalls(ChannelCalls):
    """A server may take its time to say that it has taken a message: the answer may come before that."""

    ended = "the server closed the stream"

    def __init__(self, post: Post, tap: Tap = UNWATCHED) -> None:
        super().__init__(tap)
        self._post = post
        self._posting: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Nothing comes any more, and nothing is sent."""
        super().close()
        for task in self._posting:
            task.cancel()

    async def _write(self, message: bytes, call: PendingCall | None) -> None:
        task = asyncio.get_running_loop().create_task(self._sent(message, call))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _sent(self, message: bytes, call: PendingCall | None) -> None:
        if call is None:
            with contextlib.suppress(RequestFailed):
                await self._post(message)
            return
        try:
            await self._post(message)
        except RequestFailed as error:
            call.fail(error)
