"""Routes at /api/my-plugin/."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from server.plugin_api import Caller, Context

router = APIRouter()


@router.get("/open")
async def count_open(plugin: Context) -> dict[str, Any]:
    """How many items are not done yet (500 at most)."""
    return {"ok": True, "data": len(await plugin.records.find("my_plugin_items", where={"done": False}))}


@router.post("/tidy")
async def begin_tidying(caller: Caller, plugin: Context) -> dict[str, Any]:
    """Start the task that removes what is done; its row is in the model `tasks`."""
    return {"ok": True, "data": {"key": await plugin.start_task("tidy", caller, "Remove what is done")}}
