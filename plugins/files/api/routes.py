"""What the page asks before it adds a folder to the settings, so that a wrong one never stops the others."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.plugin_api import Caller, Context, require_admin

from ..folders import check_new

router = APIRouter()


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    path: str = Field(min_length=1, max_length=1000)


@router.post("/check")
async def check(wanted: Wanted, caller: Caller, plugin: Context) -> dict[str, Any]:
    """Whether a folder could be added. Admins only: it tells what is on this computer."""
    require_admin(caller)
    await asyncio.to_thread(check_new, plugin, wanted.model_dump())
    return {"ok": True, "data": None}
