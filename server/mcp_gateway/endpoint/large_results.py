"""The result of a finished task of many megabytes, sent as it is stored: the SDK would write it all at once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from starlette.types import Send

from server.access.actor import Actor
from server.mcp_gateway.builtin_tools.async_calls import EXTENSION, AsyncCalls
from server.mcp_gateway.endpoint.plain_request import is_id, is_modern, takes_json
from server.mcp_gateway.endpoint.results import for_modern
from server.mcp_gateway.wire import to_wire

METHOD = "tasks/get"
_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


class LargeResults:
    """Answers `tasks/get` where that is all there is to it."""

    def __init__(self, calls: AsyncCalls, server_info: Mapping[str, Any]) -> None:
        self._calls = calls
        self._server_info = server_info

    async def answered(
        self, actor: Actor, message: Mapping[str, Any], headers: Mapping[bytes, str], send: Send
    ) -> bool:
        """Whether it was answered here; all else, refusals included, is the SDK's."""
        number, key = message.get("id"), _key(message, headers)
        found = await self._calls.large(actor, key) if key is not None and is_id(number) else None
        if found is None:
            return False
        handle, row, size = found
        result = to_wire(for_modern(METHOD, handle, self._server_info))
        before = b'{"jsonrpc":"2.0","id":' + to_wire(number) + b',"result":' + result[:-1] + b',"result":'
        after = b"}}"
        length = len(before) + size + len(after)
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
        # Who has hung up, or whose task is deleted meanwhile, gets no end.
        with contextlib.suppress(OSError):
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": before, "more_body": True})
            async for piece in self._calls.pieces(row):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": after})
        return True


def _key(message: Mapping[str, Any], headers: Mapping[bytes, str]) -> str | None:
    """The task that is asked for, if the request is in order as it stands there."""
    params = message.get("params")
    if not isinstance(params, dict) or not params.keys() <= {"taskId", "_meta"} or not takes_json(headers):
        return None
    key, meta = params.get("taskId"), params.get("_meta")
    if not isinstance(key, str) or not isinstance(meta, dict) or b"mcp-session-id" in headers:
        return None
    if headers.get(b"mcp-protocol-version") != meta.get("io.modelcontextprotocol/protocolVersion"):
        return None
    if not is_modern(meta, headers, METHOD, key):
        return None
    extensions = meta[_CAPABILITIES].get("extensions")
    return key if isinstance(extensions, dict) and EXTENSION in extensions else None
