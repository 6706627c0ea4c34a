"""POST /api/v1/gateway/approvals/{id}/approve and /deny: what a person says to a call that waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor
from server.mcp_gateway.policy.approvals import Approvals, Lasts
from server.records.values import INTEGER_MAX

ApprovalId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]


class Decision(BaseModel):
    """How long it holds."""

    model_config = ConfigDict(extra="forbid")

    lasts: Lasts = Field(
        default="once", description="`once`: this very call. `while`, `always`: every call of the tool by it."
    )
    minutes: int | None = Field(
        default=None, ge=1, le=60 * 24 * 366, description="How long a while is (mcp_approval_minutes unless given)."
    )


def approval_router(approvals: Approvals, enter: Callable[[Request, Response], Actor]) -> APIRouter:
    """`enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/gateway/approvals", tags=["gateway"])

    @router.post("/{approval_id}/approve", summary="Let a call of a tool be made that a program of yours asked for")
    async def approve(
        approval_id: ApprovalId, request: Request, response: Response, decision: Decision | None = None
    ) -> dict[str, Any]:
        actor, said = enter(request, response), decision or Decision()
        row = await approvals.decide(actor, approval_id, approve=True, lasts=said.lasts, minutes=said.minutes)
        return {"ok": True, "data": row}

    @router.post("/{approval_id}/deny", summary="Refuse a call of a tool that a program of yours asked for")
    async def deny(
        approval_id: ApprovalId, request: Request, response: Response, decision: Decision | None = None
    ) -> dict[str, Any]:
        actor, said = enter(request, response), decision or Decision()
        row = await approvals.decide(actor, approval_id, approve=False, lasts=said.lasts, minutes=said.minutes)
        return {"ok": True, "data": row}

    return router
