"""Calls and lists that need nothing but an answer, answered as JSON without the SDK; all else goes on to it.

The policy, the limits and the way to a server are those of every call (`Gateway.call`). What is left out is what
costs: models of the whole message, a session's streams, a stream of events for the one answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Mapping
from typing import Any

from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from starlette.types import Receive, Scope, Send

from server.access.actor import Actor
from server.asgi.body import replayed
from server.mcp_gateway.endpoint.answers import Answer
from server.mcp_gateway.endpoint.callers import plain_caller
from server.mcp_gateway.endpoint.plain_request import PlainRequest, headers_of, is_id, parsed, plain_request
from server.mcp_gateway.endpoint.results import for_modern, for_older
from server.mcp_gateway.endpoint.sdk_sessions import SdkSessions, owner_of
from server.mcp_gateway.failures import INTERNAL_ERROR, CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.wire import to_wire

_log = logging.getLogger(__name__)
_INVALID_REQUEST = -32600
_CANCELLED = -32006

_Reply = tuple[int, dict[str, Any]]


class ShortWay:
    """In front of the SDK, on one endpoint. `answers` has what answers each method."""

    def __init__(
        self,
        gateway: Gateway,
        server: str | None,
        sessions: SdkSessions,
        answers: Mapping[str, Answer],
        server_info: Mapping[str, Any],
    ) -> None:
        self._gateway = gateway
        self._server = server
        self._sessions = sessions
        self._answers = answers
        self._server_info = server_info
        self._in_flight: dict[tuple[str, str | int], asyncio.Future[None]] = {}

    async def __call__(self, actor: Actor, scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send] | None:
        """Answer the request and return None, or return with what the SDK is to answer it."""
        headers, owner = headers_of(scope), owner_of(actor)
        if scope["method"] != "POST" or headers is None or not _is_measured(scope):
            return receive, send
        body = await _body(receive)
        if body is None:
            return None
        again = replayed(body, receive)
        message = parsed(body)
        if message is None:
            return again, send
        if message.get("method") == "initialize":
            return again, self._sessions.watching(actor, message, send)
        if message.get("method") == "notifications/cancelled":
            self._cancel(headers.get(b"mcp-session-id"), message.get("params"), owner)
        request = plain_request(message, headers)
        if request is None or not self._is_plain(actor, request, owner):
            return again, send
        await self._answer(actor, request, scope, receive, send)
        return None

    def _is_plain(self, actor: Actor, request: PlainRequest, owner: str) -> bool:
        session = None
        if request.session is not None:
            session = self._sessions.find(request.session, owner)
            if session is None:
                return False
        if request.method == "tools/list":
            return True
        upstream = self._gateway.upstream_of(actor, request.name, self._server)
        if upstream is None:
            return False
        if session is None:
            return not upstream.mirrors_headers(request.name, by_own_name=self._server is not None)
        return not upstream.may_log and not (session.takes_questions and upstream.may_ask)

    async def _answer(self, actor: Actor, request: PlainRequest, scope: Scope, receive: Receive, send: Send) -> None:
        if request.session is None:
            # The end of the connection is how the modern era takes a call back.
            found = await _unless(self._reply(actor, request, scope), _disconnected(receive))
            if found is not None:
                await _send(send, *found)
            return
        key = (request.session, request.id)
        if key in self._in_flight:
            error = {"code": _INVALID_REQUEST, "message": f"A request with the id {request.id!r} is still running."}
            await _send(send, 200, {"jsonrpc": "2.0", "id": request.id, "error": error})
            return
        taken_back = self._in_flight[key] = asyncio.get_running_loop().create_future()
        with self._sessions.used(request.session):
            try:
                found = await _unless(self._reply(actor, request, scope), taken_back)
            finally:
                del self._in_flight[key]
        if found is None:
            error = {"code": _CANCELLED, "message": "The client took this call back."}
            found = 200, {"jsonrpc": "2.0", "id": request.id, "error": error}
        await _send(send, *found, session=request.session)

    async def _reply(self, actor: Actor, request: PlainRequest, scope: Scope) -> _Reply:
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request.id}
        modern = request.session is None
        try:
            caller = plain_caller(actor, self._server, request, scope)
            result = await self._answers[request.method](caller, request.params)
            reply["result"] = for_modern(request.method, result, self._server_info) if modern else for_older(result)
            return 200, reply
        except CallFailed as failed:
            reply["error"] = {"code": failed.code, "message": failed.message}
            if failed.data is not None:
                reply["error"]["data"] = failed.data
            return ERROR_CODE_HTTP_STATUS.get(failed.code, 200) if modern else 200, reply
        except Exception:
            _log.exception("a call of %s failed", request.name or request.method)
            reply["error"] = {"code": INTERNAL_ERROR, "message": "The gateway failed; its log says why."}
            return 200, reply

    def _cancel(self, session: str | None, params: Any, owner: str) -> None:
        number = params.get("requestId") if isinstance(params, dict) else None
        if session is None or not is_id(number) or self._sessions.find(session, owner) is None:
            return
        taken_back = self._in_flight.get((session, number))
        if taken_back is not None and not taken_back.done():
            taken_back.set_result(None)


def _is_measured(scope: Scope) -> bool:
    return any(name == b"content-length" for name, _ in scope["headers"])


async def _body(receive: Receive) -> bytes | None:
    """The whole body (its length was checked before); None when the caller has gone."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = []
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    return None


async def _unless(work: Awaitable[_Reply], end: Awaitable[None]) -> _Reply | None:
    """What `work` brings; None when `end` came first, and the work was given up."""
    this = asyncio.current_task()
    assert this is not None
    given_up = False

    def give_up(ended: asyncio.Future[None]) -> None:
        nonlocal given_up
        if not ended.cancelled():
            ended.exception()  # whatever ended it
            given_up = True
            this.cancel()

    ending = asyncio.ensure_future(end)
    ending.add_done_callback(give_up)
    try:
        return await work
    except asyncio.CancelledError:
        if not given_up or this.uncancel():
            raise
        return None
    finally:
        ending.remove_done_callback(give_up)
        ending.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, status: int, reply: dict[str, Any], *, session: str | None = None) -> None:
    body = to_wire(reply)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if session is not None:
        headers.append((b"mcp-session-id", session.encode("latin-1")))
    with contextlib.suppress(OSError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
