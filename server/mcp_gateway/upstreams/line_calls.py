"""Requests straight over a channel that the SDK's session has too: a message there, a message back."""

from __future__ import annotations

import asyncio
import contextlib
import re
from abc import ABC, abstractmethod
from typing import Any, Protocol

from server.mcp_gateway.caller import Progress
from server.mcp_gateway.messages.tap import UNWATCHED, Tap
from server.mcp_gateway.upstreams.line_reader import TooLong
from server.mcp_gateway.upstreams.pending_calls import ABANDONED, OWN_ID, PendingCall
from server.mcp_gateway.upstreams.request_failed import RequestFailed, connection_closed, too_large
from server.mcp_gateway.wire import from_wire, to_wire

_BUSY = 8
"""With so many calls on their way a program has enough to do: what it is told next may wait a moment."""
_TOGETHER = 4
_TOGETHER_SECONDS = 0.002
"""Then so many lines go out together, or all of so long."""
_ID = re.compile(rb'"id"\s*:\s*"(gb-\d+)"')


class LineWriter(Protocol):
    """What of a stream writer is used."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...


class ChannelCalls(ABC):
    """Shares the channel with the SDK's session: who reads it shows every message to `take` first."""

    ended = "the connection has ended"
    """Why no answer comes any more."""

    def __init__(self, tap: Tap = UNWATCHED) -> None:
        self._tap = tap
        self._pending: dict[str, PendingCall] = {}
        self._closed = False

    def take(self, line: bytes) -> bool:
        """Whether the line answers, or reports on, a call of ours."""
        if OWN_ID not in line:
            return False
        try:
            message = from_wire(line)
        except ValueError:
            return False
        call = self._pending.get(_call_id(message))
        return call is not None and call.take(message)

    def refuse(self, line: TooLong) -> None:
        """An answer is too long to be read; whose it is stands at one of its ends."""
        for end in (line.head, line.tail):
            for found in _ID.findall(end):
                if (call := self._pending.get(found.decode())) is not None:
                    call.fail(too_large(line.limit))
                    return

    async def call(self, method: str, params: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
        """The server's answer, as it wrote it. Raises RequestFailed when the channel ends."""
        if self._closed:
            raise connection_closed(self.ended)
        call = PendingCall(progress, self._tap)
        self._pending[call.id] = call
        try:
            await self._write(call.request(method, params), call)
            return await call.wait()
        except RequestFailed as error:
            call.lost(str(error))
            raise
        except asyncio.CancelledError:
            cancelled = {"requestId": call.id, "reason": ABANDONED}
            message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}
            if self._tap.watch.ring is not None:
                self._tap.to_server(message)
                call.lost(ABANDONED)
            with contextlib.suppress(RequestFailed):
                await self._write(to_wire(message), None)
            raise
        finally:
            del self._pending[call.id]

    def close(self) -> None:
        """No line comes any more."""
        self._closed = True
        for call in self._pending.values():
            call.fail(connection_closed(self.ended))

    @abstractmethod
    async def _write(self, message: bytes, call: PendingCall | None) -> None:
        """Send a message, that of `call` if it is one. Raises RequestFailed."""


class LineCalls(ChannelCalls):
    """Over the pipes of a child, line by line."""

    ended = "the program has ended"

    def __init__(self, stdin: LineWriter, tap: Tap = UNWATCHED) -> None:
        super().__init__(tap)
        self._stdin = stdin
        self._unsent: list[bytes] = []
        self._gathering: asyncio.TimerHandle | None = None

    async def _write(self, message: bytes, call: PendingCall | None) -> None:
        try:
            if call is not None:
                # What is said of a call that was given up must not wait: the program may never read again.
                await self._stdin.drain()
        except (OSError, RuntimeError) as error:
            # (RuntimeError is what uvloop makes of a pipe that is gone.)
            raise connection_closed(str(error) or self.ended) from error
        # Lines of one turn of the loop go out together: waking the child is the dearest part of a call.
        self._unsent.append(message)
        if self._gathering is not None:
            if len(self._unsent) >= _TOGETHER:
                self._gathering.cancel()
                self._flush()
        elif len(self._unsent) == 1:
            loop = asyncio.get_running_loop()
            if len(self._pending) < _BUSY:
                loop.call_soon(self._flush)
            else:
                self._gathering = loop.call_later(_TOGETHER_SECONDS, self._flush)

    def _flush(self) -> None:
        self._gathering = None
        lines, self._unsent = self._unsent, []
        try:
            self._stdin.write(b"\n".join((*lines, b"")))
        except (OSError, RuntimeError):
            self.close()


def _call_id(message: Any) -> str:
    if not isinstance(message, dict):
        return ""
    found = message.get("id")
    if found is None and isinstance(message.get("params"), dict):
        found = message["params"].get("progressToken")
    return found if isinstance(found, str) else ""
