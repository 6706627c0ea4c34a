"""The routes of schedules beside their records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from server.access.actor import Actor
from server.records.values import INTEGER_MAX
from server.tasks.queue import Tasks
from server.tasks.schedules import Schedules

RecordId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
Enter = Callable[[Request, Response], Actor]


def schedules_router(schedules: Schedules, tasks: Tasks, enter: Enter) -> APIRouter:
    """Routes under /api/v1/schedules. `enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/schedules", tags=["tasks"])

    @router.get("/kinds", summary="What a schedule may let run")
    async def kinds(request: Request, response: Response) -> dict[str, Any]:
        enter(request, response)
        found = [{"task": name, "what": what} for name, what in tasks.schedulable.items()]
        return {"ok": True, "data": found, "count": len(found)}

    @router.post("/{record_id}/run", status_code=202, summary="Begin a run of a schedule now; answers the task")
    async def run(record_id: RecordId, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await schedules.run(enter(request, response), record_id)}

    return router
