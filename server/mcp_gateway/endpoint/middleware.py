"""What the SDK asks first about each message: what is ours to answer is answered here, whole, below its models."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mcp.server.connection import Connection
from mcp.server.context import CallNext, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND
from mcp_types.methods import validate_client_request

from server.mcp_gateway.caller import Caller
from server.mcp_gateway.endpoint.answers import Answers
from server.mcp_gateway.endpoint.audience import Audience, Member
from server.mcp_gateway.endpoint.callers import caller_of
from server.mcp_gateway.endpoint.results import for_modern, for_older
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.relay.relay import Relay
from server.mcp_gateway.upstreams.folders import ROOTS_CHANGED
from server.mcp_gateway.wire import Unwritable, writable

Context = ServerRequestContext[Any, Any]


class Middleware:
    """One of each endpoint. The SDK keeps the streams, the sessions and the two eras apart."""

    def __init__(
        self,
        answers: Answers,
        relay: Relay,
        audience: Audience,
        server: str | None,
        server_info: Mapping[str, Any],
        has_stream: Callable[[str | None], bool],
    ) -> None:
        self._answers = answers.by_method
        self._relay = relay
        self._audience = audience
        self._server = server
        self._server_info = server_info
        self._has_stream = has_stream

    async def __call__(self, ctx: Context, call_next: CallNext) -> Any:
        """The SDK's protocol of a middleware."""
        connection = ctx.session._connection
        member = self._audience.member(connection)
        if ctx.request_id is None:
            if ctx.method == ROOTS_CHANGED and member is not None:
                self._relay.folders_changed(replace(caller_of(ctx, self._server, None), ask=member.ask))
            return await call_next(ctx)
        caller = caller_of(ctx, self._server, member.log_level if member else None)
        if member is not None:
            # What they may hear is what they may do now, not what they might when they came.
            member.caller = caller
        if ctx.method in ("initialize", "server/discover"):
            return await self._introduced(ctx, call_next, caller, connection)
        work = self._work(ctx, caller, member)
        if work is None:
            return await call_next(ctx)
        _check(ctx)
        with member.answering(caller) if member else contextlib.nullcontext():
            try:
                result = writable(await work())
                if caller.modern:
                    return for_modern(ctx.method, result, self._server_info)
                return for_older(result)
            except CallFailed as error:
                raise MCPError(code=error.code, message=error.message, data=error.data) from error
            except Unwritable as error:
                raise MCPError(code=INTERNAL_ERROR, message=f"The answer can't be passed on: {error}.") from error

    def _work(self, ctx: Context, caller: Caller, member: Member | None) -> Callable[[], Any] | None:
        params = ctx.params or {}
        answer = self._answers.get(ctx.method)
        if answer is not None:
            return lambda: answer(caller, params)
        if caller.modern:
            return (lambda: self._audience.listen(ctx, caller)) if ctx.method == "subscriptions/listen" else None
        if member is None:
            return None
        match ctx.method:
            case "resources/subscribe":
                return lambda: self._audience.subscribe(member, caller, params["uri"])
            case "resources/unsubscribe":
                return lambda: self._audience.unsubscribe(member, caller, params["uri"])
            case "logging/setLevel":
                return lambda: self._set_level(member, caller, params["level"])
        return None

    async def _set_level(self, member: Member, caller: Caller, level: str) -> dict[str, Any]:
        member.log_level = level
        self._relay.set_log_level(caller, level)
        return {}

    async def _introduced(self, ctx: Context, call_next: CallNext, caller: Caller, connection: Connection) -> Any:
        result = await call_next(ctx)
        if isinstance(result, dict):
            result["capabilities"] |= await self._relay.capabilities(caller)
            if (told := self._relay.instructions(caller)) is not None:
                result["instructions"] = told
        if not caller.modern and self._audience.member(connection) is None:
            self._audience.join(caller, connection, lambda: self._has_stream(connection.session_id))
        return result


def _check(ctx: Context) -> None:
    """What the SDK does before it calls a handler. Raises MCPError and pydantic's ValidationError."""
    try:
        validate_client_request(ctx.method, ctx.protocol_version, ctx.params)
    except KeyError:
        raise MCPError(code=METHOD_NOT_FOUND, message="Method not found", data=ctx.method) from None
    if not ctx.session._connection.initialize_accepted:
        raise MCPError(code=INVALID_PARAMS, message="Invalid request parameters", data="")
