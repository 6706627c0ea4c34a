from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from server.plugin_api import Actor, PluginContext, tool

BOOKS = "reading_list_books"


@tool(title="Add a book")
async def add_book(
    plugin: PluginContext, actor: Actor, title: str, author: str | None = None, tags: list[str] | None = None
) -> dict[str, Any]:
    """Put a book on the reading list of whoever asks."""
    return await plugin.records_as(actor).create(BOOKS, {"title": title, "author": author, "tags": tags or []})


@tool(title="Find books", read_only=True)
async def find_books(
    plugin: PluginContext,
    actor: Actor,
    state: Literal["wanted", "reading", "read"] = "wanted",
    limit: int = 20,
) -> list[dict[str, Any]]:
    """The books in one state, the newest first."""
    rows = await plugin.records_as(actor).find(BOOKS, where={"state": state}, sort="-created_at", limit=limit)
    return [{"id": row["id"], "title": row["title"], "author": row["author"], "stars": row["stars"]} for row in rows]


@tool(title="Finish a book")
async def finish_book(plugin: PluginContext, actor: Actor, book_id: int, stars: int | None = None) -> dict[str, Any]:
    """Mark a book as read today, with one to five stars."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return await plugin.records_as(actor).update(BOOKS, book_id, {"state": "read", "stars": stars, "read_at": now})
