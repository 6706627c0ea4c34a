from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from server.plugin_api import Context, NotFound

router = APIRouter()


@router.get("/latest")
async def latest(plugin: Context) -> dict[str, Any]:
    rows = await plugin.records.find("weather_log_readings", sort="-id", limit=1)
    if not rows:
        raise NotFound("nothing was asked for yet")
    return {"ok": True, "data": {"city": rows[0]["city"], "degrees": rows[0]["degrees"], "sky": rows[0]["sky"]}}
