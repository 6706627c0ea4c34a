"""Waiting for what comes, and whether everything else still goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2


async def until(there: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(20):
        while not (found := await there()):
            await asyncio.sleep(0)
        return found


async def all_is_well(ada: httpx2.AsyncClient) -> None:
    """The server answers, and the bundled plugin runs."""
    assert (await ada.get("/api/v1/notes")).status_code == 200
    assert (await ada.get("/api/webhook-inbox/")).status_code == 200
