"""The caller of a request: from what the SDK knows of it, or from a plain request that the SDK does not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.types import Scope

from server.access.actor import Actor
from server.errors import Unauthorized
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.endpoint.address_options import only_search
from server.mcp_gateway.endpoint.answers import RESERVED_META
from server.mcp_gateway.endpoint.plain_request import PlainRequest
from server.mcp_gateway.log_levels import LEVELS

ACTOR_KEY = "gateway_actor"
_LOG_LEVEL = f"{RESERVED_META}logLevel"
_CAPABILITIES = f"{RESERVED_META}clientCapabilities"


def actor_of(context: Any) -> Actor:
    """Who sent exactly this message: it travels with the HTTP request that carried it, never with the session."""
    actor = context.request.scope["state"].get(ACTOR_KEY) if context.request is not None else None
    if not isinstance(actor, Actor):
        raise Unauthorized("This message came without a caller.")
    return actor


def caller_of(context: ServerRequestContext[Any, Any], server: str | None, log_level: str | None) -> Caller:
    """The sender of a request that the SDK has taken, with the ways back to its client.

    `log_level` is that of the session; one that never set it gets what its servers see fit to send.
    """
    session = context.session
    told = session.client_params
    modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    # This request's own channel: of several streams, its messages go to the one that carries its answer.
    channel = session._request_outbound
    return Caller(
        actor=actor_of(context),
        client=None if told is None else f"{told.client_info.name} {told.client_info.version}",
        server=server,
        few_tools=_few_tools(server, context.request.scope if context.request is not None else None),
        modern=modern,
        session=session._connection.session_id,
        capabilities=_capabilities(context, modern=modern),
        log_level=_log_level(context) if modern else log_level or LEVELS[0],
        progress=session.report_progress,
        tell=channel.notify,
        ask=channel.send_raw_request if channel.can_send_request else None,
    )


def plain_caller(actor: Actor, server: str | None, request: PlainRequest, scope: Scope) -> Caller:
    """The sender of a plain request, which gets nothing but its answer."""
    told = request.meta.get(f"{RESERVED_META}clientInfo")
    if told:
        client: str | None = f"{told['name']} {told['version']}"
    else:
        # In a session that is the name that comes with HTTP.
        client = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), None)
    return Caller(
        actor=actor,
        client=client,
        server=server,
        few_tools=_few_tools(server, scope),
        modern=request.session is None,
        session=request.session,
        capabilities=request.meta.get(_CAPABILITIES) or {},
    )


def _few_tools(server: str | None, scope: Scope | None) -> bool:
    return server is None and scope is not None and only_search(scope)


def _log_level(context: ServerRequestContext[Any, Any]) -> str | None:
    meta = (context.params or {}).get("_meta")
    found = meta.get(_LOG_LEVEL) if isinstance(meta, Mapping) else None
    return found if isinstance(found, str) else None


def _capabilities(context: ServerRequestContext[Any, Any], *, modern: bool) -> Mapping[str, Any]:
    if modern:
        meta = (context.params or {}).get("_meta")
        found = meta.get(_CAPABILITIES) if isinstance(meta, Mapping) else None
        return found if isinstance(found, Mapping) else {}
    typed = context.session.client_capabilities
    return {} if typed is None else typed.model_dump(by_alias=True, mode="json", exclude_none=True)
