from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from server.plugin_api import Caller, Context, require_admin

router = APIRouter()


@router.post("/look", status_code=202)
async def look(caller: Caller, plugin: Context) -> dict[str, Any]:
    require_admin(caller)
    return {"ok": True, "data": {"key": await plugin.start_task("look", caller, "Look at all sites")}}
