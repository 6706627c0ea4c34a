"""A program that speaks MCP on stdin and stdout. Imports the SDK: only when a server is first used."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from server.mcp_gateway.upstreams.child_process import STDERR_LINE_LENGTH, STDOUT_NOISE, ChildProcess, child_environment
from server.mcp_gateway.upstreams.config import LaunchSpec
from server.mcp_gateway.upstreams.direct_calls import DirectCalls
from server.mcp_gateway.upstreams.first_look import FirstLook
from server.mcp_gateway.upstreams.line_calls import LineCalls
from server.mcp_gateway.upstreams.line_reader import TooLong, lines_of
from server.mcp_gateway.upstreams.messages import read_message
from server.mcp_gateway.upstreams.process_guardian import Guardian

_FIRST_LOOK_SECONDS, _LOOK_SECONDS = 0.05, 1.0
_LAST_LINES_SECONDS = 0.2
"""What a program wrote before it ended is still read for so long."""


@asynccontextmanager
async def stdio_transport(
    spec: LaunchSpec,
    stderr: deque[str],
    guardian: Guardian | None,
    on_child: Callable[[int | None], None],
    direct: DirectCalls,
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
    talk = _Talk(child, direct.over_pipes(child.stdin), on_child)
    on_child(child.pid)
    try:
        async with anyio.create_task_group() as group:
            for part in (talk.read, talk.watch, talk.write):
                group.start_soon(part)
            try:
                yield talk.streams
            except Exception as error:
                if await child.ended_within(0.5):
                    raise ConnectionError(f"The program ended with exit code {child.returncode}.") from error
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    await talk.leave()
                    await child.stop()
                group.cancel_scope.cancel()
    finally:
        talk.end()


class _Talk:
    """What a child and the SDK's session say to each other. Each of `read`, `watch` and `write` is a task."""

    def __init__(self, child: ChildProcess, calls: LineCalls, on_child: Callable[[int | None], None]) -> None:
        self._child = child
        self._calls = calls
        self._on_child = on_child
        self._first_look = child.first_look = FirstLook(child.stdout, calls.take)
        self._to_session, self._from_child = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        self._to_child, self._from_session = anyio.create_memory_object_stream[SessionMessage](0)

    @property
    def streams(self) -> TransportStreams:
        """The session's ends."""
        return self._from_child, self._to_child

    async def read(self) -> None:
        """Hand on what the child writes, until it closes its stdout."""
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            async with self._to_session:
                async for line in lines_of(self._first_look):
                    if (message := self._for_session(line)) is not None:
                        await self._to_session.send(message)
        self._calls.close()
        self._on_child(None)

    def _for_session(self, line: bytes | TooLong) -> SessionMessage | Exception | None:
        """What a line says, unless it belongs to a call that went the short way."""
        if isinstance(line, TooLong):
            self._calls.refuse(line)
            self._note(f"(a line of more than {line.limit >> 20} MB)")
            return None
        if self._calls.take(line):
            return None
        message = read_message(line)
        if isinstance(message, Exception):
            self._note(line.decode("utf-8", "replace").strip()[:STDERR_LINE_LENGTH])
        return message

    def _note(self, noise: str) -> None:
        self._child.stderr.append(f"{STDOUT_NOISE}{noise}")

    async def watch(self) -> None:
        """End what the session hears when the child has gone.

        What it started may hold its stdout open: nobody will read its end then.
        """
        pause = _FIRST_LOOK_SECONDS
        while self._child.returncode is None:
            await anyio.sleep(pause)
            pause = min(pause * 1.5, _LOOK_SECONDS)
        await anyio.sleep(_LAST_LINES_SECONDS)
        await self._to_session.aclose()
        self._on_child(None)

    async def write(self) -> None:
        """Hand on what the session writes."""
        try:
            async with self._from_session:
                async for message in self._from_session:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    self._child.stdin.write(text.encode() + b"\n")
                    await self._child.stdin.drain()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError, RuntimeError):
            # (RuntimeError is what uvloop makes of a pipe that is gone.)
            # The session must see the end of the connection and not wait for an answer for ever.
            await self._to_session.aclose()

    async def leave(self) -> None:
        """The session says and hears nothing more."""
        await self._to_child.aclose()
        await self._from_child.aclose()

    def end(self) -> None:
        """The child has ended."""
        self._on_child(None)
        self._calls.close()
        for stream in (self._to_session, self._from_child, self._to_child, self._from_session):
            stream.close()
