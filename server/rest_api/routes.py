"""The server's own state, under /api/v1."""

from __future__ import annotations

import platform
import time
from typing import Any

from fastapi import APIRouter, Request, Response

from server import __version__
from server.config import SettingsHolder
from server.records.times import now_text
from server.rest_api.gate import RestGate


def rest_router(gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The router, without the records app."""
    router = APIRouter(prefix="/api/v1")
    started_at, started = now_text(), time.monotonic()

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
