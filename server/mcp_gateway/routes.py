"""What REST tells of the gateway: the servers' state, restart, and the cancelling of tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from server.access.actor import Actor
from server.access.demands import demand_scope
from server.mcp_gateway.server_desk import ServerDesk
from server.records.values import INTEGER_MAX
from server.tasks.queue import Tasks

ServerId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
Enter = Callable[[Request, Response], Actor]


def gateway_router(desk: ServerDesk, tasks: Tasks, enter: Enter) -> APIRouter:
    """Routes under /api/v1/gateway and /api/v1/tasks. `enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1")

    @router.get("/gateway", tags=["gateway"], summary="MCP servers, their state and tools")
    async def state(request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": {"servers": desk.states(enter(request, response))}}

    @router.get("/gateway/metrics", tags=["gateway"], summary="Tool calls by server: outcomes and latencies")
    async def metrics(request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": desk.metrics(enter(request, response))}

    @router.post("/gateway/{server_id}/restart", tags=["gateway"], summary="Restart an MCP server")
    async def restart(server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        return {"ok": True, "data": await desk.restart(actor, server_id)}

    @router.post("/tasks/{key}/cancel", tags=["tasks"], summary="End a waiting or running task of yours")
    async def cancel(key: str, request: Request, response: Response) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        return {"ok": True, "data": await tasks.cancel(actor, key)}

    @router.post("/tasks/{key}/retry", tags=["tasks"], summary="Do an ended task of yours once more, as a new one")
    async def retry(key: str, request: Request, response: Response) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        return {"ok": True, "data": await tasks.retry(actor, key)}

    return router
