"""The least that stands between HTTP and pipes: `python -m tests.bench.mcp_relay PORT` passes calls of echo on.

Not a gateway: one program, one tool, no tokens, rules, limits, log or errors. It asks the program in 2026-07-28, as
ours does, whatever its client speaks: no gateway that asks so can do more. What ours takes above it is what it gives.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from tests.bench.mcp_requests import modern_meta
from tests.bench.mcp_servers import UPSTREAM

_ID = re.compile(rb'"id": ?(\d+)')
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_TEXT = re.compile(rb'"text": ("[a-z]+")')
_META = json.dumps(modern_meta()).encode()
_HEAD = b"HTTP/1.1 200 OK\r\nMcp-Session-Id: 1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

Answered = Callable[[bytes], None]


class _Program(asyncio.SubprocessProtocol):
    """The program's pipes; what is asked within one turn of the loop goes out in one piece."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._waiting: dict[int, Answered] = {}
        self._asked = 0
        self._part = b""
        self._stdin: Any = None

    def begin(self, stdin: Any) -> None:
        """Use these pipes."""
        self._stdin = stdin

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            found = _ID.search(line)
            assert found is not None
            self._waiting.pop(int(found[1]))(line)

    def ask(self, method: bytes, params: bytes, answered: Answered) -> None:
        """`params`: members of a JSON object, each with a comma behind it."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._asked += 1
        self._waiting[self._asked] = answered
        request = b'{"jsonrpc": "2.0", "id": %d, "method": "%s", "params": {%s"_meta": %s}}\n'
        self._lines.append(request % (self._asked, method, params, _META))

    def _flush(self) -> None:
        self._stdin.write(b"".join(self._lines))
        self._lines.clear()


class _Client(asyncio.Protocol):
    """One connection of the load generator."""

    def __init__(self, program: _Program) -> None:
        self._program = program
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, _, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return
        self._buffer = b""
        text = _TEXT.search(body)
        if text is None:  # a session is opened
            self._answer(b'{"jsonrpc": "2.0", "id": 0, "result": {}}')
        else:
            self._program.ask(b"tools/call", b'"name": "echo", "arguments": {"text": %s}, ' % text[1], self._answer)

    def _answer(self, line: bytes) -> None:
        self._transport.write(_HEAD % len(line) + line)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    transport, program = await loop.subprocess_exec(_Program, sys.executable, str(UPSTREAM), "stdio", stderr=None)
    program.begin(transport.get_pipe_transport(0))
    found: asyncio.Future[bytes] = loop.create_future()
    program.ask(b"server/discover", b"", found.set_result)
    await found
    server = await loop.create_server(lambda: _Client(program), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
