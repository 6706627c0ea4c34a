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
    to_client, from_child = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_child, from_client = anyio.create_memory_object_stream[SessionMessage](0)

    lines = direct.over_pipes(child.stdin)
    first_look = child.first_look = FirstLook(child.stdout, lines.take)

    async def read() -> None:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            async with to_client:
                async for line in lines_of(first_look):
                    if isinstance(line, TooLong):
                        lines.refuse(line)
                        stderr.append(f"{STDOUT_NOISE}(a line of more than {line.limit >> 20} MB)")
                        continue
                    if lines.take(line):
                        continue
                    message = read_message(line)
                    if isinstance(message, Exception):
                        stderr.append(f"{STDOUT_NOISE}{line.decode('utf-8', 'replace').strip()[:STDERR_LINE_LENGTH]}")
                    await to_client.send(message)
        lines.close()
        on_child(None)

    async def watch() -> None:
        # What the program started may hold its stdout open when it has gone itself: nobody will read its end then.
        pause = _FIRST_LOOK_SECONDS
        while child.returncode is None:
            await anyio.sleep(pause)
            pause = min(pause * 1.5, _LOOK_SECONDS)
        await anyio.sleep(_LAST_LINES_SECONDS)
        await to_client.aclose()
        on_child(None)

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
            group.start_soon(watch)
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
        lines.close()
        for stream in (to_client, from_child, to_child, from_client):
            stream.close()
