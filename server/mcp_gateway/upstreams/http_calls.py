"""Requests straight over keep-alive connections of plain HTTP; whatever else the server sends goes to the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from server.mcp_gateway.caller import Progress
from server.mcp_gateway.messages.tap import UNWATCHED, Tap
from server.mcp_gateway.upstreams.http_connection import Answer, AnswerTooLarge, HttpConnection
from server.mcp_gateway.upstreams.pending_calls import ABANDONED, PendingCall
from server.mcp_gateway.upstreams.request_failed import (
    RequestFailed,
    connection_closed,
    http_status,
    no_answer,
    session_gone,
    too_large,
)
from server.mcp_gateway.wire import from_wire

_IDLE_SECONDS = 3.0
"""Servers close idle connections after 5 s and more; one that may be closing at this moment is not used."""
_CONNECT_SECONDS = 30.0
_MAX_IDLE = 32
_OWN_HEADERS = frozenset(
    ("accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "transfer-encoding")
)

Message = dict[str, Any]


def fits(url: str, headers: Mapping[str, str]) -> bool:
    """Whether this module can speak to the server; TLS and logins in addresses are the SDK's business."""
    parts = urlsplit(url)
    plain = all(text.isascii() and text.isprintable() for item in headers.items() for text in item)
    ours = any(name.lower() in _OWN_HEADERS for name in headers)
    address = parts.scheme == "http" and bool(parts.hostname) and "@" not in parts.netloc and url.isascii()
    return address and plain and not ours


class HttpCalls:
    """A pool of connections to one endpoint. `tell` gets messages that are no answers of ours."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        tell: Callable[[Message], Awaitable[None]],
        abandon: Callable[[str], None],
        tap: Tap = UNWATCHED,
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fixed = {"Host": parts.netloc, "Content-Type": "application/json"}
        fixed |= {"Accept": "application/json, text/event-stream", **headers}
        self._head = f"POST {target} HTTP/1.1\r\n{_lines(fixed)}"
        self._tell = tell
        self._abandon = abandon
        self._tap = tap
        self._idle: list[tuple[float, HttpConnection]] = []
        self._closed = False

    async def call(
        self, method: str, params: Message, headers: Mapping[str, str], progress: Progress | None
    ) -> Message:
        """The server's answer, as it wrote it. Raises RequestFailed."""
        call = PendingCall(progress, self._tap)
        body = call.request(method, params)
        head = f"{self._head}{_lines(headers)}Content-Length: {len(body)}\r\n\r\n"
        try:
            connection = await self._connection()
        except RequestFailed as error:
            call.lost(str(error))
            raise
        answered = False
        try:
            reading = connection.ask(head.encode("latin-1") + body)
            found = await self._answer(call, reading)
            answered = True
            return found
        except RequestFailed as error:
            call.lost(str(error))
            raise
        except asyncio.CancelledError:
            call.lost(ABANDONED)
            self._abandon(call.id)
            raise
        finally:
            if answered and connection.is_free and not self._closed and len(self._idle) < _MAX_IDLE:
                self._idle.append((asyncio.get_running_loop().time(), connection))
            else:
                connection.close()

    def close(self) -> None:
        """Close what is idle; calls on their way end by themselves."""
        self._closed = True
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _connection(self) -> HttpConnection:
        loop = asyncio.get_running_loop()
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_free and loop.time() - since < _IDLE_SECONDS:
                return connection
            connection.close()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, made = await loop.create_connection(HttpConnection, self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise RequestFailed(-32000, str(error) or "no connection", None, "transport") from error
        return made

    async def _answer(self, call: PendingCall, answer: Answer) -> Message:
        try:
            status = await answer.status
            if status == 200 and answer.is_stream:
                async for text in answer.events():
                    message = _maybe(text)
                    if not call.take(message) and isinstance(message, dict):
                        await self._tell(message)
                    if call.answer.done():
                        return await call.wait()
                raise connection_closed("the answer ended before the result")
            return self._whole(call, status, await answer.body())
        except AnswerTooLarge as error:
            raise too_large(error.limit) from error
        except ConnectionError as error:
            # The endpoint may well answer the next call on a new connection.
            raise RequestFailed(-32000, str(error) or "connection closed", None, "transport") from error

    def _whole(self, call: PendingCall, status: int, body: bytes) -> Message:
        if status == 200:
            message = _parsed(body)
            if isinstance(message, dict) and message.get("id") == call.id:
                call.heard(message)
                return message
            raise no_answer("it answers another request")
        message = _maybe(body)
        if isinstance(message, dict) and "error" in message:
            call.heard(message)
        error = message.get("error") if isinstance(message, dict) else None
        terminated = status == 404 and not (isinstance(error, dict) and error.get("code") == -32601)
        if terminated:
            raise session_gone()
        failed = http_status(status)
        if isinstance(error, dict) and isinstance(error.get("code"), int):
            told = str(error.get("message", ""))
            raise RequestFailed(error["code"], told, error.get("data"), failed.kind, status=status)
        raise failed


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _maybe(text: bytes) -> Any:
    # What comes with a refusal may be a page for people, and among events may be what is none of ours.
    try:
        return from_wire(text)
    except ValueError:
        return None


def _parsed(text: bytes) -> Any:
    try:
        return from_wire(text)
    except ValueError as error:
        raise no_answer(str(error)) from error
