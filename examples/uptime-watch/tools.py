from __future__ import annotations

from typing import Any

from server.plugin_api import PluginContext, tool


@tool(title="Which sites are down", read_only=True)
async def status(plugin: PluginContext) -> list[dict[str, Any]]:
    """Every watched site with its state and since when."""
    rows = await plugin.records.find("uptime_watch_sites", sort="state,name")
    return [{"name": row["name"], "state": row["state"], "since": row["since"]} for row in rows]
