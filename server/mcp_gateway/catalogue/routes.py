"""/api/v1/gateway/{id}/tools: what a server offers, and what an admin decides about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor
from server.access.demands import demand_scope
from server.mcp_gateway.call_routes import as_error
from server.mcp_gateway.catalogue.desk import ToolDesk
from server.mcp_gateway.failures import CallFailed
from server.records.values import INTEGER_MAX

ServerId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]


class ToolChanges(BaseModel):
    """What an admin may change of a tool; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(default=True, description="Off: neither listed nor callable.")
    alias: str | None = Field(default=None, max_length=64, description="Offered under this name; null: its own.")
    description: str | None = Field(
        default=None, max_length=20_000, description="Shown in place of the server's; null: the server's."
    )


class SeenTool(BaseModel):
    """A tool as an admin saw it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, description="As it is offered, or as its server calls it.")
    hash: str = Field(pattern=r"^[0-9a-f]{64}$", description="As the list of tools showed it.")


class Approval(BaseModel):
    """What is approved: all of it or nothing."""

    model_config = ConfigDict(extra="forbid")

    tools: list[SeenTool] = Field(min_length=1, max_length=5_000)


def tools_router(desk: ToolDesk, enter: Callable[[Request, Response], Actor]) -> APIRouter:
    """`enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/gateway/{server_id}", tags=["gateway"])

    @router.get(
        "/tools",
        summary="The tools of an MCP server, with their schemas; for who decides about it all that it ever had",
    )
    async def tools(server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await desk.listed(enter(request, response), server_id)}

    @router.post("/refresh", summary="Ask an MCP server for its tools now")
    async def refresh(server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        try:
            return {"ok": True, "data": await desk.refresh(actor, server_id)}
        except CallFailed as failure:
            raise as_error(failure) from failure

    @router.post("/tools/approve", summary="Approve new and changed tools, as you saw them")
    async def approve(wanted: Approval, server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        seen = {tool.name: tool.hash for tool in wanted.tools}
        return {"ok": True, "data": await desk.approve(actor, server_id, seen)}

    @router.patch("/tools/{name:path}", summary="Switch, rename or describe a tool")
    async def change(
        changes: ToolChanges, server_id: ServerId, name: str, request: Request, response: Response
    ) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        values = changes.model_dump(exclude_unset=True)
        return {"ok": True, "data": await desk.change(actor, server_id, name, values)}

    return router
