"""Tools for AI clients, called my-plugin__add and so on. Their docstrings are what the clients read."""

from __future__ import annotations

from typing import Any

from server.plugin_api import PluginContext, tool


@tool(title="Add an item")
async def add(plugin: PluginContext, title: str) -> dict[str, Any]:
    """Add something to do to the list."""
    return await plugin.records.create("my_plugin_items", {"title": title})


@tool(title="List open items", read_only=True)
async def list_open(plugin: PluginContext, limit: int = 20) -> list[str]:
    """The titles of what is still to do, the oldest first."""
    rows = await plugin.records.find("my_plugin_items", where={"done": False}, limit=limit)
    return [row["title"] for row in rows]
