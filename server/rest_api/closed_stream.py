"""A stream whose source is closed whatever ends it: the last piece, an error, or a client that goes away."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class ClosedStream(StreamingResponse):
    """Sends `first` and then the pieces of `source`."""

    def __init__(self, first: bytes, source: AsyncGenerator[bytes, None], **options: Any) -> None:
        super().__init__(_joined(first, source), **options)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()


async def _joined(first: bytes, source: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    yield first
    async for piece in source:
        yield piece
