"""Health and notifications for trusted programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from server.records.notify import NotificationStore, Severity, notify


class NewNotification(BaseModel):
    """A notification for one person, or for everybody who can sign in."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str = Field(min_length=1, max_length=500)
    message: str | None = Field(None, max_length=20_000)
    severity: Severity = "info"
    category: str | None = Field(None, max_length=100)
    source: str | None = Field(None, max_length=200)
    action_url: str | None = Field(None, max_length=2000, pattern=r"^(/$|/[^/\\]|#/|https?://)")
    username: str | None = Field(None, description="Who gets it; null means every active person.")


def internal_router(
    records: NotificationStore, guard: Callable[..., None], *, clock: Callable[[], float] = time.monotonic
) -> APIRouter:
    """Routes under /api/internal behind `guard`."""
    started = clock()
    router = APIRouter(prefix="/api/internal", tags=["internal"], dependencies=[Depends(guard)])

    @router.get("/health", summary="State of the server, for trusted programs")
    async def health() -> dict[str, Any]:
        return {"ok": True, "data": {"status": "ok", "uptime_seconds": round(clock() - started, 3)}}

    @router.post("/notifications", status_code=201, summary="Notify one person, or everybody")
    async def notifications(body: NewNotification) -> dict[str, Any]:
        values = body.model_dump(exclude_none=True, exclude={"username"})
        ids = await notify(records, values, username=body.username)
        return {"ok": True, "data": {"ids": ids}, "count": len(ids)}

    return router
