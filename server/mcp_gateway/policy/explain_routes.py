"""GET /api/v1/gateway/{id}/explain and /gateway/own/{server}/explain: why a person may call a tool, or may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from server.access.actor import Actor
from server.mcp_gateway.hosted_routes import ServerName
from server.mcp_gateway.policy.explain import ToolExplainer
from server.records.values import INTEGER_MAX

_Id = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
_User = Annotated[int, Query(ge=0, le=INTEGER_MAX, description="The person's id.")]
_Tool = Annotated[str, Query(min_length=1, max_length=200, description="Its name, without the server's.")]
_Token = Annotated[int | None, Query(ge=0, le=INTEGER_MAX, description="One of their API tokens.")]


def explain_router(explainer: ToolExplainer, enter: Callable[[Request, Response], Actor]) -> APIRouter:
    """`enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/gateway", tags=["gateway"])

    @router.get("/own/{server}/explain", summary="The same of a tool of this program or of a plugin")
    async def explain_own(
        server: ServerName, request: Request, response: Response, user: _User, tool: _Tool, token: _Token = None
    ) -> dict[str, Any]:
        actor = enter(request, response)
        return {"ok": True, "data": await explainer.explain_own(actor, server, user, tool, token)}

    @router.get("/{server_id}/explain", summary="Why a person may call a tool of an MCP server, or may not")
    async def explain(
        server_id: _Id, request: Request, response: Response, user: _User, tool: _Tool, token: _Token = None
    ) -> dict[str, Any]:
        actor = enter(request, response)
        return {"ok": True, "data": await explainer.explain(actor, server_id, user, tool, token)}

    return router
