"""The streams of a transport, on which an admin may watch what passes. Imports the SDK: only when a server is used."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from mcp.client._transport import ReadStream, TransportStreams, WriteStream
from mcp.shared.message import SessionMessage

from server.mcp_gateway.messages.tap import Tap
from server.mcp_gateway.upstreams.open_questions import OpenQuestions


@asynccontextmanager
async def tapped(
    transport: AbstractAsyncContextManager[TransportStreams], tap: Tap
) -> AsyncGenerator[TransportStreams, None]:
    """The same transport; what the SDK's session says and hears passes `tap`, and a flood of questions ends here."""
    questions = OpenQuestions()
    async with transport as (read, write):
        yield _TappedRead(read, tap, questions), _TappedWrite(write, tap, questions)


class _TappedRead:
    def __init__(self, stream: ReadStream[SessionMessage | Exception], tap: Tap, questions: OpenQuestions) -> None:
        self._stream, self._tap, self._questions = stream, tap, questions

    @property
    def last_context(self) -> Any:
        """What the SDK asks a stream for, where it has it."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        while not self._questions.admits(item := self._seen(await self._stream.receive())):
            pass
        return item

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        while not self._questions.admits(item := self._seen(await self._stream.__anext__())):
            pass
        return item

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)

    def _seen(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        if self._tap.watch.ring is not None and isinstance(item, SessionMessage):
            self._tap.from_server(_written(item))
        return item


class _TappedWrite:
    def __init__(self, stream: WriteStream[SessionMessage], tap: Tap, questions: OpenQuestions) -> None:
        self._stream, self._tap, self._questions = stream, tap, questions

    async def send(self, item: SessionMessage, /) -> None:
        if self._tap.watch.ring is not None:
            self._tap.to_server(_written(item))
        await self._stream.send(item)
        self._questions.answered(item)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)


def _written(item: SessionMessage) -> dict[str, Any]:
    """As it goes over the wire."""
    return item.message.model_dump(mode="json", by_alias=True, exclude_unset=True)
