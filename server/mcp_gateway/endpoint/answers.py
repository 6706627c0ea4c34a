"""What one endpoint answers, by method: from a caller and raw parameters to a raw result. Knows nothing of the SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.mcp_gateway.builtin_tools.builtins import Builtins
from server.mcp_gateway.builtin_tools.definitions import TOOLS
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.shape import for_older_clients
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.offers import Kind
from server.mcp_gateway.relay.relay import Relay, told_ttl

Params = Mapping[str, Any]
Answer = Callable[[Caller, Params], Awaitable[dict[str, Any]]]
_ROUNDS = ("inputResponses", "requestState")
_OWN_META = ("progressToken", "progress_token")
RESERVED_META = "io.modelcontextprotocol/"


class Answers:
    """Answers raise CallFailed."""

    def __init__(self, gateway: Gateway, builtins: Builtins, relay: Relay) -> None:
        self._gateway = gateway
        self._builtins = builtins
        self._relay = relay
        self.by_method: dict[str, Answer] = {
            "tools/list": self._tools,
            "tools/call": self._call,
            "prompts/list": self._listing("prompts"),
            "prompts/get": lambda caller, params: relay.prompt(caller, params, relayed_meta(params)),
            "resources/list": self._listing("resources"),
            "resources/templates/list": self._listing("templates"),
            "resources/read": lambda caller, params: relay.resource(caller, params, relayed_meta(params)),
            "completion/complete": lambda caller, params: relay.completion(caller, params, relayed_meta(params)),
        }

    async def _tools(self, caller: Caller, _params: Params) -> dict[str, Any]:
        self._gateway.limits.count_own(caller.actor)
        tools = [] if caller.few_tools else await self._gateway.tools(caller.actor, caller.server, caller)
        listed = [tool.as_listed(prefixed=caller.server is None) for tool in tools]
        if not caller.modern:
            listed = [for_older_clients(tool) for tool in listed]
        own = list(TOOLS.values()) if caller.server is None else []
        result: dict[str, Any] = {"tools": [*own, *listed]}
        if caller.server is not None and (upstream := self._gateway.find(caller.actor, caller.server)) is not None:
            result["ttlMs"] = told_ttl(upstream.list_fresh_for())
        return result

    async def _call(self, caller: Caller, params: Params) -> dict[str, Any]:
        name, arguments, meta = params["name"], params.get("arguments"), relayed_meta(params)
        more = {key: params[key] for key in _ROUNDS if key in params} if caller.modern else None
        if caller.server is None and name in TOOLS:
            return await self._builtins.call(caller, name, arguments, meta, more)
        return await self._gateway.call(caller, name, arguments, meta, more)

    def _listing(self, kind: Kind) -> Answer:
        async def listed(caller: Caller, _params: Params) -> dict[str, Any]:
            self._gateway.limits.count_own(caller.actor)
            return await self._relay.listed(caller, kind)

        return listed


def relayed_meta(params: Params) -> dict[str, Any] | None:
    """What of the caller's `_meta` is meant for the server; tokens and protocol keys belong to this connection."""
    kept = {
        key: value
        for key, value in (params.get("_meta") or {}).items()
        if key not in _OWN_META and not key.startswith(RESERVED_META)
    }
    return kept or None
