"""The SDK's client with an ear below its models, which drop what they don't know."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Never

import mcp_types as types
from mcp.client import Client
from mcp.client.session import ClientSession
from mcp.shared.dispatcher import DispatchContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ClientMessageMetadata
from mcp.shared.transport_context import TransportContext

from server.mcp_gateway.upstreams.heard import QUESTIONS, Heard, NotAsked
from server.mcp_gateway.upstreams.in_flight import Flight, this_flight

UI_EXTENSION = "io.modelcontextprotocol/ui"
_UI = {UI_EXTENSION: {"mimeTypes": ["text/html;profile=mcp-app"]}}
"""Pages of tools are relayed untouched, to clients that know them and to others."""


@dataclass
class CameWith(ClientMessageMetadata):
    """With a message of a server: the request on whose answer it came."""

    flight: Flight | None = None

    @staticmethod
    def this() -> CameWith:
        """That of the task that reads the answer."""
        return CameWith(flight=this_flight.get())


class _RawSession(ClientSession):
    heard: Heard

    async def _on_request(
        self, dctx: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        if method not in QUESTIONS:
            return await super()._on_request(dctx, method, params)
        try:
            return await self.heard.question(method, params or {}, _flight(dctx))
        except NotAsked as error:
            raise MCPError(code=types.INVALID_REQUEST, message=f"Not asked: {error}.") from error

    async def _on_notify(
        self, dctx: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None
    ) -> None:
        self.heard.notice(method, params, _flight(dctx))
        await super()._on_notify(dctx, method, params)


class RawClient(Client):
    """Says to servers that questions are taken; whether one is, is decided when it comes."""

    heard: Heard

    async def _build_session(self, exit_stack: AsyncExitStack) -> ClientSession:
        session = _RawSession(
            dispatcher=await self._connect(exit_stack, self.mode, self.raise_exceptions),
            client_info=self.client_info,
            sampling_callback=_never,
            elicitation_callback=_never,
            # Whoever says that it has folders is asked for them.
            list_roots_callback=_never if self.heard.is_personal else None,
            extensions=_UI,
        )
        session.heard = self.heard
        return session


def _flight(dctx: DispatchContext[TransportContext]) -> Flight | None:
    metadata = dctx.message_metadata
    return metadata.flight if isinstance(metadata, CameWith) else None


async def _never(context: Any, params: Any = None) -> Never:
    raise AssertionError("questions are heard before the SDK looks at them")
