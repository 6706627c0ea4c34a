from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header

from server.plugin_api import Caller, Context, NotFound, Unauthorized

router = APIRouter()


@router.get("/favourites")
async def favourites(plugin: Context, x_feed_key: Annotated[str, Header()] = "") -> dict[str, Any]:
    """The books with five stars, for whoever has the key."""
    wanted = plugin.secret("feed_key")
    if not wanted or not hmac.compare_digest(wanted.encode(), x_feed_key.encode()):
        raise NotFound("there is no such list")
    rows = await plugin.records.find("reading_list_books", where={"stars": 5}, sort="-read_at")
    return {"ok": True, "data": [{"title": row["title"], "author": row["author"]} for row in rows]}


@router.get("/year")
async def year(caller: Caller, plugin: Context) -> dict[str, Any]:
    # With "public_api" whoever is not signed in gets here, too.
    if not caller.is_signed_in:
        raise Unauthorized("sign in to see your year")
    start = datetime.now(UTC).strftime("%Y-01-01T00:00:00.000Z")
    where = {"state": "read", "read_at__gte": start, "owner_id": caller.user_id}
    rows = await plugin.records_as(caller).find("reading_list_books", where=where)
    return {"ok": True, "data": {"read": len(rows), "goal": plugin.settings["goal"]}}
