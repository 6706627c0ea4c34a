"""Calls and lists that need nothing but an answer, answered as JSON without the SDK; all else goes on to it.

The policy, the limits and the way to a server are those of every call (`Gateway.call`). What is left out is what
costs: models of the whole message, a session's streams, a stream of events for the one answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from server.access.actor import Actor
from server.asgi.body import read_body, replayed
from server.asgi.hang_up import Watch, on_hang_up
from server.asgi.replies import send_error
from server.errors import BadRequest, GridBearError, NotAcceptable
from server.mcp_gateway.catalogue.tool import Tool, has_header_fields
from server.mcp_gateway.endpoint.answers import Answer, relayed_meta
from server.mcp_gateway.endpoint.callers import plain_caller
from server.mcp_gateway.endpoint.in_flight import IdInUse, InFlight
from server.mcp_gateway.endpoint.large_results import METHOD, LargeResults
from server.mcp_gateway.endpoint.last_word import LastWord, Why
from server.mcp_gateway.endpoint.plain_request import (
    PlainRequest,
    headers_of,
    is_id,
    parsed,
    plain_request,
    takes_answers,
)
from server.mcp_gateway.endpoint.results import for_modern, for_older
from server.mcp_gateway.endpoint.sdk_sessions import SdkSessions, Session, owner_of
from server.mcp_gateway.failures import INTERNAL_ERROR, CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.upstreams.upstream import Upstream
from server.mcp_gateway.wire import to_wire

_log = logging.getLogger(__name__)
_INVALID_REQUEST = -32600
_CANCELLED = -32006
_JSON_WANTED = "Messages are wanted as JSON, with the header Content-Type: application/json."
_BOTH_WANTED = (
    "Answers come as JSON or as a stream of events, and the request must take both: "
    "send the header Accept: application/json, text/event-stream."
)

_Reply = tuple[int, dict[str, Any]]
_Found = tuple[Upstream, Tool]
GoOn = Callable[[Receive, Send], Awaitable[None]]
"""To the SDK, with what it is to read and where it is to answer."""


class ShortWay:
    """In front of the SDK, on one endpoint. `answers` has what answers each method."""

    def __init__(
        self,
        gateway: Gateway,
        server: str | None,
        sessions: SdkSessions,
        answers: Mapping[str, Answer],
        server_info: Mapping[str, Any],
        body_bytes: int,
        large: LargeResults | None,
        why_ended: Why,
    ) -> None:
        self._gateway = gateway
        self._server = server
        self._sessions = sessions
        self._answers = answers
        self._server_info = server_info
        self._body_bytes = body_bytes
        self._large = large
        self._why_ended = why_ended
        self._in_flight = InFlight()

    async def __call__(self, actor: Actor, scope: Scope, receive: Receive, send: Send, go_on: GoOn) -> None:
        """Answer the request, or let it `go_on` to the SDK."""
        headers = headers_of(scope)
        if headers is None:
            await go_on(receive, self._sessions.watching(actor, None, send) if scope["method"] == "POST" else send)
            return
        if scope["method"] == "POST":
            await self._post(actor, headers, scope, receive, send, go_on)
            return
        session_id = headers.get(b"mcp-session-id")
        session = None if session_id is None else self._sessions.find(session_id, owner_of(actor))
        await go_on(receive, send)
        if scope["method"] == "DELETE" and session_id is not None and session is not None:
            self._in_flight.take_back_all(session_id)

    async def _post(
        self,
        actor: Actor,
        headers: Mapping[bytes, str],
        scope: Scope,
        receive: Receive,
        send: Send,
        go_on: GoOn,
    ) -> None:
        try:
            if not headers.get(b"content-type", "").lower().startswith("application/json"):
                raise BadRequest(_JSON_WANTED, code="json_wanted")
            if not takes_answers(headers):
                raise NotAcceptable(_BOTH_WANTED)
            body = await read_body(receive, scope, self._body_bytes)
        except ClientDisconnect:
            return
        except GridBearError as error:
            await send_error(error, scope, receive, send)
            return
        again = replayed(body, receive)
        # Not before the body is there: a session may end while it is on its way.
        session_id, session = self._session(actor, headers)
        message = parsed(body)
        if message is None:
            await go_on(again, self._sessions.watching(actor, None, send))
            return
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            await go_on(again, self._sessions.watching(actor, message, send))
            return
        if method == METHOD and self._large is not None and await self._large.answered(actor, message, headers, send):
            return
        if session_id is not None and isinstance(method, str) and is_id(number):
            await self._in_flight.put_away(session_id, number)
            session_id, session = self._session(actor, headers)
        if session_id is not None and method == "notifications/cancelled":
            self._cancel(session_id, message.get("params"))
        request, found = plain_request(message, headers), None
        if request is not None and request.method != "tools/list":
            found = self._gateway.callable_tool(actor, request.name, self._server)
        if request is not None and not self._is_plain(actor, request, session, found):
            request = None
        if session_id is None or not isinstance(method, str) or not is_id(number):
            if request is not None:
                await self._answer(actor, request, found, scope, receive, send)
            elif is_id(number):
                word = LastWord(send, number, self._why_ended)
                await word.after(go_on(again, word.send))
            else:
                await go_on(again, send)
            return
        try:
            with self._in_flight.held(session_id, number) as held:
                if request is None:
                    await go_on(again, held.telling(LastWord(send, number, self._why_ended).send))
                else:
                    await self._answer_in(session_id, held.taken_back, actor, request, found, scope, send)
        except IdInUse as error:
            reply = {"jsonrpc": "2.0", "id": number, "error": {"code": _INVALID_REQUEST, "message": str(error)}}
            await _send(send, 200, reply, session=session_id)

    def _session(self, actor: Actor, headers: Mapping[bytes, str]) -> tuple[str | None, Session | None]:
        """The session that a request is of, by its id; none where it ended, or is another credential's."""
        session_id = headers.get(b"mcp-session-id")
        session = None if session_id is None else self._sessions.find(session_id, owner_of(actor))
        return (None if session is None else session_id), session

    def _is_plain(self, actor: Actor, request: PlainRequest, session: Session | None, found: _Found | None) -> bool:
        if request.session is not None and session is None:
            return False
        if request.method == "tools/list":
            return session is None or not (session.takes_questions and self._may_be_asked(actor))
        if found is None:
            return False
        upstream, tool = found
        if session is None:
            # Arguments that are repeated in headers must be compared.
            return not has_header_fields(tool.raw)
        return not upstream.may_log and not (session.takes_questions and upstream.may_ask)

    def _may_be_asked(self, actor: Actor) -> bool:
        """Whether a list of tools starts a server that may want to know the folders of the client at once."""
        return any(
            upstream.config.person is not None and upstream.is_started_by_a_list
            for upstream in self._gateway.visible(actor)
            if self._server in (None, upstream.config.name)
        )

    async def _answer(
        self, actor: Actor, request: PlainRequest, found: _Found | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # The end of the connection is how the modern era takes a call back.
        reply = await _unless(self._reply(actor, request, found, scope), lambda end: on_hang_up(scope, receive, end))
        if reply is not None:
            await _send(send, *reply)

    async def _answer_in(
        self,
        session: str,
        taken_back: asyncio.Future[None],
        actor: Actor,
        request: PlainRequest,
        found: _Found | None,
        scope: Scope,
        send: Send,
    ) -> None:
        with self._sessions.used(session):
            reply = await _unless(self._reply(actor, request, found, scope), lambda end: _when_done(taken_back, end))
        if reply is None:
            error = {"code": _CANCELLED, "message": "The client took this call back."}
            reply = 200, {"jsonrpc": "2.0", "id": request.id, "error": error}
        await _send(send, *reply, session=session)

    async def _reply(self, actor: Actor, request: PlainRequest, found: _Found | None, scope: Scope) -> _Reply:
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request.id}
        modern = request.session is None
        try:
            caller = plain_caller(actor, self._server, request, scope)
            if found is None:
                result = await self._answers[request.method](caller, request.params)
            else:
                # Nothing has been awaited since it was found: it holds still.
                arguments, meta = request.params.get("arguments"), relayed_meta(request.params)
                result = await self._gateway.call(caller, request.name, arguments, meta, found=found)
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

    def _cancel(self, session: str, params: Any) -> None:
        number = params.get("requestId") if isinstance(params, dict) else None
        if is_id(number):
            self._in_flight.take_back(session, number)


async def _unless(work: Awaitable[_Reply], watch: Watch) -> _Reply | None:
    """What `work` brings; None when the end that is watched for came first, and the work was given up."""
    this = asyncio.current_task()
    assert this is not None
    given_up = False

    def give_up() -> None:
        nonlocal given_up
        given_up = True
        this.cancel()

    stop = watch(give_up)
    try:
        return await work
    except asyncio.CancelledError:
        if not given_up or this.uncancel():
            raise
        return None
    finally:
        stop()


def _when_done(future: asyncio.Future[None], callback: Callable[[], None]) -> Callable[[], None]:
    def done(_future: asyncio.Future[None]) -> None:
        callback()

    future.add_done_callback(done)

    def stop() -> None:
        future.remove_done_callback(done)

    return stop


async def _send(send: Send, status: int, reply: dict[str, Any], *, session: str | None = None) -> None:
    try:
        body = to_wire(reply)
    except ValueError as error:
        failed = {"code": INTERNAL_ERROR, "message": f"The answer can't be passed on: {error}."}
        body = to_wire({"jsonrpc": "2.0", "id": reply["id"], "error": failed})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if session is not None:
        headers.append((b"mcp-session-id", session.encode("latin-1")))
    with contextlib.suppress(OSError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
