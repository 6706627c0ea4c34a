"""The routes of webhooks beside their records: try one, send a delivery again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from server.access.actor import Actor
from server.records.values import INTEGER_MAX
from server.webhooks.deliveries import Deliveries

RecordId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
Enter = Callable[[Request, Response], Actor]


def webhooks_router(deliveries: Deliveries, enter: Enter) -> APIRouter:
    """Routes under /api/v1. `enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1", tags=["webhooks"])

    @router.post("/webhooks/{record_id}/test", summary="Send an example to a webhook now; answers how it went")
    async def test(record_id: RecordId, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await deliveries.test(enter(request, response), record_id)}

    @router.post(
        "/webhook_deliveries/{record_id}/redeliver", status_code=202, summary="Send an ended delivery once more"
    )
    async def redeliver(record_id: RecordId, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await deliveries.redeliver(enter(request, response), record_id)}

    return router
