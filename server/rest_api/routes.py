"""Routes under /api/v1 that are no model: the models themselves, and the server's own state."""

from __future__ import annotations

import platform
import time
from typing import Any

from fastapi import APIRouter, Request, Response

from server import __version__
from server.config import SettingsHolder
from server.errors import NotFound
from server.records.service import Records
from server.records.times import now_text
from server.rest_api.gate import RestGate
from server.rest_api.schema import describe_model


def rest_router(records: Records, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The router, without the records app."""
    router = APIRouter(prefix="/api/v1")
    started_at, started = now_text(), time.monotonic()

    @router.get("/models", tags=["models"], summary="Models that you may use, with their fields")
    async def models(request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        described = [
            described
            for spec in records.registry
            if (described := describe_model(records.policy, actor, spec)) is not None
        ]
        return {"ok": True, "data": described, "count": len(described)}

    @router.get("/models/{model}", tags=["models"], summary="One model with its fields")
    async def model(model: str, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        described = describe_model(records.policy, actor, records.registry.get(model))
        if described is None:
            raise NotFound(f"There is no model {model!r}. GET /api/v1/models lists them.", code="unknown_model")
        return {"ok": True, "data": described}

    @router.get("/server", tags=["server"], summary="State of this server")
    async def server(request: Request, response: Response) -> dict[str, Any]:
        gate.enter_route(request, response)
        current = settings.current
        host = request.headers.get("host", "")
        return {
            "ok": True,
            "data": {
                "version": __version__,
                "started_at": started_at,
                "uptime_seconds": round(time.monotonic() - started, 3),
                "address": f"{request.scope.get('scheme', 'http')}://{host}{current.base_path}",
                "base_path": current.base_path,
                "lan": not current.is_loopback,
                "platform": platform.system(),
            },
        }

    return router
