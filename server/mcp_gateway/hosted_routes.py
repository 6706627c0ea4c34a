"""/api/v1/gateway/own: the servers of this program and of its plugins, and what an admin decides about their tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from server.access.actor import Actor
from server.access.demands import demand_scope
from server.mcp_gateway.catalogue.routes import ToolChanges
from server.mcp_gateway.hosted_desk import OwnToolDesk

ServerName = Annotated[str, Path(max_length=32, description="records, gridbear, or the name of a plugin.")]


def own_tools_router(desk: OwnToolDesk, enter: Callable[[Request, Response], Actor]) -> APIRouter:
    """`enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/gateway/own", tags=["gateway"])

    @router.get("", summary="The servers of this program that you may use, and how many tools each has")
    async def servers(request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": desk.servers(enter(request, response))}

    @router.get("/{server}/tools", summary="The tools of a server of this program; for admins also those that are off")
    async def tools(server: ServerName, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": desk.listed(enter(request, response), server)}

    @router.patch("/{server}/tools/{name:path}", summary="Switch, rename or describe a tool of this program")
    async def change(
        changes: ToolChanges, server: ServerName, name: str, request: Request, response: Response
    ) -> dict[str, Any]:
        actor = enter(request, response)
        demand_scope(actor)
        return {"ok": True, "data": await desk.change(actor, server, name, changes.model_dump(exclude_unset=True))}

    return router
